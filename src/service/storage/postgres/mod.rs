//! The catalog in PostgreSQL: how it is opened, read and written by any number of instances.

mod connections;
mod database;
mod errors;
mod open;
mod turns;
mod url;

pub(crate) use self::connections::ConnectionCounts;
pub(super) use self::{database::PostgresDatabase, url::PostgresUrl};

//! The catalog in SQLite: how it is opened, read, written and recovered.

mod database;
mod errors;
mod open;
mod readers;
mod turns;
mod writer;

pub(super) use self::{database::SqliteDatabase, open::folder_of};
#[cfg(test)]
pub(super) use self::{
    readers::{LISTS, LOOKUPS},
    writer::{Writer, faults},
};

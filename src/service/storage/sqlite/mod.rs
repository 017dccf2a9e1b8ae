//! The catalog in SQLite: how it is opened, read, written and recovered. Everything else in
//! `storage` names the database by the types of this module.

mod errors;
mod open;
mod readers;
mod writer;

pub(super) use sqlx::{SqliteConnection as Connection, sqlite::SqliteRow as Row};

pub(super) use self::{
    open::{folder_of, open},
    readers::{Readers, STATEMENT_ROWS},
    writer::{Writer, recover},
};
#[cfg(test)]
pub(super) use self::{
    readers::{LISTS, LOOKUPS},
    writer::faults,
};

//! What the server stores: names and positions in a catalog, bytes in blobs.
//!
//! ```text
//! Storage ──> Catalog ──> writes, staging, rows ──> sql      one text for SQLite and PostgreSQL
//!    │           └──────> sqlite, postgres          connections, commits, recovery
//!    ├──────> Blobs  <── folder, s3                 durable bytes, flushed early; small ones are rows
//!    └──────> Pending <── folder                    what the next start removes
//! ```

mod api_keys;
mod background_hash;
mod blobs;
mod catalog;
#[cfg(test)]
mod catalog_histories;
mod catalog_records;
mod commit_staged;
mod compare_file;
#[cfg(test)]
mod contract;
mod database;
mod deletion;
mod error;
mod file_ends;
mod folder;
mod io_error;
mod key_catalog;
mod key_sql;
mod migrations;
#[cfg(test)]
mod mutants;
mod new_blob;
mod open;
mod pending;
mod place;
mod postgres;
mod records;
mod rows;
mod s3;
mod shared_work;
mod small_blobs;
mod sql;
#[cfg(test)]
mod sql_tests;
mod sqlite;
mod staged_catalog;
mod staged_sql;
mod staged_totals;
mod staging;
mod staging_queue;
mod statement;
mod sweep;
mod transaction;
mod verify;
mod writes;

pub use self::{
    api_keys::KeyInfo,
    key_catalog::KeyCatalog,
    place::Place,
    rows::UploadRecord,
    verify::{Finding, FindingKind, Verification, verify},
};
pub(crate) use self::{
    catalog::{Catalog, PlaceForFile},
    commit_staged::{Committed, DifferentSchema},
    deletion::Deleted,
    error::StorageError,
    folder::create_folder,
    new_blob::{NewBlob, StoredBlob},
    open::{Storage, StorageRules},
    postgres::ConnectionCounts,
    rows::StoredFile,
    staged_totals::{Quota, StagedTotals},
    staging::{SchemaText, Staged, StagedSchema},
    writes::{Appended, Created, NewFile},
};

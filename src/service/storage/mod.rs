//! What the server stores: names and positions in a catalog, bytes in blobs.
//!
//! ```text
//! Storage ──> Catalog ──> writes, staging, rows ──> sql      one text for SQLite and PostgreSQL
//!    │           └──────> sqlite                    connections, commits, recovery
//!    ├──────> Blobs  <── folder                     durable bytes, flushed early
//!    └──────> Pending <── folder                    what the next start removes
//! ```

mod background_hash;
mod blobs;
mod catalog;
#[cfg(test)]
mod catalog_histories;
#[cfg(test)]
mod contract;
mod error;
mod folder;
mod new_blob;
mod open;
mod pending;
mod place;
mod rows;
mod sql;
mod sqlite;
mod staged_catalog;
mod staging;
mod staging_queue;
mod sweep;
mod writes;

pub(crate) use self::{
    catalog::Catalog,
    error::StorageError,
    folder::create_folder,
    new_blob::{NewBlob, StoredBlob},
    open::{StagingRules, Storage},
    staging::{Committed, DifferentSchema, Quota, Staged, StagedTotals},
    writes::{Appended, Created, NewFile},
};
pub use self::{place::Place, rows::UploadRecord};

//! The contract of every implementation of storage. A second catalog or blob store runs the same
//! checks.

mod blobs;
mod catalog;
mod commit_proxy;
mod deletion;
pub(super) mod fixture;
mod keys;
mod memory;
mod postgres;
#[path = "../../../../tests/rust/support/postgres.rs"]
mod postgres_server;
mod rates;
mod records;
mod small;
mod staging;
mod sweep;

use std::{path::Path, time::Duration};

use parquet::schema::parser::parse_message_type;

use super::{
    catalog::Catalog,
    commit_staged::{Committed, StagedCommit},
    database::Database,
    error::StorageError,
    open::StorageRules,
    place::CatalogPlace,
    sqlite::{Writer, faults::Fault},
    staged_totals::Quota,
    writes::NewFile,
};
use crate::{
    schema::Schema,
    wire::{digest::Sha256Digest, staging::CommittedFile},
};

/// A schema with one column.
pub(super) fn data_schema(column: &str) -> Schema {
    let message = format!("message schema {{ required int64 {column}; }}");
    Schema::from_parquet(&parse_message_type(&message).unwrap())
}

/// A file of 7 bytes; its id follows from its name.
pub(super) fn new_file(name: &str) -> NewFile {
    NewFile {
        file_id: format!("file_{name}"),
        file_name: name.to_owned(),
        size_bytes: 7,
        row_count: 1,
        sha256: Sha256Digest::from([7; 32]),
        first_byte_at: 1,
        last_byte_at: 2,
        small: None,
    }
}

/// Files stay staged for a day, and uploads may last as long.
pub(super) fn day() -> StorageRules {
    let day = Duration::from_hours(24);
    let quota = Quota { max_files: 1_000, max_bytes: 1 << 30 };
    StorageRules { stage_expiry: day, upload_expiry: day, quota, most_connections: 10 }
}

pub(super) const CATALOG_FILE: &str = "catalog.sqlite";

/// Opens the catalog of a folder.
pub(super) async fn open_folder(folder: &Path) -> Catalog {
    let place = CatalogPlace::Sqlite(folder.join(CATALOG_FILE));
    Catalog::open(&place, false, 0).await.unwrap()
}

/// The writer of a catalog in a folder.
pub(super) fn sqlite_writer(catalog: &Catalog) -> &Writer {
    match &catalog.database {
        Database::Sqlite(database) => &database.writer,
        Database::Postgres(_) => panic!("not in a folder"),
    }
}

/// Lets the next commit of a catalog in a folder fail.
pub(super) fn fail_next(catalog: &Catalog, fault: Fault) {
    *sqlite_writer(catalog).faults.next.lock().unwrap() = Some(fault);
}

/// Commits staged files to the dataset `d`; their ids follow from their names.
pub(super) async fn commit_new_files(
    catalog: &Catalog,
    expected_file_count: u64,
    names: &[String],
) -> Result<Committed, StorageError> {
    let staged_ids: Vec<_> = names.iter().map(|name| new_file(name).file_id).collect();
    let commit = StagedCommit {
        owner: None,
        dataset_id: "d",
        expected_file_count,
        staged_ids: &staged_ids,
        now: 0,
    };
    catalog.commit_staged(commit).await
}

/// The result of a commit of these files.
pub(super) fn committed_files(names: &[String]) -> Vec<CommittedFile> {
    let file =
        |name: &String| CommittedFile { file_name: name.clone(), file_id: new_file(name).file_id };
    names.iter().map(file).collect()
}

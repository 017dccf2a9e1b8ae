//! The datasets, their files, and the order of these.

use std::collections::HashSet;

use bytes::Bytes;

use super::{
    database::Database,
    deletion::{Deleted, Deletion},
    error::StorageError,
    place::CatalogPlace,
    postgres::{ConnectionCounts, PostgresDatabase},
    records::ChangeRecords,
    rows::{
        StoredFile, UploadRecord, dataset_file, dataset_info, is_named, may_be_stored, schema,
        stored_file, upload_record,
    },
    sql,
    sqlite::SqliteDatabase,
    staging_queue::StagingQueue,
    statement::statement,
    writes::{Append, Appended, CreateDataset, Created, NewFile},
};
use crate::{
    error::Error,
    schema::Schema,
    service::clock::now,
    wire::{
        file_name::folded,
        messages::{DatasetFile, DatasetInfo},
    },
};

/// Each may have a schema of megabytes.
const STATEMENT_DATASETS: i64 = 50;

/// Maximum number of rows that one statement of a list reads.
const STATEMENT_ROWS: i64 = 500;

/// What a dataset has for a new file.
pub(crate) struct PlaceForFile {
    /// Whether a file has its name.
    pub(crate) is_taken: bool,
    /// `None` before the first file.
    pub(crate) schema: Option<Schema>,
    /// When the dataset was created: another one may get its id after it is deleted.
    pub(crate) created_at: i64,
}

/// Neighbouring files of a dataset.
pub(crate) struct Files {
    pub(crate) files: Vec<DatasetFile>,
    /// The position of the next one, or the end of what was asked for.
    pub(crate) next: i64,
}

/// Names, positions and owners. An `owner` is the hash of a key; `None` owns and sees everything.
pub(crate) struct Catalog {
    pub(super) database: Database,
    pub(super) staging: StagingQueue,
    /// Whether the catalog has a record of each upload: see [`super::records`].
    pub(super) has_records: bool,
}

impl Catalog {
    /// Opens a catalog, and creates it if it is missing.
    pub(super) async fn open(
        place: &CatalogPlace,
        has_records: bool,
        most_connections: u32,
    ) -> Result<Self, Error> {
        let database = match place {
            CatalogPlace::Sqlite(file) => Database::Sqlite(SqliteDatabase::open(file).await?),
            CatalogPlace::Postgres(url) => {
                Database::Postgres(PostgresDatabase::open(url, most_connections).await?)
            }
        };
        Ok(Self { database, staging: StagingQueue::default(), has_records })
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// Whether a write has failed, so that nothing is written until the catalog was checked.
    pub(crate) fn has_failed(&self) -> bool {
        match &self.database {
            Database::Sqlite(database) => database.writer.has_failed(),
            Database::Postgres(_) => false,
        }
    }

    /// Whether the database responds and takes writes.
    pub(crate) async fn check_reachable(&self) -> Result<(), StorageError> {
        match &self.database {
            Database::Sqlite(_) => Ok(()),
            Database::Postgres(database) => database.check_reachable().await,
        }
    }

    /// The connections to the database, if it is a server.
    pub(crate) fn connections(&self) -> ConnectionCounts {
        match &self.database {
            Database::Sqlite(_) => ConnectionCounts::default(),
            Database::Postgres(database) => database.connections(),
        }
    }

    /// Creates an empty dataset, unless its owner already has `most` datasets.
    pub(crate) async fn create_dataset(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        name: Option<&str>,
        most: u64,
    ) -> Result<Created, StorageError> {
        let created_at = now();
        let create = CreateDataset { owner, dataset_id, name, most, created_at };
        self.database.write(&create).await
    }

    /// Appends files to a dataset, durably and in their order: all of them, or none. The first
    /// file of a dataset gives it its schema.
    pub(crate) async fn append(
        &self,
        dataset_id: &str,
        data_schema: &Schema,
        files: &[NewFile],
    ) -> Result<Appended, StorageError> {
        let has_records = self.has_records;
        self.database.write(&Append { dataset_id, data_schema, files, has_records }).await
    }

    /// Deletes a dataset of an owner, or a file of it. Returns the ids of the blobs.
    pub(super) async fn delete(&self, deletion: &Deletion<'_>) -> Result<Deleted, StorageError> {
        self.database.write(deletion).await
    }

    pub(super) async fn change_records(
        &self,
        change: ChangeRecords<'_>,
    ) -> Result<(), StorageError> {
        self.database.write(&change).await
    }

    /// The ids of blobs to delete, in the order of ids.
    pub(super) async fn expired_records(
        &self,
        now: i64,
        last: &str,
        most: i64,
    ) -> Result<Vec<String>, StorageError> {
        let select = statement(sql::EXPIRED_RECORDS).bind(now).bind(last).bind(most);
        self.database.list(select, |row| row.get("file_id")).await
    }

    pub(crate) async fn has_dataset(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
    ) -> Result<bool, StorageError> {
        let select = statement(sql::HAS_DATASET).bind(dataset_id).bind(owner);
        Ok(self.database.look_up(select).await?.is_some())
    }

    /// All datasets of an owner, newest first.
    pub(crate) async fn datasets(
        &self,
        owner: Option<&str>,
    ) -> Result<Vec<DatasetInfo>, StorageError> {
        let mut datasets = Vec::new();
        let mut last = (i64::MAX, String::new());
        loop {
            let text = if owner.is_some() { sql::DATASETS_OF_OWNER } else { sql::DATASETS };
            let select = statement(text).bind(last.0).bind(&last.1).bind(STATEMENT_DATASETS);
            let select = select.bind_all(owner);
            let infos = self.database.list(select, |row| {
                let place: (i64, String) = (row.get("created_at")?, row.get("dataset_id")?);
                Ok((place, dataset_info(row)?))
            });
            let infos = infos.await?;
            let Some((place, _)) = infos.last() else { return Ok(datasets) };
            last.clone_from(place);
            datasets.extend(infos.into_iter().map(|(_, info)| info));
        }
    }

    /// The position behind the last file of a dataset. Positions grow, and are not used again
    /// after a deletion.
    pub(crate) async fn end(&self, dataset_id: &str) -> Result<i64, StorageError> {
        let row = self.database.look_up(statement(sql::END).bind(dataset_id)).await?;
        Ok(row.map_or(Ok(0), |row| row.get("end_position"))?)
    }

    /// The files of a dataset from position `begin` to before `end`, in its order, but at most as
    /// many as one statement may read.
    pub(crate) async fn files(
        &self,
        dataset_id: &str,
        begin: i64,
        end: i64,
    ) -> Result<Files, StorageError> {
        let select = statement(sql::FILES).bind(dataset_id).bind(begin).bind(end);
        let rows = self.database.list(select.bind(STATEMENT_ROWS), |row| {
            Ok((row.get::<i64>("position")?, dataset_file(row)?))
        });
        let rows = rows.await?;
        let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < STATEMENT_ROWS);
        let next = rows.last().filter(|_| !is_last).map_or(end, |(position, _)| position + 1);
        Ok(Files { files: rows.into_iter().map(|(_, file)| file).collect(), next })
    }

    /// The schema of a dataset; `None` while it is empty.
    pub(crate) async fn schema(&self, dataset_id: &str) -> Result<Option<Schema>, StorageError> {
        let row = self.database.look_up(statement(sql::SCHEMA).bind(dataset_id)).await?;
        Ok(row.as_ref().map(schema).transpose()?.flatten())
    }

    /// Whether a dataset of an owner has a file with this name, or with a name that differs only in
    /// case or Unicode composition. `None` if the owner has no such dataset.
    pub(crate) async fn has_name(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<Option<bool>, StorageError> {
        let select = statement(sql::HAS_NAME).bind(dataset_id).bind(owner).bind(folded(file_name));
        let row = self.database.look_up(select).await?;
        Ok(row.as_ref().map(is_named).transpose()?)
    }

    /// What a dataset of an owner has for a file with this name; `None` if there is no such dataset.
    pub(crate) async fn place_for(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<Option<PlaceForFile>, StorageError> {
        let select = statement(sql::SCHEMA_AND_NAME).bind(dataset_id).bind(owner);
        let row = self.database.look_up(select.bind(folded(file_name))).await?;
        let Some(row) = row else { return Ok(None) };
        let (is_taken, schema) = (is_named(&row)?, schema(&row)?);
        Ok(Some(PlaceForFile { is_taken, schema, created_at: row.get("created_at")? }))
    }

    /// A file by its name. If no file has exactly this name, this returns one whose name counts as
    /// the same: see [`folded`].
    pub(crate) async fn find_file(
        &self,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<Option<StoredFile>, StorageError> {
        if !may_be_stored(file_name) {
            return Ok(None);
        }
        let select = statement(sql::FIND_FILE).bind(dataset_id).bind(folded(file_name));
        let row = self.database.look_up(select.bind(file_name)).await?;
        Ok(row.as_ref().map(stored_file).transpose()?)
    }

    /// The bytes of a small file: see [`super::small_blobs`].
    pub(crate) async fn small_blob(&self, file_id: &str) -> Result<Option<Bytes>, StorageError> {
        let row = self.database.look_up(statement(sql::SMALL_BLOB).bind(file_id)).await?;
        Ok(row.map(|row| row.get::<Vec<u8>>("bytes")).transpose()?.map(Bytes::from))
    }

    /// The ids that belong to files or staged files.
    pub(crate) async fn kept_among(&self, ids: &[String]) -> Result<HashSet<String>, StorageError> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let select = statement(sql::kept_among(ids.len())).bind_all(ids);
        let kept: Vec<String> = self.database.list(select, |row| row.get("file_id")).await?;
        Ok(kept.into_iter().collect())
    }

    pub(crate) async fn upload_records(
        &self,
        dataset_id: &str,
    ) -> Result<Vec<UploadRecord>, StorageError> {
        let select = statement(sql::UPLOAD_RECORDS).bind(dataset_id);
        self.database.list(select, upload_record).await
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        http::{StatusCode, header},
        response::IntoResponse,
    };

    use super::{Database, SqliteDatabase};
    use crate::service::{
        refusal::Refusal,
        storage::{
            contract::fixture::Fixture,
            sqlite::{LISTS, LOOKUPS},
        },
    };

    #[tokio::test]
    async fn waiting_too_long_for_a_reader_gets_a_503_with_retry_after() {
        let fixture = Fixture::sqlite();
        let catalog = fixture.open().await;
        let Database::Sqlite(SqliteDatabase { readers, .. }) = &catalog.database else {
            panic!("not in a folder")
        };
        let mut busy = Vec::new();
        for _ in 0..LOOKUPS {
            busy.push(readers.lookups.acquire().await.unwrap());
        }
        for _ in 0..LISTS {
            busy.push(readers.lists.acquire().await.unwrap());
        }
        tokio::time::pause();
        for error in [
            catalog.has_name(None, "d", "a.parquet").await.unwrap_err(),
            catalog.files("d", 0, 7).await.map(|files| files.next).unwrap_err(),
        ] {
            let answer = Refusal::from(error).into_response();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key(header::RETRY_AFTER));
        }
        tokio::time::resume();
        drop(busy);
        assert_eq!(catalog.has_name(None, "d", "a.parquet").await.unwrap(), None);
    }
}

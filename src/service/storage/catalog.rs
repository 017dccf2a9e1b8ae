//! The datasets, their files, and the order of these.

use std::{collections::HashSet, path::Path, sync::Arc};

use futures_util::{TryStreamExt, future};
use sqlx::{AssertSqlSafe, Row as _};
use tokio_util::task::AbortOnDropHandle;

use super::{
    error::StorageError,
    rows::{UploadRecord, dataset_file, dataset_info, schema, unsigned, upload_record},
    sql,
    sqlite::{self, Readers, STATEMENT_ROWS, Writer},
    staging_queue::StagingQueue,
    writes::{Appended, Created, NewFile, insert_dataset, insert_files},
};
use crate::{
    error::Error,
    schema::Schema,
    wire::{
        file_name::folded,
        messages::{DatasetFile, DatasetInfo},
    },
};

/// Each may have a schema of megabytes.
const STATEMENT_DATASETS: i64 = 50;

/// Names, positions and owners. An `owner` is the hash of a key; `None` owns and sees everything.
pub(crate) struct Catalog {
    pub(super) readers: Readers,
    /// The only connection that writes, so what a transaction has checked still holds when it
    /// writes.
    pub(super) writer: Arc<Writer>,
    pub(super) staging: StagingQueue,
    recovery: AbortOnDropHandle<()>,
}

impl Catalog {
    /// Opens a catalog, and creates it if it is missing.
    pub(super) async fn open(file: &Path) -> Result<Self, Error> {
        let (readers, writer) = sqlite::open(file).await?;
        let writer = Arc::new(writer);
        let recovery = AbortOnDropHandle::new(tokio::spawn(sqlite::recover(Arc::clone(&writer))));
        Ok(Self { readers, writer, staging: StagingQueue::default(), recovery })
    }

    pub(crate) async fn close(&self) {
        self.recovery.abort();
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether a write has failed, so that nothing is written until the catalog was checked.
    pub(crate) fn has_failed(&self) -> bool {
        self.writer.has_failed()
    }

    #[cfg(test)]
    pub(super) fn fail_next_sync(&self) {
        *self.writer.faults.next.lock().unwrap() = Some(sqlite::faults::Fault::Sync);
    }

    /// Creates an empty dataset, unless its owner already has `most` datasets.
    pub(crate) async fn create_dataset(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        name: Option<&str>,
        most: u64,
    ) -> Result<Created, StorageError> {
        let mut write = self.writer.begin().await?;
        match insert_dataset(write.connection()?, owner, dataset_id, name, most).await {
            Ok(Created::Done) => write.commit().await.map(|()| Created::Done),
            Ok(refused) => write.roll_back().await.map(|()| refused),
            Err(error) => Err(write.failed(error)),
        }
    }

    /// Appends files to a dataset, durably and in their order: all of them, or none. The first
    /// file of a dataset gives it its schema.
    pub(crate) async fn append(
        &self,
        dataset_id: &str,
        data_schema: &Schema,
        files: &[NewFile],
    ) -> Result<Appended, StorageError> {
        let mut write = self.writer.begin().await?;
        match insert_files(write.connection()?, dataset_id, data_schema, files).await {
            Ok(Appended::Done) => write.commit().await.map(|()| Appended::Done),
            Ok(refused) => write.roll_back().await.map(|()| refused),
            Err(error) => Err(write.failed(error)),
        }
    }

    pub(crate) async fn has_dataset(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
    ) -> Result<bool, StorageError> {
        let query = sqlx::query(sql::HAS_DATASET).bind(dataset_id).bind(owner);
        Ok(query.fetch_optional(&self.readers.lookups).await?.is_some())
    }

    /// All datasets of an owner, newest first.
    pub(crate) async fn datasets(
        &self,
        owner: Option<&str>,
    ) -> Result<Vec<DatasetInfo>, StorageError> {
        let mut datasets = Vec::new();
        let mut last = (i64::MAX, String::new());
        loop {
            let statement = if owner.is_some() { sql::DATASETS_OF_OWNER } else { sql::DATASETS };
            let query = sqlx::query(statement).bind(last.0).bind(&last.1).bind(STATEMENT_DATASETS);
            let query = match owner {
                Some(owner) => query.bind(owner),
                None => query,
            };
            let rows = query.fetch_all(&self.readers.lists).await?;
            let Some(row) = rows.last() else { return Ok(datasets) };
            last = (row.try_get("created_at")?, row.try_get("dataset_id")?);
            for row in &rows {
                datasets.push(dataset_info(row)?);
            }
        }
    }

    /// The number of files in a dataset. Positions have no gaps.
    pub(crate) async fn file_count(&self, dataset_id: &str) -> Result<i64, StorageError> {
        let query = sqlx::query(sql::FILE_COUNT).bind(dataset_id);
        let row = query.fetch_optional(&self.readers.lookups).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get("file_count"))?)
    }

    /// The files of a dataset from position `begin` to before `end`, in its order, but at most as
    /// many as one statement may read.
    pub(crate) async fn files(
        &self,
        dataset_id: &str,
        begin: i64,
        end: i64,
    ) -> Result<Vec<DatasetFile>, StorageError> {
        let rows = sqlx::query(sql::FILES)
            .bind(dataset_id)
            .bind(begin)
            .bind(end)
            .bind(i64::from(STATEMENT_ROWS))
            .fetch(&self.readers.lists);
        // A row takes several times the memory of its values, so rows are converted one by one.
        let files = rows.and_then(|row| future::ready(dataset_file(&row)));
        Ok(files.try_collect().await?)
    }

    /// The schema of a dataset; `None` while it is empty.
    pub(crate) async fn schema(&self, dataset_id: &str) -> Result<Option<Schema>, StorageError> {
        let query = sqlx::query(sql::SCHEMA).bind(dataset_id);
        let row = query.fetch_optional(&self.readers.lookups).await?;
        Ok(row.as_ref().map(schema).transpose()?.flatten())
    }

    /// Whether a dataset has a file with this name, or with a name that differs only in case or
    /// Unicode composition.
    pub(crate) async fn has_name(
        &self,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<bool, StorageError> {
        let query = sqlx::query(sql::HAS_NAME).bind(dataset_id).bind(folded(file_name));
        Ok(query.fetch_optional(&self.readers.lookups).await?.is_some())
    }

    /// The id and the size in bytes of a file. If no file has exactly this name, this returns one
    /// whose name counts as the same: see [`folded`].
    pub(crate) async fn find_file(
        &self,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<Option<(String, u64)>, StorageError> {
        let query =
            sqlx::query(sql::FIND_FILE).bind(dataset_id).bind(folded(file_name)).bind(file_name);
        let row = query.fetch_optional(&self.readers.lookups).await?;
        Ok(row
            .map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, unsigned(&row, "size_bytes")?)))
            .transpose()?)
    }

    /// The ids that belong to files or staged files.
    pub(crate) async fn kept_among(&self, ids: &[String]) -> Result<HashSet<String>, StorageError> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let statement = sql::kept_among(ids.len());
        // The statement contains no data, only the numbers of its parameters.
        let query = sqlx::query(AssertSqlSafe(statement));
        let query = ids.iter().fold(query, sqlx::query::Query::bind);
        let rows = query.fetch_all(&self.readers.lists).await?;
        let files = rows.iter().map(|row| row.try_get("file_id"));
        Ok(files.collect::<Result<_, sqlx::Error>>()?)
    }

    pub(crate) async fn upload_records(
        &self,
        dataset_id: &str,
    ) -> Result<Vec<UploadRecord>, StorageError> {
        let query = sqlx::query(sql::UPLOAD_RECORDS).bind(dataset_id);
        let rows = query.fetch_all(&self.readers.lists).await?;
        Ok(rows.iter().map(upload_record).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        http::{StatusCode, header},
        response::IntoResponse,
    };
    use tempfile::TempDir;

    use super::Catalog;
    use crate::service::{
        refusal::Refusal,
        storage::sqlite::{LISTS, LOOKUPS},
    };

    #[tokio::test]
    async fn whoever_waits_too_long_for_a_reader_is_asked_to_come_again() {
        let folder = TempDir::new().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let (mut busy, readers) = (Vec::new(), &catalog.readers);
        for _ in 0..LOOKUPS {
            busy.push(readers.lookups.acquire().await.unwrap());
        }
        for _ in 0..LISTS {
            busy.push(readers.lists.acquire().await.unwrap());
        }
        tokio::time::pause();
        for error in [
            catalog.has_name("d", "a.parquet").await.unwrap_err(),
            catalog.files("d", 0, 7).await.unwrap_err(),
        ] {
            let answer = Refusal::from(error).into_response();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key(header::RETRY_AFTER));
        }
        tokio::time::resume();
        drop(busy);
        assert!(!catalog.has_name("d", "a.parquet").await.unwrap());
    }
}

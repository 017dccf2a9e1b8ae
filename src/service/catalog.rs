//! Which datasets there are, and which files in which order: SQL that most databases
//! understand. Times are microseconds since 1970, UTC.

use std::{borrow::Cow, collections::HashSet, path::Path, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::{TryStreamExt, future};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqlStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

use tokio_util::task::AbortOnDropHandle;

use super::{
    catalog_readers::{CatalogReaders, STATEMENT_ROWS},
    catalog_writer::{CatalogWriter, recover},
    keys::Reader,
    private_files,
    storage_error::StorageError,
};
use crate::{
    schema::Schema,
    wire::{
        digest::{NotADigest, Sha256Digest},
        file_name::folded,
        messages::{DatasetFile, DatasetInfo},
    },
};

type Result<T, E = StorageError> = std::result::Result<T, E>;

pub(super) const CATALOG_FILE: &str = "catalog.sqlite";

/// Each may have a schema of megabytes.
const STATEMENT_DATASETS: u32 = 50;

pub(super) struct Catalog {
    /// One connection of its own writes, so what a transaction has checked still holds when it
    /// writes, and positions have no gaps.
    pub(super) readers: CatalogReaders,
    pub(super) writer: Arc<CatalogWriter>,
    recovery: AbortOnDropHandle<()>,
}

/// When a file was received and committed, by the service's clock, in microseconds since
/// 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// The file's name in the dataset.
    pub file_name: String,
    /// When the first byte of its request's body came.
    pub first_byte_at: i64,
    /// When the last byte came.
    pub last_byte_at: i64,
    /// When it became part of the dataset.
    pub committed_at: i64,
}

impl Catalog {
    pub(super) async fn open(folder: &Path) -> Result<Self, sqlx::Error> {
        let path = folder.join(CATALOG_FILE);
        // Its journal gets the mode that it has.
        private_files::open(&path)?;
        // No write-ahead log: it does not work on network file systems, where the homes of
        // notebooks often are.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Delete)
            // A commit is the removal of the journal, which is durable when its folder is synced:
            // "full" leaves that out.
            .synchronous(SqliteSynchronous::Extra);
        let writer = Arc::new(CatalogWriter::open(folder, options.clone()).await?);
        let migrations = vec![
            migration(1, "datasets and files", include_str!("catalog.sql")),
            migration(2, "owners", include_str!("catalog_owners.sql")),
            migration(3, "hashes", include_str!("catalog_hashes.sql")),
            migration(4, "folded names", include_str!("catalog_folded_names.sql")),
            migration(5, "totals", include_str!("catalog_totals.sql")),
        ];
        let mut connection = options.connect().await?;
        Migrator::with_migrations(migrations).run(&mut connection).await?;
        fold_names(&mut connection).await?;
        connection.close().await?;
        let recovery = AbortOnDropHandle::new(tokio::spawn(recover(Arc::clone(&writer))));
        Ok(Self { readers: CatalogReaders::open(options).await?, writer, recovery })
    }

    pub(super) async fn close(&self) {
        self.recovery.abort();
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether a write has failed, and nothing is written until the catalog was checked.
    pub(super) fn has_failed(&self) -> bool {
        self.writer.has_failed()
    }

    pub(super) async fn has_dataset(&self, reader: &Reader, dataset_id: &str) -> Result<bool> {
        let found = sqlx::query(
            "SELECT 1 FROM datasets WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2)",
        )
        .bind(dataset_id)
        .bind(reader.owner())
        .fetch_optional(&self.readers.lookups)
        .await?;
        Ok(found.is_some())
    }

    /// All datasets that the reader may see, newest first.
    pub(super) async fn datasets(&self, reader: &Reader) -> Result<Vec<DatasetInfo>> {
        // Two queries: each of them has an index.
        let is_seen = if reader.owner().is_some() { "owner = $1" } else { "$1 IS NULL" };
        let query = format!(
            "SELECT datasets.dataset_id, name, created_at, data_schema, \
             COALESCE(position + 1, 0) AS file_count, \
             COALESCE(bytes_through, 0) AS total_size_bytes \
             FROM datasets LEFT JOIN files ON files.dataset_id = datasets.dataset_id \
             AND position = (SELECT MAX(position) FROM files AS each \
             WHERE each.dataset_id = datasets.dataset_id) \
             WHERE {is_seen} AND created_at <= $2 \
             AND (created_at < $2 OR datasets.dataset_id > $3) \
             ORDER BY created_at DESC, datasets.dataset_id LIMIT $4"
        );
        let mut datasets = Vec::new();
        let mut last = (i64::MAX, String::new());
        loop {
            let rows = sqlx::query(AssertSqlSafe(query.as_str()))
                .bind(reader.owner())
                .bind(last.0)
                .bind(&last.1)
                .bind(STATEMENT_DATASETS)
                .fetch_all(&self.readers.lists)
                .await?;
            let Some(row) = rows.last() else { return Ok(datasets) };
            last = (row.try_get("created_at")?, row.try_get("dataset_id")?);
            for row in &rows {
                datasets.push(dataset_info(row)?);
            }
        }
    }

    /// How many files a dataset has: positions have no gaps.
    pub(super) async fn file_count(&self, dataset_id: &str) -> Result<i64> {
        let row =
            sqlx::query("SELECT COALESCE(MAX(position), -1) + 1 FROM files WHERE dataset_id = $1")
                .bind(dataset_id)
                .fetch_one(&self.readers.lookups)
                .await?;
        Ok(row.try_get(0)?)
    }

    /// The first files of a dataset, in its order, from one position to before another: as many
    /// as one statement may read.
    pub(super) async fn files(
        &self,
        dataset_id: &str,
        begin: i64,
        end: i64,
    ) -> Result<Vec<DatasetFile>> {
        let rows = sqlx::query(
            "SELECT file_name, file_id, committed_at, size_bytes, row_count, sha256 FROM files \
             WHERE dataset_id = $1 AND position >= $2 AND position < $3 ORDER BY position LIMIT $4",
        )
        .bind(dataset_id)
        .bind(begin)
        .bind(end)
        .bind(STATEMENT_ROWS)
        .fetch(&self.readers.lists);
        // A row takes several times the memory of what it tells.
        let files = rows.and_then(|row| future::ready(dataset_file(&row)));
        Ok(files.try_collect().await?)
    }

    /// The schema of a dataset, where it has one.
    pub(super) async fn schema(&self, dataset_id: &str) -> Result<Option<Schema>> {
        let row = sqlx::query("SELECT data_schema FROM datasets WHERE dataset_id = $1")
            .bind(dataset_id)
            .fetch_optional(&self.readers.lookups)
            .await?;
        Ok(row.as_ref().map(schema).transpose()?.flatten())
    }

    /// Whether a dataset holds a file of this name, or of one that differs only in case or in the
    /// composition of characters.
    pub(super) async fn has_name(&self, dataset_id: &str, file_name: &str) -> Result<bool> {
        let found =
            sqlx::query("SELECT 1 FROM files WHERE dataset_id = $1 AND folded_name = $2 LIMIT 1")
                .bind(dataset_id)
                .bind(folded(file_name))
                .fetch_optional(&self.readers.lookups)
                .await?;
        Ok(found.is_some())
    }

    /// Id and size in bytes of a file. Where no name is written so, it is one that is the same
    /// by [`folded`].
    pub(super) async fn find_file(
        &self,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<Option<(String, u64)>> {
        let row = sqlx::query(
            "SELECT file_id, size_bytes FROM files WHERE dataset_id = $1 AND folded_name = $2 \
             ORDER BY file_name = $3 DESC, position DESC LIMIT 1",
        )
        .bind(dataset_id)
        .bind(folded(file_name))
        .bind(file_name)
        .fetch_optional(&self.readers.lookups)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, unsigned(&row, "size_bytes")?))).transpose()
    }

    pub(super) async fn file_ids(&self) -> Result<HashSet<String>> {
        let rows = sqlx::query("SELECT file_id FROM files").fetch_all(&self.readers.lists).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?)
    }

    pub(super) async fn upload_records(&self, dataset_id: &str) -> Result<Vec<UploadRecord>> {
        let rows = sqlx::query(
            "SELECT file_name, first_byte_at, last_byte_at, committed_at FROM files \
             WHERE dataset_id = $1 ORDER BY position",
        )
        .bind(dataset_id)
        .fetch_all(&self.readers.lists)
        .await?;
        let record = |row: &SqliteRow| {
            Ok(UploadRecord {
                file_name: row.try_get("file_name")?,
                first_byte_at: row.try_get("first_byte_at")?,
                last_byte_at: row.try_get("last_byte_at")?,
                committed_at: row.try_get("committed_at")?,
            })
        };
        Ok(rows.iter().map(record).collect::<Result<_, sqlx::Error>>()?)
    }
}

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    let sql = SqlStr::from_static(sql);
    Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, sql, false)
}

/// Fills in `folded_name` for the files of releases that did not know it.
async fn fold_names(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let query = "SELECT file_id, file_name FROM files WHERE folded_name IS NULL";
    let rows = sqlx::query(query).fetch_all(&mut *connection).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    for row in rows {
        sqlx::query("UPDATE files SET folded_name = $1 WHERE file_id = $2")
            .bind(folded(row.try_get("file_name")?))
            .bind(row.try_get::<&str, _>("file_id")?)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// Microseconds since 1970, UTC.
pub(super) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

fn dataset_info(row: &SqliteRow) -> Result<DatasetInfo, sqlx::Error> {
    Ok(DatasetInfo {
        dataset_id: row.try_get("dataset_id")?,
        name: row.try_get("name")?,
        created_at: rfc3339(row.try_get("created_at")?),
        datetime_added: rfc3339(row.try_get("created_at")?),
        file_count: unsigned(row, "file_count")?,
        total_size_bytes: unsigned(row, "total_size_bytes")?,
        schema: schema(row)?.map(|schema| schema.summary()),
    })
}

fn dataset_file(row: &SqliteRow) -> Result<DatasetFile, sqlx::Error> {
    Ok(DatasetFile {
        file_name: row.try_get("file_name")?,
        file_id: row.try_get("file_id")?,
        uploaded_at: rfc3339(row.try_get("committed_at")?),
        size_bytes: Some(unsigned(row, "size_bytes")?),
        row_count: Some(unsigned(row, "row_count")?),
        sha256: sha256(row)?,
        schema: None,
    })
}

fn sha256(row: &SqliteRow) -> Result<Option<Sha256Digest>, sqlx::Error> {
    let hex: Option<String> = row.try_get("sha256")?;
    hex.map(|hex| hex.parse())
        .transpose()
        .map_err(|error: NotADigest| sqlx::Error::Decode(error.into()))
}

pub(super) fn schema(row: &SqliteRow) -> Result<Option<Schema>, sqlx::Error> {
    let text: Option<String> = row.try_get("data_schema")?;
    let decode = |text: String| Schema::from_text(&text);
    text.map(decode).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
}

fn rfc3339(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

pub(super) fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn signed(value: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

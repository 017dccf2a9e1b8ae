//! Which datasets there are, and which files in which order: SQL that most databases
//! understand. Times are microseconds since 1970, UTC.

use std::{borrow::Cow, collections::HashSet, path::Path};

use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::{
    Row, SqlStr, Sqlite, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use super::{keys::Reader, private_files};
use crate::{
    schema::Schema,
    wire::{
        digest::{NotADigest, Sha256Digest},
        messages::{DatasetFile, DatasetInfo, SchemaSummary},
    },
};

type Result<T, E = sqlx::Error> = std::result::Result<T, E>;

/// One connection: a commit has the database to itself, so what it has checked still holds
/// when it writes, and positions have no gaps.
const CONNECTIONS: u32 = 1;

pub(super) const CATALOG_FILE: &str = "catalog.sqlite";

pub(super) struct Catalog {
    pool: SqlitePool,
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

/// A file that is about to become part of a dataset.
pub(super) struct NewFile<'a> {
    pub(super) file_id: &'a str,
    pub(super) file_name: &'a str,
    pub(super) size_bytes: u64,
    pub(super) row_count: u64,
    pub(super) sha256: Sha256Digest,
    pub(super) first_byte_at: i64,
    pub(super) last_byte_at: i64,
}

impl Catalog {
    pub(super) async fn open(folder: &Path) -> Result<Self> {
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
        let pool =
            SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
        let migrations = vec![
            migration(1, "datasets and files", include_str!("catalog.sql")),
            migration(2, "owners", include_str!("catalog_owners.sql")),
            migration(3, "hashes", include_str!("catalog_hashes.sql")),
        ];
        Migrator::with_migrations(migrations).run(&pool).await?;
        Ok(Self { pool })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        self.pool.begin().await
    }

    /// Returns false where the id is taken, by whomever.
    pub(super) async fn create_dataset(
        &self,
        reader: &Reader,
        dataset_id: &str,
        name: Option<&str>,
    ) -> Result<bool> {
        let created = sqlx::query(
            "INSERT INTO datasets (dataset_id, name, created_at, owner) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (dataset_id) DO NOTHING",
        )
        .bind(dataset_id)
        .bind(name)
        .bind(now())
        .bind(reader.owner())
        .execute(&self.pool)
        .await?;
        Ok(created.rows_affected() == 1)
    }

    pub(super) async fn count_datasets(&self, reader: &Reader) -> Result<u64> {
        let row =
            sqlx::query("SELECT COUNT(*) AS datasets FROM datasets WHERE $1 IS NULL OR owner = $1")
                .bind(reader.owner())
                .fetch_one(&self.pool)
                .await?;
        unsigned(&row, "datasets")
    }

    pub(super) async fn has_dataset(&self, reader: &Reader, dataset_id: &str) -> Result<bool> {
        let found = sqlx::query(
            "SELECT 1 FROM datasets WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2)",
        )
        .bind(dataset_id)
        .bind(reader.owner())
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }

    /// All datasets that the reader may see, newest first.
    pub(super) async fn datasets(&self, reader: &Reader) -> Result<Vec<DatasetInfo>> {
        let rows = sqlx::query(
            "SELECT datasets.dataset_id, name, created_at, data_schema, \
             COUNT(file_id) AS file_count, COALESCE(SUM(size_bytes), 0) AS total_size_bytes \
             FROM datasets LEFT JOIN files ON files.dataset_id = datasets.dataset_id \
             WHERE $1 IS NULL OR owner = $1 \
             GROUP BY datasets.dataset_id, name, created_at, data_schema \
             ORDER BY created_at DESC, datasets.dataset_id",
        )
        .bind(reader.owner())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(dataset_info).collect()
    }

    /// The files of a dataset in its order.
    pub(super) async fn files(&self, dataset_id: &str) -> Result<Vec<DatasetFile>> {
        let rows = sqlx::query(
            "SELECT file_name, file_id, committed_at, size_bytes, row_count, sha256 FROM files \
             WHERE dataset_id = $1 ORDER BY position",
        )
        .bind(dataset_id)
        .fetch_all(&self.pool)
        .await?;
        // After the files: where there is one, there is a schema, and all of them have it.
        let row = sqlx::query("SELECT data_schema FROM datasets WHERE dataset_id = $1")
            .bind(dataset_id)
            .fetch_optional(&self.pool)
            .await?;
        let schema = row.as_ref().map(schema).transpose()?.flatten().map(|schema| schema.summary());
        rows.iter().map(|row| dataset_file(row, schema.clone())).collect()
    }

    /// The schema of a dataset as text, where it has one.
    pub(super) async fn schema_text(&self, dataset_id: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT data_schema FROM datasets WHERE dataset_id = $1")
            .bind(dataset_id)
            .fetch_optional(&self.pool)
            .await?;
        let schema = row.as_ref().map(schema).transpose()?.flatten();
        Ok(schema.as_ref().map(Schema::to_text))
    }

    /// Id and size in bytes of a file.
    pub(super) async fn find_file(
        &self,
        dataset_id: &str,
        file_name: &str,
    ) -> Result<Option<(String, u64)>> {
        let row = sqlx::query(
            "SELECT file_id, size_bytes FROM files WHERE dataset_id = $1 AND file_name = $2",
        )
        .bind(dataset_id)
        .bind(file_name)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, unsigned(&row, "size_bytes")?))).transpose()
    }

    pub(super) async fn file_ids(&self) -> Result<HashSet<String>> {
        let rows = sqlx::query("SELECT file_id FROM files").fetch_all(&self.pool).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }

    pub(super) async fn upload_records(&self, dataset_id: &str) -> Result<Vec<UploadRecord>> {
        let rows = sqlx::query(
            "SELECT file_name, first_byte_at, last_byte_at, committed_at FROM files \
             WHERE dataset_id = $1 ORDER BY position",
        )
        .bind(dataset_id)
        .fetch_all(&self.pool)
        .await?;
        let record = |row: &SqliteRow| {
            Ok(UploadRecord {
                file_name: row.try_get("file_name")?,
                first_byte_at: row.try_get("first_byte_at")?,
                last_byte_at: row.try_get("last_byte_at")?,
                committed_at: row.try_get("committed_at")?,
            })
        };
        rows.iter().map(record).collect()
    }
}

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    let sql = SqlStr::from_static(sql);
    Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, sql, false)
}

/// Whether a statement failed, and was rolled back, because the disk is full.
pub(super) fn is_disk_full(error: &sqlx::Error) -> bool {
    // https://www.sqlite.org/rescode.html#full
    const SQLITE_FULL: &str = "13";
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == SQLITE_FULL)
}

/// Within a transaction: whether the dataset is there, with its schema where it has one.
pub(super) async fn schema_of(
    transaction: &mut Transaction<'static, Sqlite>,
    dataset_id: &str,
) -> Result<Option<Option<Schema>>> {
    let row = sqlx::query("SELECT data_schema FROM datasets WHERE dataset_id = $1")
        .bind(dataset_id)
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(schema).transpose()
}

pub(super) async fn set_schema(
    transaction: &mut Transaction<'static, Sqlite>,
    dataset_id: &str,
    schema: &Schema,
) -> Result<()> {
    sqlx::query("UPDATE datasets SET data_schema = $1 WHERE dataset_id = $2")
        .bind(schema.to_text())
        .bind(dataset_id)
        .execute(&mut **transaction)
        .await
        .map(drop)
}

/// Appends a file; false where its name is taken.
pub(super) async fn append(
    transaction: &mut Transaction<'static, Sqlite>,
    dataset_id: &str,
    file: &NewFile<'_>,
) -> Result<bool> {
    let appended = sqlx::query(
        "INSERT INTO files (file_id, dataset_id, position, file_name, size_bytes, row_count, \
         sha256, first_byte_at, last_byte_at, committed_at) \
         SELECT $1, $2, COUNT(*), $3, $4, $5, $6, $7, $8, $9 FROM files WHERE dataset_id = $2 \
         ON CONFLICT (dataset_id, file_name) DO NOTHING",
    )
    .bind(file.file_id)
    .bind(dataset_id)
    .bind(file.file_name)
    .bind(signed(file.size_bytes)?)
    .bind(signed(file.row_count)?)
    .bind(file.sha256.to_string())
    .bind(file.first_byte_at)
    .bind(file.last_byte_at)
    .bind(now())
    .execute(&mut **transaction)
    .await?;
    Ok(appended.rows_affected() == 1)
}

/// Microseconds since 1970, UTC.
pub(super) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

fn dataset_info(row: &SqliteRow) -> Result<DatasetInfo> {
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

fn dataset_file(row: &SqliteRow, schema: Option<SchemaSummary>) -> Result<DatasetFile> {
    Ok(DatasetFile {
        file_name: row.try_get("file_name")?,
        file_id: row.try_get("file_id")?,
        uploaded_at: rfc3339(row.try_get("committed_at")?),
        size_bytes: Some(unsigned(row, "size_bytes")?),
        row_count: Some(unsigned(row, "row_count")?),
        sha256: sha256(row)?,
        schema,
    })
}

fn sha256(row: &SqliteRow) -> Result<Option<Sha256Digest>> {
    let hex: Option<String> = row.try_get("sha256")?;
    hex.map(|hex| hex.parse())
        .transpose()
        .map_err(|error: NotADigest| sqlx::Error::Decode(error.into()))
}

fn schema(row: &SqliteRow) -> Result<Option<Schema>> {
    let text: Option<String> = row.try_get("data_schema")?;
    let decode = |text: String| Schema::from_text(&text);
    text.map(decode).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
}

fn rfc3339(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn unsigned(row: &SqliteRow, column: &str) -> Result<u64> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

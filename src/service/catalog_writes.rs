//! What is written into the catalog: each call checks, writes and commits in one transaction.

use sqlx::SqliteConnection;

use super::{
    catalog::{Catalog, now, schema, signed, unsigned},
    keys::Reader,
    storage_error::StorageError,
};
use crate::{
    schema::Schema,
    wire::{digest::Sha256Digest, file_name::folded},
};

type Result<T, E = StorageError> = std::result::Result<T, E>;

/// What has become of a new dataset.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Created {
    Done,
    /// The id is taken, by whomever.
    IdTaken,
    /// The key has as many as it may have.
    TooMany,
}

/// What has become of a new file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    Done,
    NameTaken,
    /// The dataset has this schema.
    SchemaDiffers(Schema),
    NoDataset,
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
    /// Makes an empty dataset, unless the reader has `most` of them.
    pub(super) async fn create_dataset(
        &self,
        reader: &Reader,
        dataset_id: &str,
        name: Option<&str>,
        most: u64,
    ) -> Result<Created> {
        let mut write = self.writer.begin().await?;
        match insert_dataset(write.connection()?, reader, dataset_id, name, most).await {
            Ok(Created::Done) => write.commit().await.map(|()| Created::Done),
            Ok(refused) => write.roll_back().await.map(|()| refused),
            Err(error) => Err(write.failed(error)),
        }
    }

    /// Appends a file to a dataset, durably; the first one gives it its schema.
    pub(super) async fn append(
        &self,
        dataset_id: &str,
        data_schema: &Schema,
        file: &NewFile<'_>,
    ) -> Result<Appended> {
        let mut write = self.writer.begin().await?;
        match insert_file(write.connection()?, dataset_id, data_schema, file).await {
            Ok(Appended::Done) => write.commit().await.map(|()| Appended::Done),
            Ok(refused) => write.roll_back().await.map(|()| refused),
            Err(error) => Err(write.failed(error)),
        }
    }
}

async fn insert_dataset(
    connection: &mut SqliteConnection,
    reader: &Reader,
    dataset_id: &str,
    name: Option<&str>,
    most: u64,
) -> Result<Created, sqlx::Error> {
    let row =
        sqlx::query("SELECT COUNT(*) AS datasets FROM datasets WHERE $1 IS NULL OR owner = $1")
            .bind(reader.owner())
            .fetch_one(&mut *connection)
            .await?;
    if unsigned(&row, "datasets")? >= most {
        return Ok(Created::TooMany);
    }
    let created = sqlx::query(
        "INSERT INTO datasets (dataset_id, name, created_at, owner) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (dataset_id) DO NOTHING",
    )
    .bind(dataset_id)
    .bind(name)
    .bind(now())
    .bind(reader.owner())
    .execute(connection)
    .await?;
    Ok(if created.rows_affected() == 1 { Created::Done } else { Created::IdTaken })
}

async fn insert_file(
    connection: &mut SqliteConnection,
    dataset_id: &str,
    data_schema: &Schema,
    file: &NewFile<'_>,
) -> Result<Appended, sqlx::Error> {
    let row = sqlx::query("SELECT data_schema FROM datasets WHERE dataset_id = $1")
        .bind(dataset_id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(Appended::NoDataset) };
    match schema(&row)? {
        Some(schema) if schema == *data_schema => {}
        Some(schema) => return Ok(Appended::SchemaDiffers(schema)),
        None => {
            sqlx::query("UPDATE datasets SET data_schema = $1 WHERE dataset_id = $2")
                .bind(data_schema.to_text())
                .bind(dataset_id)
                .execute(&mut *connection)
                .await?;
        }
    }
    let appended = sqlx::query(
        "INSERT INTO files (file_id, dataset_id, position, file_name, size_bytes, row_count, \
         sha256, first_byte_at, last_byte_at, committed_at, folded_name, bytes_through) \
         SELECT $1, $2, \
         (SELECT COALESCE(MAX(position), -1) + 1 FROM files WHERE dataset_id = $2), \
         $3, $4, $5, $6, $7, $8, $9, $10, \
         COALESCE((SELECT bytes_through FROM files WHERE dataset_id = $2 \
         ORDER BY position DESC LIMIT 1), 0) + $4 \
         WHERE NOT EXISTS (SELECT 1 FROM files WHERE dataset_id = $2 AND folded_name = $10) \
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
    .bind(folded(file.file_name))
    .execute(connection)
    .await?;
    Ok(if appended.rows_affected() == 1 { Appended::Done } else { Appended::NameTaken })
}

//! Transactions of the catalog for datasets and files.

use sqlx::Row as _;

use super::{
    rows::{schema, signed},
    sql,
    sqlite::Connection,
};
use crate::{
    schema::Schema,
    service::clock::now,
    wire::{digest::Sha256Digest, file_name::folded},
};

/// The outcome for a new dataset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Created {
    Done,
    /// Another dataset has this id.
    IdTaken,
    /// The owner has the maximum number of datasets.
    TooMany,
}

/// The outcome for new files: all of them are in the dataset, or none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    Done,
    /// The dataset has a file with this name, or with one that counts as the same.
    NameTaken(String),
    /// The dataset has this schema.
    SchemaDiffers(Schema),
    NoDataset,
}

/// A file that will become part of a dataset.
#[derive(Clone)]
pub(crate) struct NewFile {
    pub(crate) file_id: String,
    pub(crate) file_name: String,
    pub(crate) size_bytes: u64,
    pub(crate) row_count: u64,
    pub(crate) sha256: Sha256Digest,
    /// Microseconds since 1970 (UTC), as is `last_byte_at`.
    pub(crate) first_byte_at: i64,
    pub(crate) last_byte_at: i64,
}

pub(super) async fn insert_dataset(
    connection: &mut Connection,
    owner: Option<&str>,
    dataset_id: &str,
    name: Option<&str>,
    most: u64,
) -> Result<Created, sqlx::Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let created = sqlx::query(sql::INSERT_DATASET)
        .bind(dataset_id)
        .bind(name)
        .bind(now())
        .bind(owner)
        .bind(most)
        .execute(&mut *connection)
        .await?;
    if created.rows_affected() == 0 {
        let row = sqlx::query(sql::DATASET_COUNT).bind(owner).fetch_one(connection).await?;
        let is_full = row.try_get::<i64, _>("dataset_count")? >= most;
        return Ok(if is_full { Created::TooMany } else { Created::IdTaken });
    }
    Ok(Created::Done)
}

pub(super) async fn insert_files(
    connection: &mut Connection,
    dataset_id: &str,
    data_schema: &Schema,
    files: &[NewFile],
) -> Result<Appended, sqlx::Error> {
    let bytes = files.iter().map(|file| file.size_bytes).fold(0, u64::saturating_add);
    let room = make_room(connection, dataset_id, files.len(), bytes).await?;
    let Some(room) = room else { return Ok(Appended::NoDataset) };
    match room.schema {
        Some(schema) if schema == *data_schema => {}
        Some(schema) => return Ok(Appended::SchemaDiffers(schema)),
        None => set_schema(connection, dataset_id, data_schema).await?,
    }
    for (file, position) in files.iter().zip(room.first..) {
        if !insert_file(connection, dataset_id, position, file).await? {
            return Ok(Appended::NameTaken(file.file_name.clone()));
        }
    }
    Ok(Appended::Done)
}

/// Reserved positions for new files. The dataset is locked until the transaction ends.
pub(super) struct Room {
    /// The first of them: the number of files that the dataset had.
    pub(super) first: i64,
    /// The dataset's schema; `None` while it is empty.
    pub(super) schema: Option<Schema>,
}

/// Returns `None` if there is no such dataset.
pub(super) async fn make_room(
    connection: &mut Connection,
    dataset_id: &str,
    files: usize,
    bytes: u64,
) -> Result<Option<Room>, sqlx::Error> {
    let count = i64::try_from(files).unwrap_or(i64::MAX);
    let dataset = sqlx::query(sql::COUNT_FILES)
        .bind(count)
        .bind(signed(bytes)?)
        .bind(dataset_id)
        .fetch_optional(connection)
        .await?;
    let Some(dataset) = dataset else { return Ok(None) };
    let first = dataset.try_get::<i64, _>("file_count")? - count;
    Ok(Some(Room { first, schema: schema(&dataset)? }))
}

pub(super) async fn set_schema(
    connection: &mut Connection,
    dataset_id: &str,
    data_schema: &Schema,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(sql::SET_SCHEMA).bind(data_schema.to_text()).bind(dataset_id);
    query.execute(connection).await.map(drop)
}

/// Returns false if the name is in use.
pub(super) async fn insert_file(
    connection: &mut Connection,
    dataset_id: &str,
    position: i64,
    file: &NewFile,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(sql::INSERT_FILE)
        .bind(&file.file_id)
        .bind(dataset_id)
        .bind(position)
        .bind(&file.file_name)
        .bind(signed(file.size_bytes)?)
        .bind(signed(file.row_count)?)
        .bind(file.sha256.to_string())
        .bind(file.first_byte_at)
        .bind(file.last_byte_at)
        .bind(now())
        .bind(folded(&file.file_name))
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

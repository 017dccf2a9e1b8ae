//! Converts rows of the catalog to values.

use super::statement::Row;
use crate::{
    schema::Schema,
    service::clock::rfc3339,
    wire::{
        digest::{NotADigest, Sha256Digest},
        messages::{DatasetFile, DatasetInfo},
    },
};

/// The times at which a file was received and committed, by the server's clock, in microseconds
/// since 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// The file's name in the dataset.
    pub file_name: String,
    /// When the first byte of its request's body arrived.
    pub first_byte_at: i64,
    /// When the last byte arrived.
    pub last_byte_at: i64,
    /// When the file was committed.
    pub committed_at: i64,
}

pub(super) fn dataset_info(row: &Row) -> Result<DatasetInfo, sqlx::Error> {
    Ok(DatasetInfo {
        dataset_id: row.get("dataset_id")?,
        name: row.get("name")?,
        created_at: rfc3339(row.get("created_at")?),
        datetime_added: rfc3339(row.get("created_at")?),
        file_count: unsigned(row, "file_count")?,
        total_size_bytes: unsigned(row, "total_size_bytes")?,
        schema: schema(row)?.map(|schema| schema.summary()),
    })
}

pub(super) fn dataset_file(row: &Row) -> Result<DatasetFile, sqlx::Error> {
    Ok(DatasetFile {
        file_name: row.get("file_name")?,
        file_id: row.get("file_id")?,
        uploaded_at: rfc3339(row.get("committed_at")?),
        size_bytes: Some(unsigned(row, "size_bytes")?),
        row_count: Some(unsigned(row, "row_count")?),
        sha256: sha256(row)?,
        recorded_hash: None,
        schema: None,
    })
}

/// A file, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFile {
    pub(crate) file_id: String,
    pub(crate) size_bytes: u64,
    /// `None` if an earlier release has received it.
    pub(crate) sha256: Option<Sha256Digest>,
    /// Whether its bytes are in the catalog: see [`super::small_blobs`].
    pub(crate) is_small: bool,
}

pub(super) fn stored_file(row: &Row) -> Result<StoredFile, sqlx::Error> {
    Ok(StoredFile {
        file_id: row.get("file_id")?,
        size_bytes: unsigned(row, "size_bytes")?,
        sha256: sha256(row)?,
        is_small: is_small(row)?,
    })
}

/// Whether a name is in use.
pub(super) fn is_named(row: &Row) -> Result<bool, sqlx::Error> {
    Ok(row.get::<i64>("named_count")? > 0)
}

/// Whether the bytes of a file are in the catalog.
pub(super) fn is_small(row: &Row) -> Result<bool, sqlx::Error> {
    Ok(row.get::<i64>("small_count")? > 0)
}

pub(super) fn upload_record(row: &Row) -> Result<UploadRecord, sqlx::Error> {
    Ok(UploadRecord {
        file_name: row.get("file_name")?,
        first_byte_at: row.get("first_byte_at")?,
        last_byte_at: row.get("last_byte_at")?,
        committed_at: row.get("committed_at")?,
    })
}

/// The schema of a dataset; `None` while it is empty.
pub(super) fn schema(row: &Row) -> Result<Option<Schema>, sqlx::Error> {
    let text: Option<String> = row.get("data_schema")?;
    let decode = |text: String| Schema::from_text(&text);
    text.map(decode).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn unsigned(row: &Row, column: &str) -> Result<u64, sqlx::Error> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn signed(value: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

pub(super) fn sha256(row: &Row) -> Result<Option<Sha256Digest>, sqlx::Error> {
    let hex: Option<&str> = row.get("sha256")?;
    hex.map(digest).transpose()
}

pub(super) fn digest(hex: &str) -> Result<Sha256Digest, sqlx::Error> {
    hex.parse().map_err(|error: NotADigest| sqlx::Error::Decode(error.into()))
}

/// Whether a name may be in the catalog. PostgreSQL has no text with a NUL, and rejects a search for
/// one.
pub(super) fn may_be_stored(name: &str) -> bool {
    !name.contains('\0')
}

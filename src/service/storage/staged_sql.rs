//! The statements of the catalog for staged files: see [`super::sql`].

use super::sql::{parameters, rows};

/// Locks an owner until the transaction ends: their limits count rows that others may be adding.
/// Returns what the owner has staged.
pub(super) const LOCK_OWNER: &str = "\
    INSERT INTO staged_totals (owner, file_count, total_size_bytes) VALUES ($1, 0, 0) \
    ON CONFLICT (owner) DO UPDATE SET file_count = staged_totals.file_count \
    RETURNING file_count, total_size_bytes";

/// The owner is locked.
pub(super) const SET_STAGED_TOTALS: &str =
    "UPDATE staged_totals SET file_count = $1, total_size_bytes = $2 WHERE owner = $3";

pub(super) const UNCOUNT_STAGED: &str = "\
    UPDATE staged_totals \
    SET file_count = file_count - $1, total_size_bytes = total_size_bytes - $2 WHERE owner = $3";

pub(super) const STAGED_TOTALS_OF_OWNER: &str =
    "SELECT file_count, total_size_bytes FROM staged_totals WHERE owner = $1";

pub(super) const STAGED_TOTALS: &str = "\
    SELECT CAST(COALESCE(SUM(file_count), 0) AS BIGINT) AS file_count, \
    CAST(COALESCE(SUM(total_size_bytes), 0) AS BIGINT) AS total_size_bytes FROM staged_totals";

pub(super) const ADD_STAGED_SCHEMA: &str = "\
    INSERT INTO staged_schemas (schema_id, data_schema) VALUES ($1, $2) \
    ON CONFLICT (schema_id) DO NOTHING";

pub(super) const STAGED_SCHEMA: &str =
    "SELECT data_schema FROM staged_schemas WHERE schema_id = $1";

/// Two statements, because each of them has an index.
pub(super) const STAGED: &str = "\
    SELECT file_name, dataset_id, size_bytes, expires_at FROM staged \
    ORDER BY expires_at, staged_id LIMIT $1";

pub(super) const STAGED_OF_OWNER: &str = "\
    SELECT file_name, dataset_id, size_bytes, expires_at FROM staged WHERE owner = $2 \
    ORDER BY expires_at, staged_id LIMIT $1";

/// Whether the sweep has something to do.
pub(super) const HAS_EXPIRED: &str = "\
    SELECT 1 FROM staged WHERE expires_at <= $1 UNION ALL SELECT 1 FROM staged_schemas \
    WHERE NOT EXISTS (SELECT 1 FROM staged WHERE staged.schema_id = staged_schemas.schema_id) \
    LIMIT 1";

pub(super) const EXPIRED: &str = "\
    SELECT staged_id FROM staged WHERE expires_at <= $1 ORDER BY expires_at, staged_id LIMIT $2";

pub(super) const DELETE_UNUSED_SCHEMAS: &str = "\
    DELETE FROM staged_schemas \
    WHERE NOT EXISTS (SELECT 1 FROM staged WHERE staged.schema_id = staged_schemas.schema_id)";

/// As [`super::sql::RECORD_FILES`].
pub(super) const RECORD_STAGED: &str = "\
    INSERT INTO pending_blobs (file_id, is_expired, expires_at) \
    SELECT staged_id, 1, $2 FROM staged WHERE dataset_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM small_blobs WHERE file_id = staged_id) \
    ON CONFLICT (file_id) DO NOTHING";

pub(super) const DELETE_STAGED: &str =
    "DELETE FROM staged WHERE dataset_id = $1 RETURNING staged_id, owner, size_bytes";

/// Stages this many files, each if its dataset was not deleted meanwhile. If it was also created
/// again, it has no schema that the file could have been compared with. Returns the ids of the files
/// that are staged.
pub(super) fn insert_staged(files: usize) -> String {
    format!(
        "INSERT INTO staged (staged_id, dataset_id, owner, file_name, size_bytes, row_count, sha256, \
         first_byte_at, last_byte_at, schema_id, expires_at) \
         SELECT column1, dataset_id, column3, column4, column5, column6, column7, column8, column9, \
         column10, column11 FROM (VALUES {}) AS new JOIN datasets ON dataset_id = column2 \
         AND (column10 IS NOT NULL OR created_at = column12) RETURNING staged_id",
        rows(files, 12)
    )
}

/// Takes those of this many staged files that the owner `$2` may commit to the dataset `$1` at the
/// time `$3`.
pub(super) fn take_staged(ids: usize) -> String {
    format!(
        "DELETE FROM staged WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2) \
         AND expires_at > $3 AND staged_id IN ({}) RETURNING staged_id, owner, file_name, \
         size_bytes, row_count, sha256, first_byte_at, last_byte_at, schema_id",
        parameters(4, ids)
    )
}

pub(super) fn delete_staged(ids: usize) -> String {
    let list = parameters(1, ids);
    format!("DELETE FROM staged WHERE staged_id IN ({list}) RETURNING staged_id, owner, size_bytes")
}

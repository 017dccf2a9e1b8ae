//! The statements of the catalog: one text for SQLite and PostgreSQL.
//!
//! Parameters are `$1`, values are text, 64-bit integers or bytes, times are microseconds since 1970
//! (UTC). `SUM` needs a cast, because PostgreSQL returns another type for it.

use std::{borrow::Cow, sync::LazyLock};

pub(super) const HAS_DATASET: &str =
    "SELECT 1 FROM datasets WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2)";

/// Two statements, because each of them has an index.
pub(super) const DATASETS: &str = "\
    SELECT dataset_id, name, created_at, data_schema, file_count, total_size_bytes \
    FROM datasets WHERE created_at <= $1 AND (created_at < $1 OR dataset_id > $2) \
    ORDER BY created_at DESC, dataset_id LIMIT $3";

pub(super) const DATASETS_OF_OWNER: &str = "\
    SELECT dataset_id, name, created_at, data_schema, file_count, total_size_bytes \
    FROM datasets WHERE owner = $4 AND created_at <= $1 AND (created_at < $1 OR dataset_id > $2) \
    ORDER BY created_at DESC, dataset_id LIMIT $3";

/// The position of the next file.
pub(super) const END: &str =
    "SELECT file_count + deleted_count AS end_position FROM datasets WHERE dataset_id = $1";

pub(super) const FILES: &str = "\
    SELECT position, file_name, file_id, committed_at, size_bytes, row_count, sha256 FROM files \
    WHERE dataset_id = $1 AND position >= $2 AND position < $3 ORDER BY position LIMIT $4";

pub(super) const SCHEMA: &str = "SELECT data_schema FROM datasets WHERE dataset_id = $1";

/// A dataset of an owner, and the number of its files that have a name.
pub(super) const HAS_NAME: &str = "\
    SELECT (SELECT COUNT(*) FROM files \
    WHERE files.dataset_id = datasets.dataset_id AND folded_name = $3) AS named_count \
    FROM datasets WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2)";

pub(super) const SCHEMA_AND_NAME: &str = "\
    SELECT data_schema, created_at, (SELECT COUNT(*) FROM files \
    WHERE files.dataset_id = datasets.dataset_id AND folded_name = $3) AS named_count \
    FROM datasets WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2)";

/// The file with this name, or one whose name counts as the same.
pub(super) const FIND_FILE: &str = "\
    SELECT file_id, size_bytes, sha256, \
    (SELECT COUNT(*) FROM small_blobs WHERE small_blobs.file_id = files.file_id) AS small_count \
    FROM files WHERE dataset_id = $1 AND folded_name = $2 \
    ORDER BY file_name = $3 DESC, position DESC LIMIT 1";

pub(super) const UPLOAD_RECORDS: &str = "\
    SELECT file_name, first_byte_at, last_byte_at, committed_at FROM files \
    WHERE dataset_id = $1 ORDER BY position";

/// One row for a new dataset; none if the id is in use, or if its owner has `$5` datasets.
pub(super) const INSERT_DATASET: &str = "\
    INSERT INTO datasets (dataset_id, name, created_at, owner) SELECT $1, $2, $3, $4 \
    WHERE (SELECT COUNT(*) FROM datasets WHERE $4 IS NULL OR owner = $4) < $5 \
    ON CONFLICT (dataset_id) DO NOTHING";

/// One row if a dataset was created by this owner at this time.
pub(super) const LOCK_CREATED: &str = "\
    UPDATE datasets SET created_at = created_at \
    WHERE dataset_id = $1 AND created_at = $2 AND ($3 IS NULL OR owner = $3)";

/// One row if a dataset of another owner had this id.
pub(super) const WAS_OF_ANOTHER: &str =
    "SELECT 1 FROM deleted_datasets WHERE dataset_id = $1 AND owner IS DISTINCT FROM $2";

pub(super) const DATASET_COUNT: &str =
    "SELECT COUNT(*) AS dataset_count FROM datasets WHERE $1 IS NULL OR owner = $1";

/// Reserves positions for files, and locks the dataset until the transaction ends. The change is
/// written even if there are no files: so a commit that follows makes durable what was read.
pub(super) const COUNT_FILES: &str = "\
    UPDATE datasets SET file_count = file_count + $1, total_size_bytes = total_size_bytes + $2 \
    WHERE dataset_id = $3 RETURNING file_count, deleted_count, data_schema";

pub(super) const SET_SCHEMA: &str = "UPDATE datasets SET data_schema = $1 WHERE dataset_id = $2";

pub(super) const WITHOUT_FOLDED_NAME: &str =
    "SELECT file_id, file_name FROM files WHERE folded_name IS NULL";

pub(super) const FOLD_NAME: &str = "UPDATE files SET folded_name = $1 WHERE file_id = $2";

pub(super) const POSITION: &str =
    "SELECT position FROM files WHERE file_id = $1 AND dataset_id = $2";

/// The files at some positions of a dataset.
pub(super) const FILES_AT: &str = "\
    SELECT file_id, file_name FROM files \
    WHERE dataset_id = $1 AND position >= $2 AND position < $3 ORDER BY position";

pub(super) const BEGIN_RECORD: &str = "\
    INSERT INTO pending_blobs (file_id, is_expired, expires_at) VALUES ($1, 0, $2) \
    ON CONFLICT (file_id) DO NOTHING";

/// From now on, no upload of these can be committed.
pub(super) const EXPIRE_RECORDS: &str = "\
    UPDATE pending_blobs SET is_expired = 1, expires_at = $2 \
    WHERE is_expired = 0 AND expires_at <= $1";

pub(super) const EXPIRED_RECORDS: &str = "\
    SELECT file_id FROM pending_blobs \
    WHERE is_expired = 1 AND expires_at <= $1 AND file_id > $2 ORDER BY file_id LIMIT $3";

/// Locks a dataset of an owner until the transaction ends.
pub(super) const LOCK_DATASET: &str = "\
    UPDATE datasets SET file_count = file_count \
    WHERE dataset_id = $1 AND ($2 IS NULL OR owner = $2) RETURNING owner";

/// Records of the blobs of a dataset that are to be deleted now, at the time `$2`.
pub(super) const RECORD_FILES: &str = "\
    INSERT INTO pending_blobs (file_id, is_expired, expires_at) \
    SELECT file_id, 1, $2 FROM files WHERE dataset_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM small_blobs WHERE small_blobs.file_id = files.file_id) \
    ON CONFLICT (file_id) DO NOTHING";

pub(super) const DELETE_FILES: &str = "DELETE FROM files WHERE dataset_id = $1 RETURNING file_id";

pub(super) const DELETE_DATASET: &str = "DELETE FROM datasets WHERE dataset_id = $1";

pub(super) const REMEMBER_DELETED: &str = "\
    INSERT INTO deleted_datasets (dataset_id, owner) VALUES ($1, $2) \
    ON CONFLICT (dataset_id) DO NOTHING";

pub(super) const DELETE_FILE: &str = "DELETE FROM files WHERE file_id = $1";

pub(super) const UNCOUNT_FILE: &str = "\
    UPDATE datasets SET file_count = file_count - 1, deleted_count = deleted_count + 1, \
    total_size_bytes = total_size_bytes - $1 WHERE dataset_id = $2";

/// Finds the record of a deletion. It is written, so that the commit makes durable what was read.
pub(super) const FIND_RECORD: &str =
    "UPDATE pending_blobs SET expires_at = expires_at WHERE file_id = $1 RETURNING file_id";

/// The totals in the rows of datasets, and those of their files.
pub(super) const VERIFIED_DATASETS: &str = "\
    SELECT dataset_id, file_count, total_size_bytes, \
    (SELECT COUNT(*) FROM files WHERE files.dataset_id = datasets.dataset_id) AS counted, \
    (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM files \
    WHERE files.dataset_id = datasets.dataset_id) AS summed \
    FROM datasets WHERE dataset_id > $1 ORDER BY dataset_id LIMIT $2";

pub(super) const VERIFIED_FILES: &str = "\
    SELECT file_id, dataset_id, file_name, size_bytes, row_count, sha256, \
    (SELECT COUNT(*) FROM small_blobs WHERE small_blobs.file_id = files.file_id) AS small_count \
    FROM files \
    WHERE file_id > $1 ORDER BY file_id LIMIT $2";

pub(super) const VERIFIED_STAGED: &str = "\
    SELECT staged_id AS file_id, dataset_id, file_name, size_bytes, row_count, sha256, \
    (SELECT COUNT(*) FROM small_blobs WHERE file_id = staged_id) AS small_count FROM staged \
    WHERE staged_id > $1 ORDER BY staged_id LIMIT $2";

/// Bytes in the catalog that belong to no file.
pub(super) const ORPHANS: &str = "\
    SELECT file_id FROM small_blobs WHERE file_id > $1 \
    AND NOT EXISTS (SELECT 1 FROM files WHERE files.file_id = small_blobs.file_id) \
    AND NOT EXISTS (SELECT 1 FROM staged WHERE staged_id = small_blobs.file_id) \
    ORDER BY file_id LIMIT $2";

pub(super) const SMALL_BLOB: &str = "SELECT bytes FROM small_blobs WHERE file_id = $1";

pub(super) const VERSION: &str = "SELECT MAX(version) AS version FROM _sqlx_migrations";

/// Which of this many ids have a record.
pub(super) fn recorded_among(ids: usize) -> String {
    format!("SELECT file_id FROM pending_blobs WHERE file_id IN ({})", parameters(1, ids))
}

/// Inserts this many files, each unless its name is in use, and returns the ids of those.
pub(super) fn insert_files(files: usize) -> Cow<'static, str> {
    static ONE: LazyLock<String> = LazyLock::new(|| insert_files_text(1));
    if files == 1 { Cow::Borrowed(ONE.as_str()) } else { Cow::Owned(insert_files_text(files)) }
}

fn insert_files_text(files: usize) -> String {
    const COLUMNS: usize = 11;
    let columns: Vec<_> = (1..=COLUMNS).map(|number| format!("column{number}")).collect();
    format!(
        "INSERT INTO files (file_id, dataset_id, position, file_name, size_bytes, row_count, \
         sha256, first_byte_at, last_byte_at, committed_at, folded_name) \
         SELECT {} FROM (VALUES {}) AS new WHERE NOT EXISTS (SELECT 1 FROM files \
         WHERE files.dataset_id = new.column2 AND files.folded_name = new.column11) \
         ON CONFLICT (dataset_id, file_name) DO NOTHING RETURNING file_id",
        columns.join(", "),
        rows(files, COLUMNS)
    )
}

/// Which of this many ids belong to files or staged files.
pub(super) fn kept_among(ids: usize) -> String {
    let list = parameters(1, ids);
    format!(
        "SELECT file_id FROM files WHERE file_id IN ({list}) \
         UNION ALL SELECT staged_id AS file_id FROM staged WHERE staged_id IN ({list})"
    )
}

/// Ends the records of this many uploads, and returns the ids of those that could be committed.
pub(super) fn end_records(ids: usize) -> Cow<'static, str> {
    static ONE: LazyLock<String> = LazyLock::new(|| end_records_text(1));
    if ids == 1 { Cow::Borrowed(ONE.as_str()) } else { Cow::Owned(end_records_text(ids)) }
}

fn end_records_text(ids: usize) -> String {
    let list = parameters(1, ids);
    format!(
        "DELETE FROM pending_blobs WHERE is_expired = 0 AND file_id IN ({list}) RETURNING file_id"
    )
}

/// Ends the records of this many blobs that were deleted.
pub(super) fn end_deleted(ids: usize) -> String {
    format!("DELETE FROM pending_blobs WHERE file_id IN ({})", parameters(1, ids))
}

/// Records of this many blobs that are to be deleted now, at the time `$1`.
pub(super) fn record_expired(ids: usize) -> String {
    let rows: Vec<_> = (2..2 + ids).map(|number| format!("(${number}, 1, $1)")).collect();
    format!(
        "INSERT INTO pending_blobs (file_id, is_expired, expires_at) VALUES {} \
         ON CONFLICT (file_id) DO NOTHING",
        rows.join(", ")
    )
}

/// Stores the bytes of this many small files, each if it has none.
pub(super) fn insert_small(files: usize) -> String {
    format!(
        "INSERT INTO small_blobs (file_id, bytes) VALUES {} ON CONFLICT (file_id) DO NOTHING",
        rows(files, 2)
    )
}

/// Deletes the bytes of those of this many files that are small, and returns their ids.
pub(super) fn delete_small(ids: usize) -> String {
    format!("DELETE FROM small_blobs WHERE file_id IN ({}) RETURNING file_id", parameters(1, ids))
}

/// Parameters for this many rows.
pub(super) fn rows(count: usize, columns: usize) -> String {
    let row = |index| format!("({})", parameters(1 + index * columns, columns));
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

pub(super) fn parameters(first: usize, count: usize) -> String {
    let parameters: Vec<_> = (first..first + count).map(|number| format!("${number}")).collect();
    parameters.join(", ")
}

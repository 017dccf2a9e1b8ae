//! The statements of the catalog: one text for SQLite and PostgreSQL.
//!
//! Parameters are `$1`, values are text or 64-bit integers, times are microseconds since 1970
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

pub(super) const HAS_NAME: &str =
    "SELECT 1 FROM files WHERE dataset_id = $1 AND folded_name = $2 LIMIT 1";

/// The file with this name, or one whose name counts as the same.
pub(super) const FIND_FILE: &str = "\
    SELECT file_id, size_bytes, sha256 FROM files WHERE dataset_id = $1 AND folded_name = $2 \
    ORDER BY file_name = $3 DESC, position DESC LIMIT 1";

pub(super) const UPLOAD_RECORDS: &str = "\
    SELECT file_name, first_byte_at, last_byte_at, committed_at FROM files \
    WHERE dataset_id = $1 ORDER BY position";

/// Locks an owner until the transaction ends: their limits count rows that others may be adding.
pub(super) const LOCK_OWNER: &str = "\
    INSERT INTO staged_totals (owner, file_count, total_size_bytes) VALUES ($1, 0, 0) \
    ON CONFLICT (owner) DO UPDATE SET file_count = staged_totals.file_count";

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

/// One row if `$2` may stage `$1` more bytes.
pub(super) const COUNT_STAGED: &str = "\
    UPDATE staged_totals SET file_count = file_count + 1, total_size_bytes = total_size_bytes + $1 \
    WHERE owner = $2 AND file_count < $3 AND total_size_bytes + $1 <= $4";

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

/// No row if the dataset was deleted meanwhile.
pub(super) const INSERT_STAGED: &str = "\
    INSERT INTO staged (staged_id, dataset_id, owner, file_name, size_bytes, row_count, sha256, \
    first_byte_at, last_byte_at, schema_id, expires_at) \
    SELECT $1, dataset_id, $3, $4, $5, $6, $7, $8, $9, $10, $11 \
    FROM datasets WHERE dataset_id = $2";

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
    SELECT file_id, 1, $2 FROM files WHERE dataset_id = $1 ON CONFLICT (file_id) DO NOTHING";

pub(super) const RECORD_STAGED: &str = "\
    INSERT INTO pending_blobs (file_id, is_expired, expires_at) \
    SELECT staged_id, 1, $2 FROM staged WHERE dataset_id = $1 ON CONFLICT (file_id) DO NOTHING";

pub(super) const DELETE_FILES: &str = "DELETE FROM files WHERE dataset_id = $1 RETURNING file_id";

pub(super) const DELETE_STAGED: &str =
    "DELETE FROM staged WHERE dataset_id = $1 RETURNING staged_id, owner, size_bytes";

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

/// What the rows of datasets say, and what is there.
pub(super) const VERIFIED_DATASETS: &str = "\
    SELECT dataset_id, file_count, total_size_bytes, \
    (SELECT COUNT(*) FROM files WHERE files.dataset_id = datasets.dataset_id) AS counted, \
    (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM files \
    WHERE files.dataset_id = datasets.dataset_id) AS summed \
    FROM datasets WHERE dataset_id > $1 ORDER BY dataset_id LIMIT $2";

pub(super) const VERIFIED_FILES: &str = "\
    SELECT file_id, dataset_id, file_name, size_bytes, row_count, sha256 FROM files \
    WHERE file_id > $1 ORDER BY file_id LIMIT $2";

pub(super) const VERIFIED_STAGED: &str = "\
    SELECT staged_id AS file_id, dataset_id, file_name, size_bytes, row_count, sha256 FROM staged \
    WHERE staged_id > $1 ORDER BY staged_id LIMIT $2";

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
    let row = |index| format!("({})", parameters(1 + index * COLUMNS, COLUMNS));
    let rows: Vec<_> = (0..files).map(row).collect();
    format!(
        "INSERT INTO files (file_id, dataset_id, position, file_name, size_bytes, row_count, \
         sha256, first_byte_at, last_byte_at, committed_at, folded_name) \
         SELECT {} FROM (VALUES {}) AS new WHERE NOT EXISTS (SELECT 1 FROM files \
         WHERE files.dataset_id = new.column2 AND files.folded_name = new.column11) \
         ON CONFLICT (dataset_id, file_name) DO NOTHING RETURNING file_id",
        columns.join(", "),
        rows.join(", ")
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

fn parameters(first: usize, count: usize) -> String {
    let parameters: Vec<_> = (first..first + count).map(|number| format!("${number}")).collect();
    parameters.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{
        delete_staged, end_deleted, end_records, insert_files, kept_among, record_expired,
        recorded_among, take_staged,
    };
    use crate::service::storage::migrations::MIGRATIONS;

    use std::borrow::Cow;

    /// This file up to its tests, the statements about keys, and all migrations.
    fn statements() -> Vec<String> {
        let source = include_str!("sql.rs").split("#[cfg(test)]").next().unwrap();
        let source = [source, include_str!("key_sql.rs")].concat();
        let quoted = source.split('"').skip(1).step_by(2).map(str::to_owned);
        let mut statements: Vec<_> = quoted.filter(|text| text.contains(' ')).collect();
        statements.extend(MIGRATIONS.map(|(_, _, sql)| sql.to_owned()));
        statements.extend([kept_among(3), take_staged(3), delete_staged(3), record_expired(3)]);
        statements.extend([end_deleted(3), recorded_among(3)]);
        statements.extend([insert_files(1), insert_files(3), end_records(3)].map(Cow::into_owned));
        let without_comments = |sql: String| {
            let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
            lines.collect::<Vec<_>>().join(" ").replace('\\', " ")
        };
        statements.into_iter().map(without_comments).collect()
    }

    fn words(sql: &str) -> Vec<String> {
        let words = sql.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '?'));
        words.filter(|word| !word.is_empty()).map(str::to_uppercase).collect()
    }

    #[test]
    fn statements_use_nothing_that_one_of_the_two_databases_lacks() {
        const OF_ONE_DATABASE: [&str; 16] = [
            "PRAGMA",
            "AUTOINCREMENT",
            "ROWID",
            "GLOB",
            "REPLACE",
            "IFNULL",
            "HEX",
            "ZEROBLOB",
            "STRFTIME",
            "DATETIME",
            "JSON_EACH",
            "SERIAL",
            "ILIKE",
            "NOW",
            "ANY",
            "?",
        ];
        const TYPES: [&str; 10] = [
            "INTEGER",
            "INT",
            "BLOB",
            "REAL",
            "NUMERIC",
            "BOOLEAN",
            "VARCHAR",
            "TIMESTAMP",
            "UUID",
            "BYTEA",
        ];
        for sql in statements() {
            for word in words(&sql) {
                let word = word.as_str();
                assert!(
                    !OF_ONE_DATABASE.contains(&word) && !TYPES.contains(&word),
                    "{word}: {sql}"
                );
                assert!(!word.contains('?'), "{sql}");
            }
        }
    }

    #[test]
    fn columns_are_text_or_64_bit_integers() {
        let mut columns = 0;
        for sql in statements() {
            let words = words(&sql);
            let is_column_list = words.starts_with(&["CREATE".into(), "TABLE".into()]);
            for (place, word) in words.iter().enumerate() {
                let is_type = word == "BIGINT" || word == "TEXT";
                columns += usize::from(is_type);
                let adds = place > 0 && words[place - 1] == "COLUMN";
                assert!(!adds || matches!(words[place + 1].as_str(), "BIGINT" | "TEXT"), "{sql}");
            }
            let sums = sql.matches("SUM(").count();
            // In migration 5 the column that is assigned to has a type.
            let is_cast = sql.contains("CAST(") || sql.contains("OVER");
            assert!(sums == 0 || is_cast, "{sql}");
            assert!(!is_column_list || sql.contains("TEXT NOT NULL PRIMARY KEY"), "{sql}");
        }
        assert!(columns > 15);
    }

    #[test]
    fn parameters_are_numbered_from_one_without_gaps() {
        for sql in statements() {
            let mut numbers: Vec<usize> = words(&sql)
                .iter()
                .filter_map(|word| word.strip_prefix('$')?.parse().ok())
                .collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "{sql}");
        }
    }
}

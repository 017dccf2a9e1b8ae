//! Transactions of the catalog for staged files.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Row as _, query::Query};

use super::{
    rows::{digest, signed, unsigned},
    sql,
    sqlite::{Connection, Row},
    writes::{NewFile, Room, insert_file, make_room, set_schema},
};
use crate::{content_hash::ContentHasher, schema::Schema, wire::staging::CommittedFile};

/// Most ids that one statement looks up.
const STATEMENT_IDS: usize = 500;

/// How much one owner may stage.
#[derive(Clone, Copy)]
pub(crate) struct Quota {
    pub(crate) max_files: u64,
    pub(crate) max_bytes: u64,
}

/// What one owner, or all owners together, have staged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StagedTotals {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// A stored file that will be staged. Its id becomes the staged id.
pub(crate) struct NewStaged {
    /// Empty for the owner of everything.
    pub(crate) owner: String,
    pub(crate) dataset_id: String,
    pub(crate) file: NewFile,
    /// `None` if it is the dataset's.
    pub(crate) schema: Option<SchemaText>,
    /// Microseconds since 1970 (UTC).
    pub(crate) expires_at: i64,
}

/// A schema as stored text, and the id of the text.
pub(crate) struct SchemaText {
    id: String,
    text: String,
}

/// The outcome for a new staged file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Staged {
    Done,
    /// Rejected: its owner has already staged this much.
    TooMuch(StagedTotals),
}

/// Staged files to append to their dataset in this order.
#[derive(Clone, Copy)]
pub(crate) struct StagedCommit<'a> {
    pub(crate) owner: Option<&'a str>,
    pub(crate) dataset_id: &'a str,
    /// Number of files that the dataset must have.
    pub(crate) expected_file_count: u64,
    /// Without repetitions.
    pub(crate) staged_ids: &'a [String],
    /// Files that expire at this time or earlier are unknown.
    pub(crate) now: i64,
}

/// The outcome of a commit. Only after `Done` and `Before` the files are in the dataset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    Done {
        files: Vec<CommittedFile>,
        bytes: u64,
    },
    /// The files are already at these positions: the commit went through before.
    Before(Vec<CommittedFile>),
    /// The dataset has this many files.
    CountDiffers(u64),
    /// The owner has no staged file with this id for the dataset.
    Unknown(String),
    NameTaken(String),
    SchemaDiffers(Box<DifferentSchema>),
    NoDataset,
}

/// A staged file whose schema differs from the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DifferentSchema {
    pub(crate) file_name: String,
    pub(crate) schema: Schema,
    /// The file that has the expected schema; `None` if the dataset has it.
    pub(crate) other_file: Option<String>,
    pub(crate) expected: Schema,
}

impl SchemaText {
    pub(crate) fn of(schema: &Schema) -> Self {
        let text = schema.to_text();
        Self { id: ContentHasher::hash_of(text.as_bytes()).to_string(), text }
    }
}

/// A row of `staged`.
struct StagedRow {
    owner: String,
    file: NewFile,
    schema_id: Option<String>,
}

/// Stages files, each if its owner's quota allows it.
pub(super) async fn insert_staged(
    connection: &mut Connection,
    files: &[NewStaged],
    quota: Quota,
) -> Result<Vec<Staged>, sqlx::Error> {
    let mut staged = Vec::with_capacity(files.len());
    for file in files {
        let counted = count_staged(connection, file, quota).await?;
        if counted == Staged::Done {
            insert_one(connection, file).await?;
        }
        staged.push(counted);
    }
    Ok(staged)
}

async fn count_staged(
    connection: &mut Connection,
    staged: &NewStaged,
    quota: Quota,
) -> Result<Staged, sqlx::Error> {
    sqlx::query(sql::ADD_STAGED_TOTALS).bind(&staged.owner).execute(&mut *connection).await?;
    let counted = sqlx::query(sql::COUNT_STAGED)
        .bind(signed(staged.file.size_bytes)?)
        .bind(&staged.owner)
        .bind(i64::try_from(quota.max_files).unwrap_or(i64::MAX))
        .bind(i64::try_from(quota.max_bytes).unwrap_or(i64::MAX))
        .execute(&mut *connection)
        .await?;
    if counted.rows_affected() == 1 {
        return Ok(Staged::Done);
    }
    let query = sqlx::query(sql::STAGED_TOTALS_OF_OWNER).bind(&staged.owner);
    Ok(Staged::TooMuch(staged_totals(&query.fetch_one(connection).await?)?))
}

async fn insert_one(connection: &mut Connection, staged: &NewStaged) -> Result<(), sqlx::Error> {
    let NewStaged { owner, dataset_id, file, schema, expires_at } = staged;
    if let Some(SchemaText { id, text }) = schema {
        sqlx::query(sql::ADD_STAGED_SCHEMA).bind(id).bind(text).execute(&mut *connection).await?;
    }
    sqlx::query(sql::INSERT_STAGED)
        .bind(&file.file_id)
        .bind(dataset_id)
        .bind(owner)
        .bind(&file.file_name)
        .bind(signed(file.size_bytes)?)
        .bind(signed(file.row_count)?)
        .bind(file.sha256.to_string())
        .bind(file.first_byte_at)
        .bind(file.last_byte_at)
        .bind(schema.as_ref().map(|schema| &schema.id))
        .bind(expires_at)
        .execute(connection)
        .await
        .map(drop)
}

/// Appends staged files to their dataset. The caller must roll back unless the outcome is `Done`.
pub(super) async fn commit_staged(
    connection: &mut Connection,
    commit: StagedCommit<'_>,
) -> Result<Committed, sqlx::Error> {
    let StagedCommit { dataset_id, expected_file_count, staged_ids, .. } = commit;
    let mut rows = staged_rows(connection, commit).await?;
    let bytes = rows.values().map(|row| row.file.size_bytes).fold(0, u64::saturating_add);
    let room = make_room(connection, dataset_id, staged_ids.len(), bytes).await?;
    let Some(room) = room else { return Ok(Committed::NoDataset) };
    let count = u64::try_from(room.first).unwrap_or(0);
    if count != expected_file_count {
        let before = committed_before(connection, commit).await?;
        return Ok(before.map_or(Committed::CountDiffers(count), Committed::Before));
    }
    let mut files = Vec::with_capacity(staged_ids.len());
    for id in staged_ids {
        match rows.remove(id) {
            Some(row) => files.push(row),
            None => return Ok(Committed::Unknown(id.clone())),
        }
    }
    if let Some(different) = settle_schema(connection, dataset_id, &room, &files).await? {
        return Ok(Committed::SchemaDiffers(Box::new(different)));
    }
    for (row, position) in files.iter().zip(room.first..) {
        if !insert_file(connection, dataset_id, position, &row.file).await? {
            return Ok(Committed::NameTaken(row.file.file_name.clone()));
        }
    }
    remove(connection, staged_ids).await?;
    uncount(connection, files.iter().map(|row| (&*row.owner, row.file.size_bytes))).await?;
    let committed =
        |row: StagedRow| CommittedFile { file_name: row.file.file_name, file_id: row.file.file_id };
    Ok(Committed::Done { files: files.into_iter().map(committed).collect(), bytes })
}

async fn staged_rows(
    connection: &mut Connection,
    commit: StagedCommit<'_>,
) -> Result<HashMap<String, StagedRow>, sqlx::Error> {
    let mut found = HashMap::with_capacity(commit.staged_ids.len());
    for ids in commit.staged_ids.chunks(STATEMENT_IDS) {
        let statement = sql::staged_among(ids.len());
        // The statement contains no data, only the numbers of its parameters.
        let query = sqlx::query(AssertSqlSafe(statement))
            .bind(commit.dataset_id)
            .bind(commit.owner)
            .bind(commit.now);
        for row in ids.iter().fold(query, Query::bind).fetch_all(&mut *connection).await? {
            let row = staged_row(&row)?;
            found.insert(row.file.file_id.clone(), row);
        }
    }
    Ok(found)
}

fn staged_row(row: &Row) -> Result<StagedRow, sqlx::Error> {
    Ok(StagedRow {
        owner: row.try_get("owner")?,
        file: NewFile {
            file_id: row.try_get("staged_id")?,
            file_name: row.try_get("file_name")?,
            size_bytes: unsigned(row, "size_bytes")?,
            row_count: unsigned(row, "row_count")?,
            sha256: digest(row.try_get("sha256")?)?,
            first_byte_at: row.try_get("first_byte_at")?,
            last_byte_at: row.try_get("last_byte_at")?,
        },
        schema_id: row.try_get("schema_id")?,
    })
}

/// The files of this commit, if the dataset has them at the positions that it would use.
async fn committed_before(
    connection: &mut Connection,
    commit: StagedCommit<'_>,
) -> Result<Option<Vec<CommittedFile>>, sqlx::Error> {
    let Ok(first) = i64::try_from(commit.expected_file_count) else { return Ok(None) };
    let count = i64::try_from(commit.staged_ids.len()).unwrap_or(i64::MAX);
    let rows = sqlx::query(sql::FILES_AT)
        .bind(commit.dataset_id)
        .bind(first)
        .bind(first.saturating_add(count))
        .fetch_all(connection)
        .await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let file_id: String = row.try_get("file_id")?;
        if commit.staged_ids.get(files.len()) != Some(&file_id) {
            return Ok(None);
        }
        files.push(CommittedFile { file_name: row.try_get("file_name")?, file_id });
    }
    Ok((files.len() == commit.staged_ids.len()).then_some(files))
}

/// Compares the schemas of files with the dataset's. If it has none, the first file gives it one.
async fn settle_schema(
    connection: &mut Connection,
    dataset_id: &str,
    room: &Room,
    files: &[StagedRow],
) -> Result<Option<DifferentSchema>, sqlx::Error> {
    let mut expected = room.schema.clone();
    // The last id that was compared and is equal: most files share their schema.
    let mut known: Option<&str> = None;
    for row in files {
        let Some(id) = row.schema_id.as_deref() else {
            if expected.is_some() {
                continue;
            }
            // Files have no schema id only if their dataset has a schema.
            return Err(sqlx::Error::RowNotFound);
        };
        if known == Some(id) {
            continue;
        }
        let text = sqlx::query(sql::STAGED_SCHEMA).bind(id).fetch_one(&mut *connection).await?;
        let schema = Schema::from_text(text.try_get("data_schema")?)
            .map_err(|error| sqlx::Error::Decode(error.into()))?;
        match &expected {
            None => {
                set_schema(connection, dataset_id, &schema).await?;
                expected = Some(schema);
            }
            Some(expected) if *expected == schema => {}
            Some(expected) => {
                let first = files.first().filter(|_| room.schema.is_none());
                return Ok(Some(DifferentSchema {
                    file_name: row.file.file_name.clone(),
                    schema,
                    other_file: first.map(|first| first.file.file_name.clone()),
                    expected: expected.clone(),
                }));
            }
        }
        known = Some(id);
    }
    Ok(None)
}

/// Deletes up to `most` expired staged files, and schemas that are not used any more. Returns the
/// ids of the files.
pub(super) async fn expire(
    connection: &mut Connection,
    now: i64,
    most: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(sql::EXPIRED).bind(now).bind(most).fetch_all(&mut *connection).await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        ids.push(row.try_get("staged_id")?);
    }
    remove(connection, &ids).await?;
    let mut owners = Vec::with_capacity(rows.len());
    for row in &rows {
        owners.push((row.try_get("owner")?, unsigned(row, "size_bytes")?));
    }
    uncount(connection, owners.into_iter()).await?;
    sqlx::query(sql::DELETE_UNUSED_SCHEMAS).execute(connection).await?;
    Ok(ids)
}

async fn remove(connection: &mut Connection, ids: &[String]) -> Result<(), sqlx::Error> {
    for ids in ids.chunks(STATEMENT_IDS) {
        let query = sqlx::query(AssertSqlSafe(sql::delete_staged(ids.len())));
        ids.iter().fold(query, Query::bind).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn uncount<'a>(
    connection: &mut Connection,
    files: impl Iterator<Item = (&'a str, u64)>,
) -> Result<(), sqlx::Error> {
    let mut totals: HashMap<&str, StagedTotals> = HashMap::new();
    for (owner, bytes) in files {
        let total = totals.entry(owner).or_default();
        total.files += 1;
        total.bytes = total.bytes.saturating_add(bytes);
    }
    for (owner, total) in totals {
        sqlx::query(sql::UNCOUNT_STAGED)
            .bind(signed(total.files)?)
            .bind(signed(total.bytes)?)
            .bind(owner)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) fn staged_totals(row: &Row) -> Result<StagedTotals, sqlx::Error> {
    Ok(StagedTotals {
        files: unsigned(row, "file_count")?,
        bytes: unsigned(row, "total_size_bytes")?,
    })
}

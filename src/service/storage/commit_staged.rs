//! The transaction that commits staged files.

use std::collections::HashMap;

use super::{
    records::STATEMENT_IDS,
    rows::{digest, unsigned},
    sql, staged_sql,
    staged_totals::Totals,
    statement::{Connection, Row, statement},
    transaction::{End, Transaction},
    writes::{NewFile, Room, insert_files, make_room, set_schema},
};
use crate::{schema::Schema, wire::staging::CommittedFile};

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

/// A row of `staged`.
struct StagedRow {
    owner: String,
    file: NewFile,
    schema_id: Option<String>,
}

impl Transaction for StagedCommit<'_> {
    type Outcome = Committed;

    fn dataset_id(&self) -> Option<&str> {
        Some(self.dataset_id)
    }

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Committed>, sqlx::Error> {
        let Self { dataset_id, expected_file_count, staged_ids, .. } = *self;
        let Some(room) = make_room(connection, dataset_id, 0, 0).await? else {
            return Ok(End::RollBack(Committed::NoDataset));
        };
        let count = u64::try_from(room.file_count).unwrap_or(0);
        if count != expected_file_count {
            return self.before_or(connection, &room, Committed::CountDiffers(count)).await;
        }
        let mut rows = take_staged(connection, self).await?;
        let mut files = Vec::with_capacity(staged_ids.len());
        for id in staged_ids {
            match rows.remove(id) {
                Some(row) => files.push(row),
                // Files may have been deleted since, so that the count is as expected again.
                None => {
                    return self.before_or(connection, &room, Committed::Unknown(id.clone())).await;
                }
            }
        }
        if let Some(different) = settle_schema(connection, dataset_id, &room, &files).await? {
            return Ok(End::RollBack(Committed::SchemaDiffers(Box::new(different))));
        }
        let bytes = files.iter().map(|row| row.file.size_bytes).fold(0, u64::saturating_add);
        make_room(connection, dataset_id, files.len(), bytes).await?;
        let new: Vec<_> = files.iter().map(|row| &row.file).collect();
        if let Some(name) = insert_files(connection, dataset_id, room.end, &new).await? {
            return Ok(End::RollBack(Committed::NameTaken(name)));
        }
        let (mut committed, mut totals) = (Vec::with_capacity(files.len()), Totals::default());
        for StagedRow { owner, file, .. } in files {
            totals.add(owner, file.size_bytes);
            committed.push(CommittedFile { file_name: file.file_name, file_id: file.file_id });
        }
        totals.uncount(connection).await?;
        Ok(End::Commit(Committed::Done { files: committed, bytes }))
    }
}

impl StagedCommit<'_> {
    /// The files of this commit if it went through before; otherwise it ends so.
    async fn before_or(
        &self,
        connection: &mut Connection<'_>,
        room: &Room,
        otherwise: Committed,
    ) -> Result<End<Committed>, sqlx::Error> {
        let before = committed_before(connection, self, room).await?;
        Ok(match before {
            Some(files) => End::Commit(Committed::Before(files)),
            None => End::RollBack(otherwise),
        })
    }
}

/// Deletes the rows of the files, and returns them by their ids.
async fn take_staged(
    connection: &mut Connection<'_>,
    commit: &StagedCommit<'_>,
) -> Result<HashMap<String, StagedRow>, sqlx::Error> {
    let mut taken = HashMap::with_capacity(commit.staged_ids.len());
    for ids in commit.staged_ids.chunks(STATEMENT_IDS) {
        let delete = statement(staged_sql::take_staged(ids.len()))
            .bind(commit.dataset_id)
            .bind(commit.owner)
            .bind(commit.now)
            .bind_all(ids);
        for row in connection.fetch_all(delete).await? {
            let row = staged_row(&row)?;
            taken.insert(row.file.file_id.clone(), row);
        }
    }
    Ok(taken)
}

fn staged_row(row: &Row) -> Result<StagedRow, sqlx::Error> {
    Ok(StagedRow {
        owner: row.get("owner")?,
        file: NewFile {
            file_id: row.get("staged_id")?,
            file_name: row.get("file_name")?,
            size_bytes: unsigned(row, "size_bytes")?,
            row_count: unsigned(row, "row_count")?,
            sha256: digest(row.get("sha256")?)?,
            first_byte_at: row.get("first_byte_at")?,
            last_byte_at: row.get("last_byte_at")?,
            small: None,
        },
        schema_id: row.get("schema_id")?,
    })
}

/// The files of this commit, if the dataset has them at the positions that it has used: those
/// behind the expected number of files, and behind files that were deleted before it.
async fn committed_before(
    connection: &mut Connection<'_>,
    commit: &StagedCommit<'_>,
    room: &Room,
) -> Result<Option<Vec<CommittedFile>>, sqlx::Error> {
    let (Ok(least), Some(id)) =
        (i64::try_from(commit.expected_file_count), commit.staged_ids.first())
    else {
        return Ok(None);
    };
    let select = statement(sql::POSITION).bind(id).bind(commit.dataset_id);
    let Some(row) = connection.fetch_optional(&select).await? else { return Ok(None) };
    let first: i64 = row.get("position")?;
    if first < least || first - least > room.deleted_count {
        return Ok(None);
    }
    let count = i64::try_from(commit.staged_ids.len()).unwrap_or(i64::MAX);
    let select = statement(sql::FILES_AT).bind(commit.dataset_id).bind(first);
    let rows = connection.fetch_all(select.bind(first.saturating_add(count))).await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let file_id: String = row.get("file_id")?;
        if commit.staged_ids.get(files.len()) != Some(&file_id) {
            return Ok(None);
        }
        files.push(CommittedFile { file_name: row.get("file_name")?, file_id });
    }
    Ok((files.len() == commit.staged_ids.len()).then_some(files))
}

/// Compares the schemas of files with the dataset's. If it has none, the first file gives it one.
async fn settle_schema(
    connection: &mut Connection<'_>,
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
        let text = connection.fetch_one(statement(staged_sql::STAGED_SCHEMA).bind(id)).await?;
        let schema = Schema::from_text(text.get("data_schema")?)
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

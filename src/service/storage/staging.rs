//! Transactions of the catalog for staged files: to stage, and to expire.

use std::collections::{BTreeMap, HashSet};

use super::{
    records::{STATEMENT_IDS, end_records, record_expired},
    rows::{signed, unsigned},
    sql,
    statement::{Connection, Row, statement},
    transaction::{End, Transaction},
    writes::{NewFile, lock_owner},
};
use crate::{content_hash::ContentHasher, schema::Schema, service::clock::now};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staged {
    Done,
    /// Rejected: its owner has already staged this much.
    TooMuch(StagedTotals),
    /// Rejected: its dataset was deleted meanwhile.
    NoDataset,
    /// The record of its upload has expired, so its blob is deleted.
    Expired,
}

impl SchemaText {
    pub(crate) fn of(schema: &Schema) -> Self {
        let text = schema.to_text();
        Self { id: ContentHasher::hash_of(text.as_bytes()).to_string(), text }
    }
}

/// Stages files, each if its owner's quota allows it.
pub(super) struct StageFiles<'a> {
    pub(super) files: &'a [NewStaged],
    pub(super) quota: Quota,
    /// Whether each upload has a record: see [`super::records`].
    pub(super) has_records: bool,
}

impl Transaction for StageFiles<'_> {
    type Outcome = Vec<Staged>;

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Vec<Staged>>, sqlx::Error> {
        let mut known = vec![None; self.files.len()];
        if self.has_records {
            self.end_records(connection, &mut known).await?;
        }
        let mut staged = Vec::with_capacity(self.files.len());
        for (file, known) in self.files.iter().zip(known) {
            staged.push(match known {
                Some(known) => known,
                None => self.stage(connection, file).await?,
            });
        }
        Ok(End::Commit(staged))
    }
}

impl StageFiles<'_> {
    /// Ends the records of the uploads. Files without a record were staged by an earlier run of
    /// this transaction, or have expired.
    async fn end_records(
        &self,
        connection: &mut Connection<'_>,
        known: &mut [Option<Staged>],
    ) -> Result<(), sqlx::Error> {
        let ids: Vec<_> = self.files.iter().map(|file| file.file.file_id.as_str()).collect();
        let ended = end_records(connection, &ids).await?;
        let ids: Vec<_> = ids.into_iter().filter(|id| !ended.contains(*id)).collect();
        let mut staged = HashSet::new();
        for ids in ids.chunks(STATEMENT_IDS) {
            let select = statement(sql::kept_among(ids.len())).bind_all(ids.iter().copied());
            for row in connection.fetch_all(select).await? {
                staged.insert(row.get::<String>("file_id")?);
            }
        }
        for (file, known) in self.files.iter().zip(known) {
            if staged.contains(&file.file.file_id) {
                *known = Some(Staged::Done);
                // What is written makes durable what was read.
                lock_owner(connection, &file.owner).await?;
            } else if !ended.contains(&file.file.file_id) {
                *known = Some(Staged::Expired);
            }
        }
        Ok(())
    }

    async fn stage(
        &self,
        connection: &mut Connection<'_>,
        staged: &NewStaged,
    ) -> Result<Staged, sqlx::Error> {
        lock_owner(connection, &staged.owner).await?;
        let update = statement(sql::COUNT_STAGED)
            .bind(signed(staged.file.size_bytes)?)
            .bind(&staged.owner)
            .bind(i64::try_from(self.quota.max_files).unwrap_or(i64::MAX))
            .bind(i64::try_from(self.quota.max_bytes).unwrap_or(i64::MAX));
        if connection.execute(update).await? == 1 {
            if insert_one(connection, staged).await? {
                return Ok(Staged::Done);
            }
            let mut totals = Totals::default();
            totals.add(staged.owner.clone(), staged.file.size_bytes);
            totals.uncount(connection).await?;
            if self.has_records {
                let id = std::slice::from_ref(&staged.file.file_id);
                record_expired(connection, id, now()).await?;
            }
            return Ok(Staged::NoDataset);
        }
        let select = statement(sql::STAGED_TOTALS_OF_OWNER).bind(&staged.owner);
        Ok(Staged::TooMuch(staged_totals(&connection.fetch_one(select).await?)?))
    }
}

/// Returns whether there is such a dataset.
async fn insert_one(
    connection: &mut Connection<'_>,
    staged: &NewStaged,
) -> Result<bool, sqlx::Error> {
    let NewStaged { owner, dataset_id, file, schema, expires_at } = staged;
    if let Some(SchemaText { id, text }) = schema {
        connection.execute(statement(sql::ADD_STAGED_SCHEMA).bind(id).bind(text)).await?;
    }
    let insert = statement(sql::INSERT_STAGED)
        .bind(&file.file_id)
        .bind(dataset_id)
        .bind(owner)
        .bind(&file.file_name)
        .bind(signed(file.size_bytes)?)
        .bind(signed(file.row_count)?)
        .bind(file.sha256.to_string())
        .bind(file.first_byte_at)
        .bind(file.last_byte_at)
        .bind(schema.as_ref().map(|schema| schema.id.as_str()))
        .bind(*expires_at);
    Ok(connection.execute(insert).await? == 1)
}

/// Deletes up to `most` staged files that have expired at `now`, and schemas that are not used any
/// more. Returns the ids of the files.
pub(super) struct ExpireStaged {
    pub(super) now: i64,
    pub(super) most: i64,
    /// Whether the blobs get a record until they are deleted: see [`super::records`].
    pub(super) has_records: bool,
}

impl Transaction for ExpireStaged {
    type Outcome = Vec<String>;

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Vec<String>>, sqlx::Error> {
        let select = statement(sql::EXPIRED).bind(self.now).bind(self.most);
        let mut expired = Vec::new();
        for row in connection.fetch_all(select).await? {
            expired.push(row.get::<String>("staged_id")?);
        }
        let (mut ids, mut totals) = (Vec::with_capacity(expired.len()), Totals::default());
        for expired in expired.chunks(STATEMENT_IDS) {
            let delete = statement(sql::delete_staged(expired.len())).bind_all(expired);
            for row in connection.fetch_all(delete).await? {
                totals.add(row.get("owner")?, unsigned(&row, "size_bytes")?);
                ids.push(row.get("staged_id")?);
            }
        }
        totals.uncount(connection).await?;
        connection.execute(statement(sql::DELETE_UNUSED_SCHEMAS)).await?;
        if self.has_records {
            record_expired(connection, &ids, self.now).await?;
        }
        Ok(End::Commit(ids))
    }
}

/// What is not staged any more, by owner.
#[derive(Default)]
pub(super) struct Totals(BTreeMap<String, StagedTotals>);

impl Totals {
    pub(super) fn add(&mut self, owner: String, bytes: u64) {
        let total = self.0.entry(owner).or_default();
        total.files += 1;
        total.bytes = total.bytes.saturating_add(bytes);
    }

    pub(super) async fn uncount(self, connection: &mut Connection<'_>) -> Result<(), sqlx::Error> {
        for (owner, total) in self.0 {
            let update = statement(sql::UNCOUNT_STAGED)
                .bind(signed(total.files)?)
                .bind(signed(total.bytes)?)
                .bind(owner);
            connection.execute(update).await?;
        }
        Ok(())
    }
}

pub(super) fn staged_totals(row: &Row) -> Result<StagedTotals, sqlx::Error> {
    Ok(StagedTotals {
        files: unsigned(row, "file_count")?,
        bytes: unsigned(row, "total_size_bytes")?,
    })
}

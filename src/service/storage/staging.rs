//! Transactions of the catalog for staged files: to stage, and to expire.

use std::collections::{BTreeMap, HashSet};

use super::{
    records::{STATEMENT_IDS, end_records, record_expired},
    rows::unsigned,
    small_blobs::{delete_small, store_small},
    sql, staged_sql,
    staged_totals::{Quota, StagedTotals, Totals, lock_owner, set_totals},
    statement::{Connection, statement},
    transaction::{End, Transaction},
    writes::{NewFile, bind_facts},
};
use crate::{content_hash::ContentHasher, schema::Schema, service::clock::now};

/// Number of files that one statement stages.
const STATEMENT_FILES: usize = 100;

/// A file that will be staged. Its id becomes the staged id.
pub(crate) struct NewStaged {
    /// Empty for the owner of everything.
    pub(crate) owner: String,
    pub(crate) dataset_id: String,
    pub(crate) file: NewFile,
    pub(crate) schema: StagedSchema,
    /// Microseconds since 1970 (UTC).
    pub(crate) expires_at: i64,
}

/// The schema of a staged file.
pub(crate) enum StagedSchema {
    /// That of the dataset, which was created at this time: see [`super::catalog::PlaceForFile`].
    OfDataset { created_at: i64 },
    /// The dataset had none.
    Own(SchemaText),
}

impl StagedSchema {
    fn own(&self) -> Option<&SchemaText> {
        match self {
            Self::OfDataset { .. } => None,
            Self::Own(text) => Some(text),
        }
    }

    /// Zero if it does not matter.
    fn created_at(&self) -> i64 {
        match self {
            Self::OfDataset { created_at } => *created_at,
            Self::Own(_) => 0,
        }
    }
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
    /// Rejected: its dataset was deleted meanwhile, and perhaps created again.
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
    /// Whether each blob has a record: see [`super::records`].
    pub(super) has_records: bool,
}

/// A file, and its outcome as soon as it is known.
type Known<'a> = (&'a NewStaged, Option<Staged>);

impl Transaction for StageFiles<'_> {
    type Outcome = Vec<Staged>;

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Vec<Staged>>, sqlx::Error> {
        let mut files: Vec<_> = self.files.iter().map(|file| (file, None)).collect();
        // In one order, so that transactions do not wait for each other. What is written makes
        // durable what is read after it, and an earlier run of this transaction has ended.
        let mut owners = BTreeMap::new();
        for file in self.files {
            owners.insert(file.owner.as_str(), StagedTotals::default());
        }
        for (owner, totals) in &mut owners {
            *totals = lock_owner(connection, owner).await?;
        }
        if self.has_records {
            end_uploads(connection, &mut files).await?;
        }
        for (file, known) in files.iter_mut().filter(|(_, known)| known.is_none()) {
            let (totals, bytes) = (owners.entry(&file.owner).or_default(), file.file.size_bytes);
            if self.quota.allows(*totals, bytes) {
                totals.add(bytes);
            } else {
                *known = Some(Staged::TooMuch(*totals));
            }
        }
        let new: Vec<_> = files.iter().filter(|(_, known)| known.is_none()).collect();
        let new: Vec<_> = new.into_iter().map(|(file, _)| *file).collect();
        let refused = self.insert(connection, &new).await?;
        for (file, known) in files.iter_mut().filter(|(_, known)| known.is_none()) {
            let is_refused = refused.contains(file.file.file_id.as_str());
            if is_refused {
                owners.entry(&file.owner).or_default().remove(file.file.size_bytes);
            }
            *known = Some(if is_refused { Staged::NoDataset } else { Staged::Done });
        }
        for (owner, totals) in owners {
            set_totals(connection, owner, totals).await?;
        }
        Ok(End::Commit(files.into_iter().filter_map(|(_, known)| known).collect()))
    }
}

impl StageFiles<'_> {
    /// Returns the ids of files whose datasets were deleted meanwhile.
    async fn insert<'f>(
        &self,
        connection: &mut Connection<'_>,
        files: &[&'f NewStaged],
    ) -> Result<HashSet<&'f str>, sqlx::Error> {
        let schemas = files.iter().filter_map(|file| file.schema.own());
        let schemas: BTreeMap<_, _> = schemas.map(|schema| (&schema.id, &schema.text)).collect();
        for (id, text) in schemas {
            let add = statement(staged_sql::ADD_STAGED_SCHEMA).bind(id).bind(text);
            connection.execute(add).await?;
        }
        let mut refused: HashSet<_> = files.iter().map(|file| file.file.file_id.as_str()).collect();
        for files in files.chunks(STATEMENT_FILES) {
            for id in insert_rows(connection, files).await? {
                refused.remove(id.as_str());
            }
        }
        let staged = files.iter().filter(|file| !refused.contains(file.file.file_id.as_str()));
        let small: Vec<_> = staged.filter_map(|file| file.file.small()).collect();
        store_small(connection, &small).await?;
        if self.has_records {
            let blobs = files.iter().filter(|file| file.file.small.is_none());
            let ids = blobs.map(|file| file.file.file_id.clone());
            let ids: Vec<_> = ids.filter(|id| refused.contains(id.as_str())).collect();
            record_expired(connection, &ids, now()).await?;
        }
        Ok(refused)
    }
}

/// Ends the records of uploads whose files are blobs. Files without a record were staged by an earlier
/// run of this transaction, are small, or have expired.
async fn end_uploads(
    connection: &mut Connection<'_>,
    files: &mut [Known<'_>],
) -> Result<(), sqlx::Error> {
    let blobs = files.iter().filter(|(file, _)| file.file.small.is_none());
    let ids: Vec<_> = blobs.map(|(file, _)| file.file.file_id.as_str()).collect();
    let ended = end_records(connection, &ids).await?;
    let ids = files.iter().map(|(file, _)| file.file.file_id.as_str());
    let ids: Vec<_> = ids.filter(|id| !ended.contains(*id)).collect();
    let mut staged = HashSet::new();
    for ids in ids.chunks(STATEMENT_IDS) {
        let select = statement(sql::kept_among(ids.len())).bind_all(ids.iter().copied());
        for row in connection.fetch_all(select).await? {
            staged.insert(row.get::<String>("file_id")?);
        }
    }
    for (file, known) in files {
        let file = &file.file;
        if staged.contains(&file.file_id) {
            *known = Some(Staged::Done);
        } else if file.small.is_none() && !ended.contains(&file.file_id) {
            *known = Some(Staged::Expired);
        }
    }
    Ok(())
}

/// Returns the ids of the files that are staged.
async fn insert_rows(
    connection: &mut Connection<'_>,
    files: &[&NewStaged],
) -> Result<Vec<String>, sqlx::Error> {
    let mut insert = statement(staged_sql::insert_staged(files.len()));
    for NewStaged { owner, dataset_id, file, schema, expires_at } in files {
        insert = insert.bind(&file.file_id).bind(dataset_id).bind(owner);
        insert = bind_facts(insert, file)?
            .bind(schema.own().map(|schema| schema.id.as_str()))
            .bind(*expires_at)
            .bind(schema.created_at());
    }
    let rows = connection.fetch_all(insert).await?;
    rows.iter().map(|row| row.get("staged_id")).collect()
}

/// Deletes up to `most` staged files that have expired at `now`, and schemas that are not used any
/// more.
pub(super) struct ExpireStaged {
    pub(super) now: i64,
    pub(super) most: i64,
    /// Whether the blobs get a record until they are deleted: see [`super::records`].
    pub(super) has_records: bool,
}

/// Staged files that have expired.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) file_count: usize,
    /// The ids of those that are blobs, which are not used any more.
    pub(crate) blobs: Vec<String>,
}

impl Transaction for ExpireStaged {
    type Outcome = Expired;

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Expired>, sqlx::Error> {
        let select = statement(staged_sql::EXPIRED).bind(self.now).bind(self.most);
        let mut expired = Vec::new();
        for row in connection.fetch_all(select).await? {
            expired.push(row.get::<String>("staged_id")?);
        }
        let (mut ids, mut totals) = (Vec::with_capacity(expired.len()), Totals::default());
        for expired in expired.chunks(STATEMENT_IDS) {
            let delete = statement(staged_sql::delete_staged(expired.len())).bind_all(expired);
            for row in connection.fetch_all(delete).await? {
                totals.add(row.get("owner")?, unsigned(&row, "size_bytes")?);
                ids.push(row.get("staged_id")?);
            }
        }
        let file_count = ids.len();
        let blobs = delete_small(connection, ids).await?;
        totals.uncount(connection).await?;
        connection.execute(statement(staged_sql::DELETE_UNUSED_SCHEMAS)).await?;
        if self.has_records {
            record_expired(connection, &blobs, self.now).await?;
        }
        Ok(End::Commit(Expired { file_count, blobs }))
    }
}

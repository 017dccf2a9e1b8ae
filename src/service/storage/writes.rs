//! Transactions of the catalog for datasets and files.

use std::collections::HashSet;

use bytes::Bytes;

#[cfg(test)]
use super::mutants::{Mutant, is_planted};
use super::{
    records::end_records,
    rows::{schema, signed},
    small_blobs::store_small,
    sql,
    staged_totals::lock_owner,
    statement::{Connection, Statement, statement},
    transaction::{End, Transaction},
};
use crate::{
    schema::Schema,
    service::clock::now,
    wire::{digest::Sha256Digest, file_name::folded},
};

/// Number of files that one statement inserts.
const STATEMENT_FILES: usize = 100;

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
    /// The record of an upload has expired, so its blob is deleted.
    Expired,
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
    /// The bytes, if the catalog has to store them; otherwise they are stored already.
    pub(crate) small: Option<Bytes>,
}

impl NewFile {
    /// The bytes that the catalog has to store, and their id.
    pub(super) fn small(&self) -> Option<(&str, &Bytes)> {
        self.small.as_ref().map(|bytes| (self.file_id.as_str(), bytes))
    }
}

/// Creates an empty dataset, unless its owner already has `most` datasets.
pub(super) struct CreateDataset<'a> {
    pub(super) owner: Option<&'a str>,
    pub(super) dataset_id: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) most: u64,
    pub(super) created_at: i64,
}

impl Transaction for CreateDataset<'_> {
    type Outcome = Created;

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Created>, sqlx::Error> {
        let Self { owner, dataset_id, name, created_at, .. } = *self;
        let most = i64::try_from(self.most).unwrap_or(i64::MAX);
        lock_owner(connection, owner.unwrap_or_default()).await?;
        let insert = statement(sql::INSERT_DATASET).bind(dataset_id).bind(name);
        let insert = insert.bind(created_at).bind(owner).bind(most);
        if connection.execute(insert).await? == 1 {
            let deleted = statement(sql::WAS_OF_ANOTHER).bind(dataset_id).bind(owner);
            return Ok(match connection.fetch_optional(&deleted).await? {
                Some(_) => End::RollBack(Created::IdTaken),
                None => End::Commit(Created::Done),
            });
        }
        let lock = statement(sql::LOCK_CREATED).bind(dataset_id).bind(created_at).bind(owner);
        if connection.execute(lock).await? == 1 {
            // By an earlier run of this transaction.
            return Ok(End::Commit(Created::Done));
        }
        let row = connection.fetch_one(statement(sql::DATASET_COUNT).bind(owner)).await?;
        let is_full = row.get::<i64>("dataset_count")? >= most;
        Ok(End::RollBack(if is_full { Created::TooMany } else { Created::IdTaken }))
    }
}

/// Appends files to a dataset in their order: all of them, or none. The first file of a dataset
/// gives it its schema.
pub(super) struct Append<'a> {
    pub(super) dataset_id: &'a str,
    pub(super) data_schema: &'a Schema,
    pub(super) files: &'a [NewFile],
    /// Whether each upload has a record: see [`super::records`].
    pub(super) has_records: bool,
}

impl Transaction for Append<'_> {
    type Outcome = Appended;

    fn dataset_id(&self) -> Option<&str> {
        Some(self.dataset_id)
    }

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Appended>, sqlx::Error> {
        let Self { dataset_id, data_schema, files, has_records } = *self;
        let small: Vec<_> = files.iter().filter_map(NewFile::small).collect();
        let mut is_first_run = store_small(connection, &small).await?;
        if has_records {
            let blobs = files.iter().filter(|file| file.small.is_none());
            let ids: Vec<_> = blobs.map(|file| file.file_id.as_str()).collect();
            is_first_run &= end_records(connection, &ids).await?.len() == ids.len();
        }
        if !is_first_run {
            let ids: Vec<_> = files.iter().map(|file| file.file_id.as_str()).collect();
            return self.was_appended(connection, &ids).await;
        }
        let bytes = files.iter().map(|file| file.size_bytes).fold(0, u64::saturating_add);
        let room = make_room(connection, dataset_id, files.len(), bytes).await?;
        let Some(room) = room else { return Ok(End::RollBack(Appended::NoDataset)) };
        let first = room.end - count(files.len());
        match room.schema {
            Some(schema) if schema == *data_schema => {}
            Some(schema) => return Ok(End::RollBack(Appended::SchemaDiffers(schema))),
            None => set_schema(connection, dataset_id, data_schema).await?,
        }
        let files: Vec<_> = files.iter().collect();
        Ok(match insert_files(connection, dataset_id, first, &files).await? {
            Some(name) => End::RollBack(Appended::NameTaken(name)),
            None => End::Commit(Appended::Done),
        })
    }
}

impl Append<'_> {
    /// Tells an earlier run of this transaction from records that have expired. The earlier run
    /// has ended, because it would hold its lock on the records.
    async fn was_appended(
        &self,
        connection: &mut Connection<'_>,
        ids: &[&str],
    ) -> Result<End<Appended>, sqlx::Error> {
        #[cfg(test)]
        if is_planted(Mutant::NoLookUpAfterCommit) {
            return Ok(End::RollBack(Appended::Expired));
        }
        if make_room(connection, self.dataset_id, 0, 0).await?.is_none() {
            return Ok(End::RollBack(Appended::NoDataset));
        }
        let among = statement(sql::kept_among(ids.len())).bind_all(ids.iter().copied());
        let is_there = connection.fetch_all(among).await?.len() == ids.len();
        Ok(if is_there { End::Commit(Appended::Done) } else { End::RollBack(Appended::Expired) })
    }
}

/// A dataset that is locked until the transaction ends.
pub(super) struct Room {
    pub(super) file_count: i64,
    /// The number of files that were deleted.
    pub(super) deleted_count: i64,
    /// The position behind the last file.
    pub(super) end: i64,
    /// The dataset's schema; `None` before its first file.
    pub(super) schema: Option<Schema>,
}

/// Locks a dataset and counts new files. Returns `None` if there is no such dataset.
pub(super) async fn make_room(
    connection: &mut Connection<'_>,
    dataset_id: &str,
    files: usize,
    bytes: u64,
) -> Result<Option<Room>, sqlx::Error> {
    #[cfg(test)]
    if is_planted(Mutant::NoLockOfTheDataset) {
        return room_without_lock(connection, dataset_id, files, bytes).await;
    }
    let update = statement(sql::COUNT_FILES).bind(count(files)).bind(signed(bytes)?);
    let Some(row) = connection.fetch_optional(&update.bind(dataset_id)).await? else {
        return Ok(None);
    };
    let (file_count, deleted_count) = (row.get("file_count")?, row.get("deleted_count")?);
    let end = file_count + deleted_count;
    Ok(Some(Room { file_count, deleted_count, end, schema: schema(&row)? }))
}

/// The mutant: what was read may have changed when it is used.
#[cfg(test)]
async fn room_without_lock(
    connection: &mut Connection<'_>,
    dataset_id: &str,
    files: usize,
    bytes: u64,
) -> Result<Option<Room>, sqlx::Error> {
    let select = "SELECT file_count, data_schema FROM datasets WHERE dataset_id = $1";
    let row = connection.fetch_one(statement(select).bind(dataset_id)).await?;
    let update = statement(sql::COUNT_FILES).bind(count(files)).bind(signed(bytes)?);
    connection.execute(update.bind(dataset_id)).await?;
    let file_count = row.get::<i64>("file_count")? + count(files);
    Ok(Some(Room { file_count, deleted_count: 0, end: file_count, schema: schema(&row)? }))
}

fn count(files: usize) -> i64 {
    i64::try_from(files).unwrap_or(i64::MAX)
}

pub(super) async fn set_schema(
    connection: &mut Connection<'_>,
    dataset_id: &str,
    data_schema: &Schema,
) -> Result<(), sqlx::Error> {
    let update = statement(sql::SET_SCHEMA).bind(data_schema.to_text()).bind(dataset_id);
    connection.execute(update).await.map(drop)
}

/// Binds what staged files and files have in common, from the name to the time of the last byte.
pub(super) fn bind_facts<'a>(
    insert: Statement<'a>,
    file: &'a NewFile,
) -> Result<Statement<'a>, sqlx::Error> {
    Ok(insert
        .bind(&file.file_name)
        .bind(signed(file.size_bytes)?)
        .bind(signed(file.row_count)?)
        .bind(file.sha256.to_string())
        .bind(file.first_byte_at)
        .bind(file.last_byte_at))
}

/// Inserts files at these positions, until one has a name that is in use: then returns this name,
/// and the caller must roll back. The dataset is locked.
pub(super) async fn insert_files(
    connection: &mut Connection<'_>,
    dataset_id: &str,
    first: i64,
    files: &[&NewFile],
) -> Result<Option<String>, sqlx::Error> {
    let folded: Vec<_> = files.iter().map(|file| folded(&file.file_name)).collect();
    let mut known = HashSet::with_capacity(folded.len());
    let twice = folded.iter().position(|name| !known.insert(name.as_str()));
    let single = &files[..twice.unwrap_or(files.len())];
    let committed_at = now();
    let mut rows = single.iter().zip(&folded).zip(first..);
    for chunk in single.chunks(STATEMENT_FILES) {
        let mut insert = statement(sql::insert_files(chunk.len()));
        for ((file, folded), position) in rows.by_ref().take(chunk.len()) {
            insert = insert.bind(&file.file_id).bind(dataset_id).bind(position);
            insert = bind_facts(insert, file)?.bind(committed_at).bind(folded);
        }
        let mut inserted = HashSet::with_capacity(chunk.len());
        for row in connection.fetch_all(insert).await? {
            inserted.insert(row.get::<String>("file_id")?);
        }
        if let Some(refused) = chunk.iter().find(|file| !inserted.contains(&file.file_id)) {
            return Ok(Some(refused.file_name.clone()));
        }
    }
    Ok(twice.map(|index| files[index].file_name.clone()))
}

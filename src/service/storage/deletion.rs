//! The transaction that deletes a dataset, or one of its files. The blobs are deleted after it.

use futures_util::TryStreamExt;

use super::{
    rows::{is_small, may_be_stored, signed, unsigned},
    small_blobs::delete_small,
    sql, staged_sql,
    staged_totals::{Totals, lock_owner},
    statement::{Connection, Statement, statement},
    transaction::{End, Transaction},
};
use crate::wire::file_name::folded;

/// The outcome of a deletion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// The blobs with these ids are not used any more.
    Done(Vec<String>),
    /// The owner has no such dataset.
    NoDataset,
    /// The dataset has no such file.
    NoFile,
}

/// Deletes a dataset of an owner, or a file of it.
///
/// Positions of deleted files are not used again. Staged files are deleted with their dataset.
pub(super) struct Deletion<'a> {
    pub(super) owner: Option<&'a str>,
    pub(super) dataset_id: &'a str,
    /// `None` for the whole dataset.
    pub(super) file_name: Option<&'a str>,
    pub(super) now: i64,
    /// Only for catalogs with a record of each upload: see [`super::records`].
    pub(super) record: Option<DeletionRecord>,
}

/// A record of the deletion itself, in the form of a record of a blob. It shows a later run of the
/// transaction that an earlier one was committed. The sweep ends it.
pub(super) struct DeletionRecord {
    pub(super) id: String,
    pub(super) expires_at: i64,
}

impl Transaction for Deletion<'_> {
    type Outcome = Deleted;

    fn dataset_id(&self) -> Option<&str> {
        Some(self.dataset_id)
    }

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<Deleted>, sqlx::Error> {
        // An earlier run has ended when this is locked, or is not there.
        let lock = statement(sql::LOCK_DATASET).bind(self.dataset_id).bind(self.owner);
        let dataset = connection.fetch_optional(&lock).await?;
        if let Some(record) = &self.record {
            let find = statement(sql::FIND_RECORD).bind(&record.id);
            if connection.fetch_optional(&find).await?.is_some() {
                return Ok(End::Commit(Deleted::Done(Vec::new())));
            }
        }
        let Some(dataset) = dataset else { return Ok(End::RollBack(Deleted::NoDataset)) };
        let deleted = match self.file_name {
            None => self.delete_all(connection, dataset.get("owner")?).await?,
            Some(name) => match self.delete_file(connection, name).await? {
                Some(blobs) => blobs,
                None => return Ok(End::RollBack(Deleted::NoFile)),
            },
        };
        if let Some(DeletionRecord { id, expires_at }) = &self.record {
            let insert = statement(sql::record_expired(1)).bind(*expires_at).bind(id);
            connection.execute(insert).await?;
        }
        Ok(End::Commit(Deleted::Done(deleted)))
    }
}

impl Deletion<'_> {
    async fn delete_all(
        &self,
        connection: &mut Connection<'_>,
        owner: Option<&str>,
    ) -> Result<Vec<String>, sqlx::Error> {
        // From here on, the owner stages nothing more. In PostgreSQL, what another owner stages in
        // this moment makes the transaction run again.
        lock_owner(connection, owner.unwrap_or_default()).await?;
        if self.record.is_some() {
            for text in [sql::RECORD_FILES, staged_sql::RECORD_STAGED] {
                let insert = statement(text).bind(self.dataset_id).bind(self.now);
                connection.execute(insert).await?;
            }
        }
        let files = statement(sql::DELETE_FILES).bind(self.dataset_id);
        let mut deleted = deleted_ids(connection, &files).await?;
        let (staged, mut totals) =
            (statement(staged_sql::DELETE_STAGED).bind(self.dataset_id), Totals::default());
        let mut rows = connection.fetch(&staged);
        while let Some(row) = rows.try_next().await? {
            totals.add(row.get("owner")?, unsigned(&row, "size_bytes")?);
            deleted.push(row.get("staged_id")?);
        }
        drop(rows);
        let deleted = delete_small(connection, deleted).await?;
        totals.uncount(connection).await?;
        connection.execute(statement(staged_sql::DELETE_UNUSED_SCHEMAS)).await?;
        connection.execute(statement(sql::DELETE_DATASET).bind(self.dataset_id)).await?;
        let remember = statement(sql::REMEMBER_DELETED).bind(self.dataset_id).bind(owner);
        connection.execute(remember).await?;
        Ok(deleted)
    }

    /// Returns the id of the file's blob, if it has one; `None` if there is no such file.
    async fn delete_file(
        &self,
        connection: &mut Connection<'_>,
        name: &str,
    ) -> Result<Option<Vec<String>>, sqlx::Error> {
        if !may_be_stored(name) {
            return Ok(None);
        }
        let find = statement(sql::FIND_FILE).bind(self.dataset_id).bind(folded(name)).bind(name);
        let Some(file) = connection.fetch_optional(&find).await? else { return Ok(None) };
        let file_id: String = file.get("file_id")?;
        if self.record.is_some() && !is_small(&file)? {
            let insert = statement(sql::record_expired(1)).bind(self.now).bind(&file_id);
            connection.execute(insert).await?;
        }
        connection.execute(statement(sql::DELETE_FILE).bind(&file_id)).await?;
        let blobs = delete_small(connection, vec![file_id]).await?;
        let size = signed(unsigned(&file, "size_bytes")?)?;
        let uncount = statement(sql::UNCOUNT_FILE).bind(size).bind(self.dataset_id);
        connection.execute(uncount).await?;
        Ok(Some(blobs))
    }
}

/// Rows take several times the memory of their values, so they are converted one by one.
async fn deleted_ids(
    connection: &mut Connection<'_>,
    delete: &Statement<'_>,
) -> Result<Vec<String>, sqlx::Error> {
    let (mut rows, mut ids) = (connection.fetch(delete), Vec::new());
    while let Some(row) = rows.try_next().await? {
        ids.push(row.get("file_id")?);
    }
    Ok(ids)
}

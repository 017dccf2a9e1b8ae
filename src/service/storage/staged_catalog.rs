//! Staged files in the catalog: files that are stored and checked, but not in a dataset yet.

use sqlx::Row as _;

use super::{
    catalog::Catalog,
    error::StorageError,
    rows::unsigned,
    sql,
    staging::{
        Committed, NewStaged, Quota, Staged, StagedCommit, StagedTotals, commit_staged, expire,
        staged_totals,
    },
};
use crate::service::clock::rfc3339;

/// A staged file, for display.
pub(crate) struct StagedInfo {
    pub(crate) file_name: String,
    pub(crate) dataset_id: String,
    pub(crate) size_bytes: u64,
    /// RFC 3339, UTC.
    pub(crate) expires_at: Option<String>,
}

impl Catalog {
    /// Stages a file durably, unless its owner has too much staged.
    pub(crate) async fn stage(
        &self,
        file: NewStaged,
        quota: Quota,
    ) -> Result<Staged, StorageError> {
        self.staging.stage(&self.writer, file, quota).await
    }

    /// Appends staged files to their dataset, durably and in the given order: all of them, or none.
    /// Returns the same files again for a commit that went through before.
    pub(crate) async fn commit_staged(
        &self,
        commit: StagedCommit<'_>,
    ) -> Result<Committed, StorageError> {
        let mut write = self.writer.begin().await?;
        match commit_staged(write.connection()?, commit).await {
            Ok(done @ Committed::Done { .. }) => write.commit().await.map(|()| done),
            Ok(other) => write.roll_back().await.map(|()| other),
            Err(error) => Err(write.failed(error)),
        }
    }

    /// Deletes the rows of up to `most` expired files, and returns their ids.
    pub(crate) async fn expire_staged(
        &self,
        now: i64,
        most: i64,
    ) -> Result<Vec<String>, StorageError> {
        let query = sqlx::query(sql::HAS_EXPIRED).bind(now);
        if query.fetch_optional(&self.readers.lists).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut write = self.writer.begin().await?;
        match expire(write.connection()?, now, most).await {
            Ok(ids) => write.commit().await.map(|()| ids),
            Err(error) => Err(write.failed(error)),
        }
    }

    /// The totals of an owner: see [`NewStaged::owner`].
    pub(crate) async fn staged_by(&self, owner: &str) -> Result<StagedTotals, StorageError> {
        let query = sqlx::query(sql::STAGED_TOTALS_OF_OWNER).bind(owner);
        let row = query.fetch_optional(&self.readers.lookups).await?;
        Ok(row.as_ref().map(staged_totals).transpose()?.unwrap_or_default())
    }

    /// The totals of all owners together.
    pub(crate) async fn staged_by_all(&self) -> Result<StagedTotals, StorageError> {
        let row = sqlx::query(sql::STAGED_TOTALS).fetch_one(&self.readers.lists).await?;
        Ok(staged_totals(&row)?)
    }

    /// The first `most` staged files to expire, of one owner or of all.
    pub(crate) async fn staged(
        &self,
        owner: Option<&str>,
        most: i64,
    ) -> Result<Vec<StagedInfo>, StorageError> {
        let query = match owner {
            Some(owner) => sqlx::query(sql::STAGED_OF_OWNER).bind(most).bind(owner),
            None => sqlx::query(sql::STAGED).bind(most),
        };
        let mut staged = Vec::new();
        for row in query.fetch_all(&self.readers.lists).await? {
            staged.push(StagedInfo {
                file_name: row.try_get("file_name")?,
                dataset_id: row.try_get("dataset_id")?,
                size_bytes: unsigned(&row, "size_bytes")?,
                expires_at: rfc3339(row.try_get("expires_at")?),
            });
        }
        Ok(staged)
    }
}

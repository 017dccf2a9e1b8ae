//! Staged files in the catalog: files that are stored and checked, but not in a dataset yet.

use super::{
    catalog::Catalog,
    commit_staged::{Committed, StagedCommit},
    error::StorageError,
    rows::unsigned,
    staged_sql as sql,
    staged_totals::{Quota, StagedTotals, staged_totals},
    staging::{ExpireStaged, Expired, NewStaged, Staged},
    statement::statement,
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
        self.staging.stage(&self.database, self.has_records, file, quota).await
    }

    /// Appends staged files to their dataset, durably and in the given order: all of them, or none.
    /// Returns the same files again for a commit that went through before.
    pub(crate) async fn commit_staged(
        &self,
        commit: StagedCommit<'_>,
    ) -> Result<Committed, StorageError> {
        self.database.write(&commit).await
    }

    /// Deletes up to `most` expired files from the catalog.
    pub(crate) async fn expire_staged(&self, now: i64, most: i64) -> Result<Expired, StorageError> {
        let select = statement(sql::HAS_EXPIRED).bind(now);
        if self.database.list(select, |_| Ok(())).await?.is_empty() {
            return Ok(Expired::default());
        }
        let has_records = self.has_records;
        self.database.write(&ExpireStaged { now, most, has_records }).await
    }

    /// The totals of an owner: see [`NewStaged::owner`].
    pub(crate) async fn staged_by(&self, owner: &str) -> Result<StagedTotals, StorageError> {
        let select = statement(sql::STAGED_TOTALS_OF_OWNER).bind(owner);
        let row = self.database.look_up(select).await?;
        Ok(row.as_ref().map(staged_totals).transpose()?.unwrap_or_default())
    }

    /// The totals of all owners together.
    pub(crate) async fn staged_by_all(&self) -> Result<StagedTotals, StorageError> {
        let totals = self.database.list(statement(sql::STAGED_TOTALS), staged_totals).await?;
        Ok(totals.into_iter().next().unwrap_or_default())
    }

    /// The first `most` staged files to expire, of one owner or of all.
    pub(crate) async fn staged(
        &self,
        owner: Option<&str>,
        most: i64,
    ) -> Result<Vec<StagedInfo>, StorageError> {
        let select = match owner {
            Some(owner) => statement(sql::STAGED_OF_OWNER).bind(most).bind(owner),
            None => statement(sql::STAGED).bind(most),
        };
        let staged = self.database.list(select, |row| {
            Ok(StagedInfo {
                file_name: row.get("file_name")?,
                dataset_id: row.get("dataset_id")?,
                size_bytes: unsigned(row, "size_bytes")?,
                expires_at: rfc3339(row.get("expires_at")?),
            })
        });
        staged.await
    }
}

//! The totals that each owner has staged, and their limits.

use std::collections::BTreeMap;

use super::{
    rows::{signed, unsigned},
    staged_sql as sql,
    statement::{Connection, Row, statement},
};

/// The limits of one owner.
#[derive(Clone, Copy)]
pub(crate) struct Quota {
    pub(crate) max_files: u64,
    pub(crate) max_bytes: u64,
}

impl Quota {
    /// Whether an owner with these totals may stage another file of so many bytes.
    pub(super) fn allows(&self, totals: StagedTotals, bytes: u64) -> bool {
        totals.files < self.max_files && totals.bytes.saturating_add(bytes) <= self.max_bytes
    }
}

/// The totals of one owner, or of all owners together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StagedTotals {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl StagedTotals {
    pub(super) fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn remove(&mut self, bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// Locks an owner; empty for the owner of everything. Returns what the owner has staged.
pub(super) async fn lock_owner(
    connection: &mut Connection<'_>,
    owner: &str,
) -> Result<StagedTotals, sqlx::Error> {
    staged_totals(&connection.fetch_one(statement(sql::LOCK_OWNER).bind(owner)).await?)
}

/// The totals of an owner that is locked.
pub(super) async fn set_totals(
    connection: &mut Connection<'_>,
    owner: &str,
    totals: StagedTotals,
) -> Result<(), sqlx::Error> {
    let update = statement(sql::SET_STAGED_TOTALS).bind(signed(totals.files)?);
    connection.execute(update.bind(signed(totals.bytes)?).bind(owner)).await.map(drop)
}

/// Totals to subtract, by owner.
#[derive(Default)]
pub(super) struct Totals(BTreeMap<String, StagedTotals>);

impl Totals {
    pub(super) fn add(&mut self, owner: String, bytes: u64) {
        self.0.entry(owner).or_default().add(bytes);
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

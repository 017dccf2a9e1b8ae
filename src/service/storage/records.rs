//! Transactions for records of unfinished uploads in the catalog.
//!
//! A record expires when its upload has lasted longer than any upload may. From then on the upload
//! cannot be committed, even if its instance tries to. The blob is deleted later, so that an
//! instance that was suspended in the middle of a write has probably ended by then.

use std::collections::HashSet;

#[cfg(test)]
use super::mutants::{Mutant, is_planted};
use super::{
    sql,
    statement::{Connection, Statement, statement},
    transaction::{End, Transaction},
};

/// Most ids that one statement looks up.
pub(super) const STATEMENT_IDS: usize = 500;

/// A transaction of one statement.
pub(super) enum ChangeRecords<'a> {
    /// Records a blob before it is created.
    Begin { file_id: &'a str, expires_at: i64 },
    /// Ends the records of at most [`STATEMENT_IDS`] blobs that were deleted.
    End { file_ids: &'a [&'a str] },
    /// Marks what has expired at `now`; its blobs are deleted from `delete_at` on.
    Expire { now: i64, delete_at: i64 },
}

impl Transaction for ChangeRecords<'_> {
    type Outcome = ();

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<()>, sqlx::Error> {
        let change: Statement<'_> = match *self {
            Self::Begin { file_id, expires_at } => {
                statement(sql::BEGIN_RECORD).bind(file_id).bind(expires_at)
            }
            Self::End { file_ids } => {
                statement(sql::end_deleted(file_ids.len())).bind_all(file_ids.iter().copied())
            }
            #[cfg(test)]
            Self::Expire { now, .. } if is_planted(Mutant::SweepWithoutAge) => {
                statement(sql::EXPIRE_RECORDS).bind(i64::MAX).bind(now)
            }
            Self::Expire { now, delete_at } => {
                statement(sql::EXPIRE_RECORDS).bind(now).bind(delete_at)
            }
        };
        connection.execute(change).await?;
        Ok(End::Commit(()))
    }
}

/// Ends the records of uploads that are committed, and returns the ids of those that had not
/// expired.
pub(super) async fn end_records(
    connection: &mut Connection<'_>,
    ids: &[&str],
) -> Result<HashSet<String>, sqlx::Error> {
    let mut ended = HashSet::with_capacity(ids.len());
    for ids in ids.chunks(STATEMENT_IDS) {
        let delete = statement(sql::end_records(ids.len())).bind_all(ids.iter().copied());
        for row in connection.fetch_all(delete).await? {
            ended.insert(row.get("file_id")?);
        }
    }
    Ok(ended)
}

/// Records blobs that are to be deleted now.
pub(super) async fn record_expired(
    connection: &mut Connection<'_>,
    ids: &[String],
    now: i64,
) -> Result<(), sqlx::Error> {
    for ids in ids.chunks(STATEMENT_IDS) {
        let insert = statement(sql::record_expired(ids.len())).bind(now).bind_all(ids);
        connection.execute(insert).await?;
    }
    Ok(())
}

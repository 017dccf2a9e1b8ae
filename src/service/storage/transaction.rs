//! A transaction of the catalog, as a value that either database can run.

use super::statement::Connection;

/// The statements of a transaction.
///
/// PostgreSQL may run it several times: after a conflict, after a lost connection, and if the
/// outcome of its `COMMIT` is unknown. So it must recognise that it was committed before.
pub(super) trait Transaction: Sync {
    type Outcome: Send;

    /// The dataset whose row it locks. Few transactions of an instance wait for one row, so that
    /// they do not take all connections.
    fn dataset_id(&self) -> Option<&str> {
        None
    }

    fn run(
        &self,
        connection: &mut Connection<'_>,
    ) -> impl Future<Output = Result<End<Self::Outcome>, sqlx::Error>> + Send;
}

/// How a transaction ends, and what it returns.
pub(super) enum End<T> {
    Commit(T),
    RollBack(T),
}

//! The connections of an instance to PostgreSQL.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{
    PgConnection, PgPool, Postgres, Row as _,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::errors::Failure;
use crate::service::storage::error::StorageError;

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection is replaced after this time, so that new addresses of a server get used.
const LIFETIME: Duration = Duration::from_mins(10);

/// Starts a transaction, in one round trip. The settings are those of the transaction, because a
/// pooler may give the next one another session.
///
/// The isolation level is needed: each statement must see what was committed before it began. A
/// client that is suspended within a transaction keeps its locks for at most five seconds.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
    SET LOCAL lock_timeout = '10s'; \
    SET LOCAL statement_timeout = '10s'; \
    SET LOCAL idle_in_transaction_session_timeout = '5s'; \
    SELECT current_setting('transaction_read_only') AS read_only, \
    current_setting('synchronous_commit') AS synchronous_commit";

pub(super) struct Connections {
    pool: PgPool,
    /// Lists take at most half of the connections.
    lists: Semaphore,
}

/// A connection of the pool. It is closed when it is dropped, unless it was given back: what was
/// interrupted must not become a part of the next transaction.
pub(super) struct Lent {
    connection: PoolConnection<Postgres>,
    is_clean: bool,
}

/// Numbers of connections.
#[derive(Clone, Copy, Default)]
pub(crate) struct ConnectionCounts {
    pub(crate) open: u32,
    pub(crate) idle: u32,
}

impl Connections {
    pub(super) fn new(options: PgConnectOptions, most: u32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(PATIENCE)
            .max_lifetime(LIFETIME)
            // Each use begins with a statement that shows more than this test.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        let lists = usize::try_from(most.div_ceil(2)).unwrap_or(1);
        Self { pool, lists: Semaphore::new(lists) }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) fn counts(&self) -> ConnectionCounts {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        ConnectionCounts { open: self.pool.size(), idle }
    }

    pub(super) async fn list_permit(&self) -> Option<SemaphorePermit<'_>> {
        // Fails only if the semaphore was closed, which never happens.
        self.lists.acquire().await.ok()
    }

    /// A connection to a server that may be read: a standby, or a former primary, lacks commits.
    pub(super) async fn reader(&self) -> Result<Lent, Failure> {
        let mut lent = self.lend().await?;
        let row = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(&mut *lent).await?;
        check_writable(&row.try_get::<String, _>(0)?)?;
        Ok(lent)
    }

    /// A connection in a new transaction.
    pub(super) async fn begin(&self) -> Result<Lent, Failure> {
        let mut lent = self.lend().await?;
        let row = sqlx::raw_sql(BEGIN).fetch_one(&mut *lent).await?;
        check_writable(&row.try_get::<String, _>("read_only")?)?;
        if row.try_get::<String, _>("synchronous_commit")? == "off" {
            let words =
                "synchronous_commit is off for this user or database; turn it on".to_owned();
            return Err(Failure::Final(StorageError::Unreachable(words)));
        }
        Ok(lent)
    }

    async fn lend(&self) -> Result<Lent, Failure> {
        Ok(Lent { connection: self.pool.acquire().await?, is_clean: false })
    }
}

fn check_writable(read_only: &str) -> Result<(), Failure> {
    match read_only {
        "off" => Ok(()),
        _ => Err(Failure::Passing("the server is read-only".to_owned())),
    }
}

impl Lent {
    /// Nothing was interrupted, so others may use the connection.
    pub(super) fn give_back(mut self) {
        self.is_clean = true;
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_clean {
            self.connection.close_on_drop();
        }
    }
}

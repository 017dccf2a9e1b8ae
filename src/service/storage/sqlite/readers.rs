//! The connections that read the catalog.
//!
//! A commit of SQLite waits for the statements that are reading at that moment, and blocks new ones
//! meanwhile. So each statement reads few rows, and never waits for the consumer of its rows.

use std::time::Duration;

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// Maximum number of rows that one statement of a list reads.
pub(crate) const STATEMENT_ROWS: u32 = 500;

/// Number of connections for single rows. Uploads need them, and must not wait behind lists.
pub(crate) const LOOKUPS: u32 = 2;

/// Number of connections for lists.
pub(crate) const LISTS: u32 = 3;

/// How long a reader waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Readers {
    pub(crate) lookups: SqlitePool,
    pub(crate) lists: SqlitePool,
}

impl Readers {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let options = options.pragma("query_only", "ON");
        // With a smaller buffer, a statement would keep its lock until its rows are consumed.
        let lists = options.clone().row_buffer_size(STATEMENT_ROWS as usize);
        Ok(Self { lookups: pool(LOOKUPS, options).await?, lists: pool(LISTS, lists).await? })
    }

    pub(crate) async fn close(&self) {
        self.lookups.close().await;
        self.lists.close().await;
    }
}

async fn pool(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        // All connections are opened at the start and stay open: later, handles or threads could be
        // short.
        .min_connections(connections)
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        // No network is involved that could fail.
        .test_before_acquire(false)
        .connect_with(options)
        .await
}

//! The connections that read the catalog.
//!
//! SQLite lets a commit wait for the statements that read at its moment, and lets no other begin
//! meanwhile. So each statement reads few rows, and is never held up by whoever uses them.

use std::time::Duration;

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// Most rows that one statement of a list reads.
pub(crate) const STATEMENT_ROWS: u32 = 500;

/// Connections for one row, by a key. An upload needs some; it does not wait behind lists.
pub(crate) const LOOKUPS: u32 = 2;

/// Connections for lists.
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
        // Otherwise a statement would wait, with its lock on the catalog, until its rows are used.
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
        // All from the start, and for good: one that is opened later could find handles or
        // threads short, in the middle of uploads.
        .min_connections(connections)
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        // There is no network that could break.
        .test_before_acquire(false)
        .connect_with(options)
        .await
}

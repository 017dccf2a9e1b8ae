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
pub(super) const STATEMENT_ROWS: u32 = 500;

/// Connections for one row, by a key. An upload needs some; it does not wait behind lists.
const LOOKUPS: u32 = 2;

/// Connections for lists.
const LISTS: u32 = 3;

/// How long a reader waits for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct CatalogReaders {
    pub(super) lookups: SqlitePool,
    pub(super) lists: SqlitePool,
}

impl CatalogReaders {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let options = options.pragma("query_only", "ON");
        // Otherwise a statement would wait, with its lock on the catalog, until its rows are used.
        let lists = options.clone().row_buffer_size(STATEMENT_ROWS as usize);
        Ok(Self { lookups: pool(LOOKUPS, options).await?, lists: pool(LISTS, lists).await? })
    }

    pub(super) async fn close(&self) {
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

#[cfg(test)]
mod tests {
    use axum::{
        http::{StatusCode, header},
        response::IntoResponse,
    };
    use tempfile::TempDir;

    use super::{LISTS, LOOKUPS};
    use crate::service::{catalog::Catalog, refusal::Refusal};

    #[tokio::test]
    async fn whoever_waits_too_long_for_a_reader_is_asked_to_come_again() {
        let folder = TempDir::new().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let (mut busy, readers) = (Vec::new(), &catalog.readers);
        for _ in 0..LOOKUPS {
            busy.push(readers.lookups.acquire().await.unwrap());
        }
        for _ in 0..LISTS {
            busy.push(readers.lists.acquire().await.unwrap());
        }
        tokio::time::pause();
        for error in [
            catalog.has_name("d", "a.parquet").await.unwrap_err(),
            catalog.files("d", 0, 7).await.unwrap_err(),
        ] {
            let answer = Refusal::from(error).into_response();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key(header::RETRY_AFTER));
        }
        tokio::time::resume();
        drop(busy);
        assert!(!catalog.has_name("d", "a.parquet").await.unwrap());
    }
}

//! The only connection that writes to the catalog.
//!
//! A connection that saw an error within a transaction is not used again. SQLite ends some
//! transactions by itself, and later statements on the connection could become part of another
//! transaction that nobody commits.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions,
};
use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::errors::of_commit;
use crate::service::storage::error::StorageError;

/// How long a write waits for earlier writes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Writer {
    options: SqliteConnectOptions,
    connection: Mutex<Option<SqliteConnection>>,
    /// SQLite syncs the folder after it has created its journal, but skips this if it cannot open
    /// the folder because handles are short. This handle stays open.
    folder: Option<Arc<File>>,
    /// Whether the folder was synced since there is a journal, which is never deleted.
    journal_is_durable: AtomicBool,
    is_closed: AtomicBool,
    /// A write has failed, and the catalog was not reopened since then.
    has_failed: AtomicBool,
    failed: Notify,
    #[cfg(test)]
    pub(crate) faults: faults::Faults,
}

/// A transaction. Dropping it drops its connection, which rolls it back.
pub(crate) struct Write<'a> {
    writer: &'a Writer,
    slot: MutexGuard<'a, Option<SqliteConnection>>,
    /// `None` when the transaction is over.
    connection: Option<SqliteConnection>,
}

impl Writer {
    pub(crate) async fn open(
        folder: &Path,
        options: SqliteConnectOptions,
    ) -> Result<Self, sqlx::Error> {
        let connection = options.connect().await?;
        Ok(Self {
            options,
            connection: Mutex::new(Some(connection)),
            // A folder can only be opened on Unix.
            folder: if cfg!(unix) { Some(Arc::new(File::open(folder)?)) } else { None },
            journal_is_durable: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            failed: Notify::new(),
            #[cfg(test)]
            faults: faults::Faults::default(),
        })
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Starts a transaction. No other write runs at the same time.
    pub(crate) async fn begin(&self) -> Result<Write<'_>, StorageError> {
        if self.has_failed() {
            return Err(StorageError::WritesStopped);
        }
        self.begin_anyway().await.map_err(|error| self.note(error))
    }

    async fn begin_anyway(&self) -> Result<Write<'_>, StorageError> {
        let slot = timeout(PATIENCE, self.connection.lock()).await;
        let mut slot =
            slot.map_err(|_| StorageError::Unavailable("too many writes wait".to_owned()))?;
        if self.is_closed.load(Ordering::Acquire) {
            return Err(StorageError::Unavailable("the catalog is closed".to_owned()));
        }
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await;
        #[cfg(test)]
        let begun = self.faults.or_nested(begun, &mut connection).await;
        begun?;
        Ok(Write { writer: self, slot, connection: Some(connection) })
    }

    /// Records a failed write.
    fn note(&self, error: StorageError) -> StorageError {
        if matches!(error, StorageError::WriteFailed(_)) {
            self.has_failed.store(true, Ordering::Release);
            self.failed.notify_one();
            tracing::error!("the catalog takes no writes until it was checked: {error}");
        }
        error
    }

    /// Waits until a write has failed.
    pub(crate) async fn failed(&self) {
        while !self.has_failed() {
            self.failed.notified().await;
        }
    }

    /// Reopens the catalog and checks it; then it accepts writes again.
    ///
    /// Opening rolls back what was not committed: SQLite rewrites all pages that the failed
    /// transaction had changed, and syncs them. The check reads the whole structure. A value that
    /// is written and read back shows that the disk accepts writes and syncs again.
    ///
    /// # Errors
    /// The error that still occurs.
    pub(crate) async fn reopen(&self) -> Result<(), StorageError> {
        let mut slot = self.connection.lock().await;
        *slot = None;
        let mut connection = self.options.connect().await?;
        let check = sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
        let found: String = check.try_get(0)?;
        if found != "ok" {
            return Err(StorageError::Damaged(found));
        }
        let version = user_version(&mut connection).await? + 1;
        // A pragma takes no parameters.
        let write = format!("PRAGMA user_version = {version}");
        sqlx::query(AssertSqlSafe(write)).execute(&mut connection).await?;
        self.sync_folder().await?;
        connection.close().await?;
        let mut connection = self.options.connect().await?;
        if user_version(&mut connection).await? != version {
            return Err(StorageError::Damaged("a write was not kept".to_owned()));
        }
        *slot = Some(connection);
        self.has_failed.store(false, Ordering::Release);
        tracing::warn!("the catalog was reopened and checked, and takes writes again");
        Ok(())
    }

    /// After a power cut in the middle of a commit, the journal must still be there.
    async fn keep_journal(&self) -> Result<(), StorageError> {
        if !self.journal_is_durable.load(Ordering::Acquire) {
            self.sync_folder().await?;
            self.journal_is_durable.store(true, Ordering::Release);
        }
        Ok(())
    }

    async fn sync_folder(&self) -> Result<(), StorageError> {
        let failed = |error: std::io::Error| StorageError::WriteFailed(error.to_string());
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let synced = spawn_blocking(move || folder.sync_all()).await;
        synced.map_err(|error| StorageError::WriteFailed(error.to_string()))?.map_err(failed)
    }

    /// Closes the connection. Committed data is already durable.
    pub(crate) async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        if let Some(connection) = self.connection.lock().await.take() {
            let _ = connection.close().await;
        }
    }
}

/// Reopens the catalog after each failed write, and retries until it succeeds.
pub(crate) async fn recover(writer: Arc<Writer>) {
    const FIRST_PAUSE: Duration = Duration::from_secs(1);
    const LONGEST_PAUSE: Duration = Duration::from_secs(30);
    loop {
        writer.failed().await;
        let mut pause = FIRST_PAUSE;
        while writer.has_failed() {
            sleep(pause).await;
            if let Err(error) = writer.reopen().await {
                tracing::error!("the catalog still takes no writes: {error}");
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn user_version(connection: &mut SqliteConnection) -> Result<i64, StorageError> {
    let row = sqlx::query("PRAGMA user_version").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

impl Write<'_> {
    /// The connection for the statements of this transaction.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StorageError> {
        let over = || StorageError::Unavailable("the transaction is over".to_owned());
        self.connection.as_mut().ok_or_else(over)
    }

    /// Makes what was written durable.
    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        let writer = self.writer;
        let committed = async {
            #[cfg(test)]
            writer.faults.strike(self.connection()?).await?;
            #[cfg(test)]
            if writer.faults.commit_nested(self.connection()?).await {
                return Ok(());
            }
            writer.keep_journal().await?;
            let connection = self.connection()?;
            let commit = sqlx::query("COMMIT").execute(&mut *connection).await;
            commit.map_err(of_commit)?;
            // SQLite rejects this within a transaction, so it shows that none is open.
            let is_over = sqlx::query("PRAGMA synchronous = EXTRA").execute(connection).await;
            is_over.map_err(|error| StorageError::WriteFailed(error.to_string())).map(|_| ())
        };
        committed.await.map_err(|error| writer.note(error))?;
        *self.slot = self.connection.take();
        Ok(())
    }

    /// Undoes everything.
    pub(crate) async fn roll_back(mut self) -> Result<(), StorageError> {
        let writer = self.writer;
        let rolled_back = sqlx::query("ROLLBACK").execute(self.connection()?).await;
        rolled_back.map_err(|error| writer.note(error.into()))?;
        *self.slot = self.connection.take();
        Ok(())
    }

    /// Records the error of a statement, and returns it.
    pub(crate) fn failed(&self, error: impl Into<StorageError>) -> StorageError {
        self.writer.note(error.into())
    }
}

#[cfg(test)]
impl Drop for Write<'_> {
    /// The mutant that the tests must find.
    fn drop(&mut self) {
        if self.writer.faults.keeps_failed_connections.load(Ordering::Relaxed) {
            let connection = self.connection.take();
            if connection.is_some() {
                *self.slot = connection;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod faults {
    //! Failures at the moment of a commit, when everything else of a transaction is done.

    use std::sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    };

    use sqlx::{AssertSqlSafe, Row, SqliteConnection};
    use tokio::sync::Notify;

    use super::StorageError;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// SQLite finds no room for another page.
        Full,
        /// Like a failed sync: the transaction is neither committed nor rolled back.
        Sync,
        /// The request is cancelled in the middle.
        Cancelled,
    }

    #[derive(Default)]
    pub(crate) struct Faults {
        pub(crate) next: Mutex<Option<Fault>>,
        /// The mutant that the histories must find: a connection is reused after an error, and a
        /// transaction that starts within another one becomes a part of it, as in sqlx.
        pub(crate) keeps_failed_connections: AtomicBool,
        is_nested: AtomicBool,
        /// A request waits to be cancelled.
        pub(crate) is_waiting: Notify,
    }

    impl Faults {
        /// For the mutant: a savepoint, if there is a transaction already.
        pub(crate) async fn or_nested<T>(
            &self,
            begun: Result<T, sqlx::Error>,
            connection: &mut SqliteConnection,
        ) -> Result<(), sqlx::Error> {
            let is_nested = begun.is_err() && self.keeps_failed_connections.load(Ordering::Relaxed);
            self.is_nested.store(is_nested, Ordering::Relaxed);
            if is_nested {
                return sqlx::query("SAVEPOINT nested").execute(connection).await.map(drop);
            }
            begun.map(drop)
        }

        /// For the mutant: whether this was a savepoint, which is released now.
        pub(crate) async fn commit_nested(&self, connection: &mut SqliteConnection) -> bool {
            self.is_nested.swap(false, Ordering::Relaxed)
                && sqlx::query("RELEASE nested").execute(connection).await.is_ok()
        }

        pub(crate) async fn strike(
            &self,
            connection: &mut SqliteConnection,
        ) -> Result<(), StorageError> {
            let fault = self.next.lock().unwrap().take();
            match fault {
                None => Ok(()),
                Some(Fault::Full) => Err(fill(connection).await.into()),
                Some(Fault::Sync) => Err(StorageError::WriteFailed("a sync failed".to_owned())),
                Some(Fault::Cancelled) => {
                    self.is_waiting.notify_one();
                    std::future::pending().await
                }
            }
        }
    }

    /// Lets SQLite run out of pages, and then removes the limit.
    async fn fill(connection: &mut SqliteConnection) -> sqlx::Error {
        let row = sqlx::query("PRAGMA page_count").fetch_one(&mut *connection).await.unwrap();
        let pages: i64 = row.get(0);
        let limit = |pages| AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(limit(pages)).execute(&mut *connection).await.unwrap();
        let big = "INSERT INTO datasets (dataset_id, created_at, data_schema) \
                   VALUES ('fill', 0, hex(zeroblob(100000)))";
        let full = sqlx::query(big).execute(&mut *connection).await.unwrap_err();
        sqlx::query(limit(1 << 30)).execute(connection).await.unwrap();
        full
    }
}

//! The catalog as PostgreSQL runs it.

use std::time::{Duration, Instant};

use futures_util::{TryStreamExt, future};
use sqlx::postgres::PgConnectOptions;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{
    connections::{ConnectionCounts, Connections},
    errors::Failure,
    open::{open, open_to_read},
    turns::Turns,
    url::PostgresUrl,
};
use crate::{
    error::Error,
    service::storage::{
        error::StorageError,
        statement::{Connection, Row, Statement},
        transaction::{End, Transaction},
    },
};

/// How long one call may take. Without this limit, a call would wait for minutes for a server that
/// has vanished.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the outcome of a `COMMIT` is looked up.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
/// Pauses between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

const SILENCE: &str = "PostgreSQL does not respond";

/// How long a health check waits, and for how long its result is used.
const CHECK_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct PostgresDatabase {
    connections: Connections,
    turns: Turns,
    /// When the database was last checked, and with which result.
    checked: Mutex<Option<(Instant, Result<(), StorageError>)>>,
}

/// How far an attempt of a transaction got.
#[derive(Default)]
struct Progress {
    is_commit_sent: bool,
}

impl PostgresDatabase {
    /// Opens a catalog, and creates its tables if they are missing.
    pub(crate) async fn open(url: &PostgresUrl, most_connections: u32) -> Result<Self, Error> {
        Ok(Self::of(open(url).await?, most_connections))
    }

    /// Opens an existing catalog, and leaves it as it is.
    pub(crate) async fn open_to_read(
        url: &PostgresUrl,
        most_connections: u32,
    ) -> Result<Self, Error> {
        Ok(Self::of(open_to_read(url).await?, most_connections))
    }

    fn of(options: PgConnectOptions, most_connections: u32) -> Self {
        Self {
            connections: Connections::new(options, most_connections),
            turns: Turns::default(),
            checked: Mutex::new(None),
        }
    }

    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }

    pub(crate) fn connections(&self) -> ConnectionCounts {
        self.connections.counts()
    }

    /// Whether the database responds and accepts writes. Of several concurrent checks, one queries
    /// the database.
    pub(crate) async fn check_reachable(&self) -> Result<(), StorageError> {
        let mut checked = self.checked.lock().await;
        if let Some((at, result)) = &*checked
            && at.elapsed() < CHECK_PATIENCE
        {
            return result.clone();
        }
        let result = match timeout(CHECK_PATIENCE, self.connections.reader()).await {
            Ok(Ok(reader)) => {
                reader.give_back();
                Ok(())
            }
            Ok(Err(Failure::Final(error))) => Err(error),
            Ok(Err(failure)) => Err(StorageError::Unreachable(failure.into_words())),
            Err(_) => Err(StorageError::Unreachable(SILENCE.to_owned())),
        };
        *checked = Some((Instant::now(), result.clone()));
        result
    }

    pub(crate) async fn look_up(
        &self,
        statement: &Statement<'_>,
    ) -> Result<Option<Row>, StorageError> {
        Ok(self.read(statement, Ok).await?.into_iter().next())
    }

    pub(crate) async fn look_up_all<T: Send>(
        &self,
        statement: &Statement<'_>,
        convert: fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StorageError> {
        self.read(statement, move |row| convert(&row)).await
    }

    pub(crate) async fn list<T: Send>(
        &self,
        statement: &Statement<'_>,
        convert: fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StorageError> {
        let _permit = self.connections.list_permit().await;
        self.read(statement, move |row| convert(&row)).await
    }

    /// Repeats a statement until it succeeds on a connection.
    async fn read<T: Send>(
        &self,
        statement: &Statement<'_>,
        convert: impl Fn(Row) -> Result<T, sqlx::Error> + Send + Sync,
    ) -> Result<Vec<T>, StorageError> {
        let (deadline, mut pause) = (Instant::now() + PATIENCE, FIRST_PAUSE);
        loop {
            let failure = match timeout(left(deadline), self.read_once(statement, &convert)).await {
                Ok(Ok(values)) => return Ok(values),
                Ok(Err(Failure::Final(error))) => return Err(error),
                Ok(Err(failure)) => failure.into_words(),
                Err(_) => SILENCE.to_owned(),
            };
            if left(deadline) < pause {
                return Err(StorageError::Unreachable(failure));
            }
            tracing::warn!("a statement is repeated: {failure}");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn read_once<T: Send>(
        &self,
        statement: &Statement<'_>,
        convert: impl Fn(Row) -> Result<T, sqlx::Error> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut reader = self.connections.reader().await?;
        let values = {
            let mut rows = Connection::Postgres(&mut reader);
            // A row takes several times the memory of its values, so rows are converted one by one.
            let values = rows.fetch(statement).and_then(|row| future::ready(convert(row)));
            values.try_collect().await?
        };
        reader.give_back();
        Ok(values)
    }

    /// Repeats a transaction until its outcome is known.
    ///
    /// Before its `COMMIT` was sent, a transaction that fails has certainly not taken effect. After
    /// that, the same transaction runs again: it recognises that it was committed.
    pub(crate) async fn write<T: Transaction>(
        &self,
        transaction: &T,
    ) -> Result<T::Outcome, StorageError> {
        let begun = Instant::now();
        let (mut deadline, mut pause) = (begun + PATIENCE, FIRST_PAUSE);
        let _turn = match transaction.dataset_id() {
            Some(row) => timeout(PATIENCE, self.turns.take(row)).await.map_err(|_| {
                StorageError::Unreachable("too many commits to one dataset wait".to_owned())
            })?,
            None => None,
        };
        let mut is_unknown = false;
        loop {
            let mut progress = Progress::default();
            let attempt = timeout(left(deadline), self.attempt(transaction, &mut progress)).await;
            is_unknown |= progress.is_commit_sent;
            let error = match attempt {
                Ok(Ok(outcome)) => return Ok(outcome),
                Ok(Err(Failure::Final(error))) if !is_unknown => return Err(error),
                Ok(Err(failure)) => StorageError::Unreachable(failure.into_words()),
                Err(_) => StorageError::Unreachable(SILENCE.to_owned()),
            };
            if is_unknown {
                deadline = begun + SETTLE_PATIENCE;
            }
            if left(deadline) < pause {
                return Err(if is_unknown {
                    StorageError::OutcomeUnknown(error.to_string())
                } else {
                    error
                });
            }
            tracing::warn!("a transaction is repeated: {error}");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt<T: Transaction>(
        &self,
        transaction: &T,
        progress: &mut Progress,
    ) -> Result<T::Outcome, Failure> {
        let mut connection = self.connections.begin().await?;
        let end = transaction.run(&mut Connection::Postgres(&mut connection)).await?;
        let (last, outcome) = match end {
            End::Commit(outcome) => {
                progress.is_commit_sent = true;
                ("COMMIT", outcome)
            }
            End::RollBack(outcome) => ("ROLLBACK", outcome),
        };
        match sqlx::raw_sql(last).execute(&mut *connection).await {
            Ok(_) => connection.give_back(),
            Err(error) if progress.is_commit_sent => return Err(error.into()),
            // The connection is closed, which rolls back.
            Err(error) => tracing::warn!("a rollback failed: {error}"),
        }
        Ok(outcome)
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

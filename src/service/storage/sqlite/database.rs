//! The catalog as SQLite runs it.

use std::{path::Path, sync::Arc};

use futures_util::{TryStreamExt, future};
use tokio_util::task::AbortOnDropHandle;

use super::{
    open::{open, open_shared, open_to_read},
    readers::Readers,
    turns::Turns,
    writer::{Writer, recover},
};
use crate::{
    error::Error,
    service::storage::{
        error::StorageError,
        statement::{Connection, Row, Statement},
        transaction::{End, Transaction},
    },
};

pub(crate) struct SqliteDatabase {
    pub(crate) readers: Readers,
    /// The only connection that writes, so what a transaction has checked still holds when it
    /// writes.
    pub(crate) writer: Arc<Writer>,
    turns: Turns,
    recovery: AbortOnDropHandle<()>,
}

impl SqliteDatabase {
    /// Opens a catalog, and creates it if it is missing.
    pub(crate) async fn open(file: &Path) -> Result<Self, Error> {
        Ok(Self::of(open(file).await?))
    }

    /// Opens an existing catalog, which another process may have open.
    pub(crate) async fn open_to_read(file: &Path) -> Result<Self, Error> {
        Ok(Self::of(open_to_read(file).await?))
    }

    /// Opens an existing catalog to change a few rows, while a server may have it open.
    pub(crate) async fn open_shared(file: &Path) -> Result<Self, Error> {
        Ok(Self::of(open_shared(file).await?))
    }

    fn of((readers, writer): (Readers, Writer)) -> Self {
        let writer = Arc::new(writer);
        let recovery = AbortOnDropHandle::new(tokio::spawn(recover(Arc::clone(&writer))));
        Self { readers, writer, turns: Turns::default(), recovery }
    }

    pub(crate) async fn close(&self) {
        self.recovery.abort();
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) async fn look_up(
        &self,
        statement: &Statement<'_>,
    ) -> Result<Option<Row>, StorageError> {
        let mut reader = self.readers.lookups.acquire().await?;
        let _turn = self.turns.to_read().await?;
        Ok(Connection::Sqlite(&mut reader).fetch_optional(statement).await?)
    }

    pub(crate) async fn look_up_all<T>(
        &self,
        statement: &Statement<'_>,
        convert: fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StorageError> {
        let mut reader = self.readers.lookups.acquire().await?;
        let _turn = self.turns.to_read().await?;
        all(Connection::Sqlite(&mut reader), statement, convert).await
    }

    pub(crate) async fn list<T>(
        &self,
        statement: &Statement<'_>,
        convert: fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StorageError> {
        let mut reader = self.readers.lists.acquire().await?;
        let _turn = self.turns.to_read().await?;
        all(Connection::Sqlite(&mut reader), statement, convert).await
    }

    pub(crate) async fn write<T: Transaction>(
        &self,
        transaction: &T,
    ) -> Result<T::Outcome, StorageError> {
        let mut write = self.writer.begin().await?;
        match transaction.run(&mut Connection::Sqlite(write.connection()?)).await {
            Ok(End::Commit(outcome)) => {
                let _turn = self.turns.to_commit().await?;
                write.commit().await.map(|()| outcome)
            }
            Ok(End::RollBack(outcome)) => write.roll_back().await.map(|()| outcome),
            Err(error) => Err(write.failed(error)),
        }
    }
}

/// A row takes several times the memory of its values, so rows are converted one by one.
async fn all<T>(
    mut reader: Connection<'_>,
    statement: &Statement<'_>,
    convert: fn(&Row) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, StorageError> {
    let values = reader.fetch(statement).and_then(|row| future::ready(convert(&row)));
    Ok(values.try_collect().await?)
}

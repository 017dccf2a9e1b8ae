//! The database of a catalog: SQLite or PostgreSQL. Both run the same statements.

use super::{
    error::StorageError,
    postgres::PostgresDatabase,
    sqlite::SqliteDatabase,
    statement::{Row, Statement},
    transaction::Transaction,
};

pub(super) enum Database {
    Sqlite(SqliteDatabase),
    Postgres(PostgresDatabase),
}

impl Database {
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
        }
    }

    /// Reads a single row. Uploads need such rows, so they do not wait behind lists.
    pub(super) async fn look_up(
        &self,
        statement: Statement<'_>,
    ) -> Result<Option<Row>, StorageError> {
        match self {
            Self::Sqlite(database) => database.look_up(&statement).await,
            Self::Postgres(database) => database.look_up(&statement).await,
        }
    }

    /// Reads a few rows that requests wait for, as [`Self::look_up`].
    pub(super) async fn look_up_all<T: Send>(
        &self,
        statement: Statement<'_>,
        convert: fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StorageError> {
        match self {
            Self::Sqlite(database) => database.look_up_all(&statement, convert).await,
            Self::Postgres(database) => database.look_up_all(&statement, convert).await,
        }
    }

    /// Reads rows of a list, and converts them.
    pub(super) async fn list<T: Send>(
        &self,
        statement: Statement<'_>,
        convert: fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StorageError> {
        match self {
            Self::Sqlite(database) => database.list(&statement, convert).await,
            Self::Postgres(database) => database.list(&statement, convert).await,
        }
    }

    /// Runs a transaction, and makes it durable if it ends with a commit.
    pub(super) async fn write<T: Transaction>(
        &self,
        transaction: &T,
    ) -> Result<T::Outcome, StorageError> {
        match self {
            Self::Sqlite(database) => database.write(transaction).await,
            Self::Postgres(database) => database.write(transaction).await,
        }
    }
}

//! Maps errors of PostgreSQL to what they mean for a transaction.

use sqlx::postgres::PgDatabaseError;

use crate::service::storage::error::StorageError;

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same may work a little later, on another connection: this one is lost, leads to a server
    /// that takes no writes, or another transaction is in the way.
    Passing(String),
    /// Trying again would not help.
    Final(StorageError),
}

impl Failure {
    pub(super) fn into_words(self) -> String {
        match self {
            Self::Passing(words) => words,
            Self::Final(error) => error.to_string(),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let words = error.to_string();
        match &error {
            sqlx::Error::Database(database) => {
                match database.try_downcast_ref::<PgDatabaseError>() {
                    Some(error) => of_code(error.code(), words),
                    None => Self::Final(StorageError::Damaged(words)),
                }
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                Self::Passing(words)
            }
            sqlx::Error::PoolTimedOut => Self::Final(StorageError::Unreachable(
                "PostgreSQL does not respond, or all connections are busy".to_owned(),
            )),
            sqlx::Error::PoolClosed => {
                Self::Final(StorageError::Unavailable("the catalog is closed".to_owned()))
            }
            _ => Self::Final(StorageError::Damaged(words)),
        }
    }
}

/// By SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_code(code: &str, words: String) -> Failure {
    match code {
        // The server shuts down, starts, or ends the session;
        // a transaction that waited for this client for too long.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03"
        // Serialization, deadlock, lock timeout, statement timeout; a row that this one refers to
        // is being deleted.
        | "40001" | "40P01" | "55P03" | "57014" | "23503" => Failure::Passing(words),
        // A standby, or a primary that was demoted.
        "25006" => Failure::Passing(format!("PostgreSQL is read-only: {words}")),
        "53100" => Failure::Final(StorageError::Full),
        "26000" | "42P05" => Failure::Final(StorageError::Unreachable(format!(
            "a connection pooler does not support prepared statements ({words}): use session \
             pooling, or PgBouncer 1.21 or newer with max_prepared_statements"
        ))),
        _ => match code.get(..2) {
            // Connection exceptions.
            Some("08") => Failure::Passing(words),
            // Too many connections, out of memory.
            Some("53") => Failure::Final(StorageError::Unreachable(words)),
            _ => Failure::Final(StorageError::Damaged(words)),
        },
    }
}

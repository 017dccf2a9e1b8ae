//! Why storage could not be read or written, and what follows from it.

use std::io;

/// A failure of the catalog. What a caller does next depends on whether something may have
/// been written, and on whether the disk can be trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    /// The disk is full. Nothing was written.
    #[error("no space left")]
    Full,
    /// Something is short for the moment: handles, memory, a lock. Nothing was written.
    #[error("not available for the moment: {0}")]
    Unavailable(String),
    /// A commit failed, and nobody knows whether it took place.
    #[error("the outcome of a commit is unknown: {0}")]
    OutcomeUnknown(String),
    /// A write or a sync failed: as `OutcomeUnknown`, and nothing is written until the catalog
    /// was reopened and checked.
    #[error("a write failed: {0}")]
    WriteFailed(String),
    /// What is stored cannot be read.
    #[error("damaged: {0}")]
    Damaged(String),
}

impl StorageError {
    /// Whether it is certain that the write did not take place.
    pub(super) fn is_undone(&self) -> bool {
        match self {
            Self::Full | Self::Unavailable(_) | Self::Damaged(_) => true,
            Self::OutcomeUnknown(_) | Self::WriteFailed(_) => false,
        }
    }

    /// As it is where it comes from a commit.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        let code = primary_code(&error);
        match error.into() {
            // The transaction is as it was, and is rolled back with its connection.
            Self::Unavailable(words) if matches!(code, Some(BUSY | LOCKED)) => {
                Self::Unavailable(words)
            }
            Self::Unavailable(words) | Self::Damaged(words) => Self::OutcomeUnknown(words),
            error => error,
        }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let words = error.to_string();
        match &error {
            sqlx::Error::Database(_) => match extended_code(&error) {
                Some(code) => of_sqlite(code, words),
                None => Self::Damaged(words),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(words),
            _ => Self::Damaged(words),
        }
    }
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;

/// SQLite's result code (<https://www.sqlite.org/rescode.html>).
fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    extended_code(error).map(|code| code & 0xff)
}

fn of_sqlite(code: u32, words: String) -> StorageError {
    const NOMEM: u32 = 7;
    const READONLY: u32 = 8;
    const INTERRUPT: u32 = 9;
    const IOERR: u32 = 10;
    const FULL: u32 = 13;
    const CANTOPEN: u32 = 14;
    const PROTOCOL: u32 = 15;
    // IOERR_WRITE, _FSYNC, _DIR_FSYNC, _TRUNCATE, _DELETE, _CLOSE.
    const FAILED_WRITES: [u32; 6] = [778, 1034, 1290, 1546, 2570, 4106];
    match code & 0xff {
        FULL => StorageError::Full,
        IOERR if FAILED_WRITES.contains(&code) => StorageError::WriteFailed(words),
        BUSY | LOCKED | NOMEM | READONLY | INTERRUPT | IOERR | CANTOPEN | PROTOCOL => {
            StorageError::Unavailable(words)
        }
        _ => StorageError::Damaged(words),
    }
}

/// Whether an operating system's error says that handles, memory or threads are short for the
/// moment: the same call may work later.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    // EMFILE and ENFILE have no kind of their own. POSIX systems agree on their numbers.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock)
        || (cfg!(unix) && error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)))
}

#[cfg(test)]
mod tests {
    use super::{StorageError, of_sqlite};

    #[test]
    fn only_a_failed_write_or_sync_stops_writing() {
        for code in 0..=10_000 {
            let error = of_sqlite(code, String::new());
            let stops = matches!(error, StorageError::WriteFailed(_));
            assert_eq!(stops, [778, 1034, 1290, 1546, 2570, 4106].contains(&code), "{code}");
        }
    }
}

//! Maps errors of SQLite to what they mean for the caller.

use crate::service::storage::error::StorageError;

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let words = error.to_string();
        match &error {
            sqlx::Error::Database(_) => match extended_code(&error) {
                Some(code) => of_code(code, words),
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

/// Maps an error of `COMMIT`.
pub(super) fn of_commit(error: sqlx::Error) -> StorageError {
    let code = extended_code(&error).map(|code| code & 0xff);
    match error.into() {
        // The transaction is unchanged, and is rolled back with its connection.
        StorageError::Unavailable(words) if matches!(code, Some(BUSY | LOCKED)) => {
            StorageError::Unavailable(words)
        }
        StorageError::Unavailable(words) | StorageError::Damaged(words) => {
            StorageError::OutcomeUnknown(words)
        }
        error => error,
    }
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;

/// SQLite's result code (<https://www.sqlite.org/rescode.html>).
fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn of_code(code: u32, words: String) -> StorageError {
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

#[cfg(test)]
mod tests {
    use super::{StorageError, of_code};

    #[test]
    fn only_a_failed_write_or_sync_stops_writing() {
        for code in 0..=10_000 {
            let error = of_code(code, String::new());
            let stops = matches!(error, StorageError::WriteFailed(_));
            assert_eq!(stops, [778, 1034, 1290, 1546, 2570, 4106].contains(&code), "{code}");
        }
    }
}

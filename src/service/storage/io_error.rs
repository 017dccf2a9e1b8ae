//! Maps failures of the operating system to what they mean for the caller.

use std::io;

use super::error::StorageError;

pub(super) fn of_io(error: &io::Error, words: String) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull => StorageError::Full,
        _ if is_shortage(error) => StorageError::Unavailable(words),
        _ => StorageError::BlobFailed(words),
    }
}

/// Whether an error of the operating system means that handles, memory or threads are temporarily
/// short, so that the same call may work later.
fn is_shortage(error: &io::Error) -> bool {
    // EMFILE and ENFILE have no `ErrorKind`. POSIX systems agree on their numbers.
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock)
        || (cfg!(unix) && error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)))
}

//! Maps failures of a folder's store to what they mean for the caller.

use std::io;

use crate::service::storage::{error::StorageError, io_error::of_io};

pub(super) fn of_folder(error: &object_store::Error) -> StorageError {
    let words = error.to_string();
    let mut causes =
        std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| {
            error.source()
        });
    match causes.find_map(|error| error.downcast_ref::<io::Error>()) {
        Some(error) => of_io(error, words),
        None => StorageError::BlobFailed(words),
    }
}

//! Temporary files without a name: they disappear with their last handle, even after a kill.

use std::{fs::File, io};

use crate::error::{Error, Result};

/// Creates a temporary file in the system's folder for them.
///
/// # Errors
/// [`Error::File`] with that folder, if it is full or cannot be written.
pub(crate) fn temporary_file() -> Result<File> {
    tempfile::tempfile().map_err(in_temporary_folder)
}

/// Adds the folder for temporary files to an I/O error, because these files have no path.
pub(crate) fn in_temporary_folder(source: io::Error) -> Error {
    Error::File { path: std::env::temp_dir(), source }
}

//! Temporary files without a name: gone with their last handle, even after a kill.

use std::{fs::File, io};

use crate::error::{Error, Result};

/// Makes one in the system's folder for them.
///
/// # Errors
/// [`Error::File`] with that folder, where it is full or cannot be written.
pub(crate) fn temporary_file() -> Result<File> {
    tempfile::tempfile().map_err(in_temporary_folder)
}

/// Puts the folder for temporary files to an I/O error: the files have no path of their own.
pub(crate) fn in_temporary_folder(source: io::Error) -> Error {
    Error::File { path: std::env::temp_dir(), source }
}

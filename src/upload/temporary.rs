//! Temporary files: without a name, gone with their last handle, even after a kill.

use std::{fs::File, io, io::Write, path::PathBuf};

use parquet::errors::ParquetError;

use crate::{
    client::SourceFile,
    error::{Error, Result},
};

/// Makes one in the system's folder for them.
///
/// # Errors
/// [`Error::File`] with that folder, where it is full or cannot be written.
pub(super) fn temporary_file() -> Result<File> {
    tempfile::tempfile().map_err(not_written)
}

/// What went wrong while a temporary file was written: a full disk, or what `otherwise` makes
/// of the words.
pub(super) fn while_writing(error: ParquetError, otherwise: impl FnOnce(String) -> Error) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(source) => not_written(*source),
            Err(cause) => otherwise(cause.to_string()),
        },
        ParquetError::General(message) | ParquetError::NYI(message) => otherwise(message),
        error => otherwise(error.to_string()),
    }
}

fn not_written(source: io::Error) -> Error {
    Error::File { path: std::env::temp_dir(), source }
}

/// A temporary file that is made of bytes as they come.
#[derive(Debug)]
pub struct Spool {
    label: PathBuf,
    file: File,
}

impl Spool {
    /// Begins a file; `label` stands for its path in messages.
    ///
    /// # Errors
    /// [`Error::File`] where the folder for temporary files is full.
    pub fn new(label: &str) -> Result<Self> {
        Ok(Self { label: label.into(), file: temporary_file()? })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`Error::File`] where the folder for temporary files is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(not_written)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`Error::File`] where its size cannot be read.
    pub fn finish(self) -> Result<SourceFile> {
        SourceFile::temporary(&self.label, self.file).map_err(not_written)
    }
}

//! Files that are written here before they are sent.

use std::{fs::File, io, io::Write, path::PathBuf};

use parquet::errors::ParquetError;

use crate::{
    client::SourceFile,
    error::{Error, Result},
    temporary_file::{in_temporary_folder, temporary_file},
};

/// What went wrong while a temporary file was written: a full disk, or what `otherwise` makes
/// of the words.
pub(super) fn while_writing(error: ParquetError, otherwise: impl FnOnce(String) -> Error) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(source) => in_temporary_folder(*source),
            Err(cause) => otherwise(cause.to_string()),
        },
        ParquetError::General(message) | ParquetError::NYI(message) => otherwise(message),
        error => otherwise(error.to_string()),
    }
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
        self.file.write_all(bytes).map_err(in_temporary_folder)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`Error::File`] where its size cannot be read.
    pub fn finish(self) -> Result<SourceFile> {
        SourceFile::temporary(&self.label, self.file).map_err(in_temporary_folder)
    }
}

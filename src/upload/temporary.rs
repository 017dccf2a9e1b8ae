//! Files that are written here before they are sent.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use parquet::errors::ParquetError;

use crate::{
    client::SourceFile,
    content_hash::ContentHasher,
    error::{Error, Result},
    temporary_file::{in_temporary_folder, temporary_file},
    wire::digest::Sha256Digest,
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

/// A temporary file whose content is hashed as it is written.
#[derive(Debug)]
pub(super) struct HashedFile {
    file: File,
    hasher: ContentHasher,
}

impl HashedFile {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { file: temporary_file()?, hasher: ContentHasher::default() })
    }

    /// The hash of what was written so far.
    pub(super) fn hash(&self) -> Sha256Digest {
        self.hasher.hash()
    }

    /// Ends the file; `label` stands for its path in messages.
    pub(super) fn into_source(self, label: &Path) -> Result<SourceFile> {
        let hash = self.hash();
        SourceFile::temporary(label, self.file, hash).map_err(in_temporary_folder)
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A temporary file that is made of bytes as they come.
#[derive(Debug)]
pub struct Spool {
    label: PathBuf,
    file: HashedFile,
}

impl Spool {
    /// Begins a file; `label` stands for its path in messages.
    ///
    /// # Errors
    /// [`Error::File`] where the folder for temporary files is full.
    pub fn new(label: &str) -> Result<Self> {
        Ok(Self { label: label.into(), file: HashedFile::new()? })
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
        self.file.into_source(&self.label)
    }
}

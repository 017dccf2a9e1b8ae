//! Temporary files that are written before they are sent.

use std::{
    fs::File,
    io::{self, Write},
};

use parquet::errors::ParquetError;

use crate::{
    content_hash::ContentHasher,
    error::{Error, Result},
    location::Location,
    source::{Content, Source},
    temporary_file::{in_temporary_folder, temporary_file},
    wire::digest::Sha256Digest,
    xxh3::Xxh3Hasher,
};

/// Maps an error that occurred while a temporary file was written: a full disk, for example, or
/// else the result of `otherwise`, which gets the message.
pub(super) fn while_writing(error: ParquetError, otherwise: impl FnOnce(String) -> Error) -> Error {
    match error {
        ParquetError::External(cause) => of_cause(cause, otherwise),
        ParquetError::General(message) | ParquetError::NYI(message) => otherwise(message),
        error => otherwise(error.to_string()),
    }
}

/// Errors of a source come through the parquet crate's readers, and those of the temporary file
/// through its writers. Any other I/O error is one of a codec.
fn of_cause(
    cause: Box<dyn std::error::Error + Send + Sync>,
    otherwise: impl FnOnce(String) -> Error,
) -> Error {
    match cause.downcast::<Error>() {
        Ok(error) => *error,
        Err(cause) => match cause.downcast::<io::Error>().map(|error| error.downcast::<Error>()) {
            Ok(Ok(error)) => error,
            Ok(Err(of_codec)) => otherwise(of_codec.to_string()),
            Err(cause) => otherwise(cause.to_string()),
        },
    }
}

/// A temporary file whose content is hashed as it is written.
#[derive(Debug)]
pub(super) struct HashedFile {
    file: File,
    sha256: ContentHasher,
    xxh3: Xxh3Hasher,
}

impl HashedFile {
    pub(super) fn new() -> Result<Self> {
        let file = temporary_file()?;
        Ok(Self { file, sha256: ContentHasher::default(), xxh3: Xxh3Hasher::default() })
    }

    /// The SHA-256 of the bytes written so far.
    pub(super) fn hash(&self) -> Sha256Digest {
        self.sha256.hash()
    }

    /// Finishes the file; `location` replaces its path in messages.
    pub(super) fn into_content(self, location: Location) -> Result<Content> {
        let (sha256, xxh3) = (self.hash(), self.xxh3.hash());
        Ok(Content::hashed(Source::temporary(location, self.file)?, sha256, xxh3))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes).map_err(|error| {
            // Distinguishes it from an error of a codec.
            io::Error::new(error.kind(), in_temporary_folder(error))
        })?;
        self.sha256.update(&bytes[..written]);
        self.xxh3.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A temporary file that collects bytes as they arrive.
#[derive(Debug)]
pub struct Spool {
    location: Location,
    file: HashedFile,
}

impl Spool {
    /// Creates a file; `label` replaces its path in messages.
    ///
    /// # Errors
    /// [`Error::File`] if the folder for temporary files is full.
    pub fn new(label: &str) -> Result<Self> {
        Ok(Self { location: Location::Label(label.into()), file: HashedFile::new()? })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`Error::File`] if the folder for temporary files is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| error.downcast::<Error>().unwrap_or_else(in_temporary_folder))
    }

    /// Finishes the file.
    ///
    /// # Errors
    /// [`Error::File`] if its size cannot be read.
    pub fn finish(self) -> Result<Content> {
        self.file.into_content(self.location)
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use parquet::errors::ParquetError;

    use super::while_writing;
    use crate::{error::Error, location::Location, temporary_file::in_temporary_folder};

    #[test]
    fn an_error_of_the_source_is_not_blamed_on_the_temporary_folder() {
        let changed = || {
            let location = Location::from(Path::new("a.parquet"));
            Error::FileChanged { location, change: "it shrank" }
        };
        let otherwise = |message| Error::Internal(message);
        for cause in [
            ParquetError::External(Box::new(changed())),
            ParquetError::from(io::Error::other(changed())),
        ] {
            let error = while_writing(cause, otherwise);
            assert!(matches!(error, Error::FileChanged { .. }), "{error:?}");
        }
        let full = in_temporary_folder(io::Error::from(io::ErrorKind::StorageFull));
        let full = ParquetError::from(io::Error::new(io::ErrorKind::StorageFull, full));
        assert!(matches!(while_writing(full, otherwise), Error::File { path, .. }
            if path == std::env::temp_dir()));
        for damaged in [
            ParquetError::General("damaged".to_owned()),
            ParquetError::from(io::Error::other("of a codec")),
        ] {
            assert!(matches!(while_writing(damaged, otherwise), Error::Internal(_)));
        }
    }
}

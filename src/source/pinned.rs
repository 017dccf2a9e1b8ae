//! Pinned sources of bytes.

use std::{fs::File, io, path::Path, sync::Arc};

use super::{
    local::LocalFile,
    remote::{RemoteFile, RemoteObject, RemoteReader, wait},
    temporary::TemporaryFile,
};
use crate::{
    error::{Error, Result},
    location::Location,
    read_at::{read_cached_at, read_exact_at},
};

/// A pinned source of bytes: what is sent is what was checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    location: Location,
    size: u64,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Local(Arc<LocalFile>),
    Temporary(TemporaryFile),
    Remote(Arc<RemoteFile>),
}

impl Source {
    /// Pins the file at `path`.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read or is not a regular file.
    pub fn pin(path: &Path) -> Result<Self> {
        let file = LocalFile::pin(path)?;
        Ok(Self {
            location: Location::from(path),
            size: file.size(),
            kind: Kind::Local(Arc::new(file)),
        })
    }

    /// Pins an object. May block.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub(crate) fn pin_remote(object: &RemoteObject) -> Result<Self> {
        let file = object.pin()?;
        let (location, size) = (object.location(), file.size());
        Ok(Self { location, size, kind: Kind::Remote(Arc::new(file)) })
    }

    /// Adopts a temporary file, which no other process can change.
    ///
    /// # Errors
    /// [`Error::File`] if its size cannot be read.
    pub(crate) fn temporary(location: Location, file: File) -> Result<Self> {
        let file = TemporaryFile::new(file);
        let size = file.size()?;
        Ok(Self { location, size, kind: Kind::Temporary(file) })
    }

    /// Its location.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether the other source certainly has the same bytes: it is the same file, pinned in the
    /// same state.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Local(left), Kind::Local(right)) => Arc::ptr_eq(left, right) || left == right,
            (Kind::Temporary(left), Kind::Temporary(right)) => left.is_same(right),
            (Kind::Remote(left), Kind::Remote(right)) => {
                Arc::ptr_eq(left, right) || left.is_same(right)
            }
            _ => false,
        }
    }

    /// Opens it for blocking reads.
    pub(super) fn open(&self) -> Result<OpenSource> {
        let open = match &self.kind {
            Kind::Local(file) => Open::File(file.open().map_err(|error| error.of(&self.location))?),
            Kind::Temporary(file) => Open::File(file.open()?),
            Kind::Remote(file) => Open::Remote(RemoteReader::new(Arc::clone(file))),
        };
        Ok(OpenSource { source: self.clone(), open })
    }

    /// Checks that it was not changed since it was pinned. May block.
    ///
    /// # Errors
    /// [`Error::FileChanged`] says what changed; a deleted file counts as changed.
    pub(super) fn verify(&self) -> Result<()> {
        match &self.kind {
            Kind::Local(file) => file.verify().map_err(|error| error.of(&self.location)),
            Kind::Temporary(_) => Ok(()),
            Kind::Remote(file) => {
                let (runtime, file) = (file.runtime().clone(), Arc::clone(file));
                wait(&runtime, async move { file.verify().await })?
            }
        }
    }

    /// Whether `verify` has nothing to check.
    pub(super) fn cannot_change(&self) -> bool {
        matches!(self.kind, Kind::Temporary(_))
    }

    /// The object, if it is one.
    pub(super) fn remote(&self) -> Option<&Arc<RemoteFile>> {
        match &self.kind {
            Kind::Remote(file) => Some(file),
            Kind::Local(_) | Kind::Temporary(_) => None,
        }
    }

    /// Frees its disk space: a temporary file can no longer be read.
    pub(super) fn release(&mut self) {
        if let Kind::Temporary(file) = &mut self.kind {
            file.release();
        }
    }

    /// Whether it can be read.
    pub(super) fn is_released(&self) -> bool {
        matches!(&self.kind, Kind::Temporary(file) if file.is_released())
    }

    fn changed(&self, change: &'static str) -> Error {
        Error::FileChanged { location: self.location.clone(), change }
    }
}

/// An open source.
#[derive(Clone, Debug)]
pub(super) struct OpenSource {
    source: Source,
    open: Open,
}

#[derive(Clone, Debug)]
enum Open {
    File(Arc<File>),
    Remote(RemoteReader),
}

impl OpenSource {
    pub(super) fn is_of(&self, source: &Source) -> bool {
        self.source.is_same(source)
    }

    /// Fills `bytes` from `offset`.
    pub(super) fn fill(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        let file = match &self.open {
            Open::File(file) => file,
            Open::Remote(file) => return file.fill(bytes, offset),
        };
        read_exact_at(file, bytes, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.source.changed("it shrank"),
            _ => Error::File { path: self.source.location().into(), source: error },
        })
    }

    /// Reads from the page cache, without waiting for a disk.
    pub(super) fn read_cached(&self, bytes: &mut [u8], offset: u64) -> usize {
        match &self.open {
            Open::File(file) => read_cached_at(file, bytes, offset),
            Open::Remote(_) => 0,
        }
    }
}

//! A file on this machine, pinned by its identity, so that what is sent is what was checked.

use std::{
    fs::{File, Metadata},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use bytes::Bytes;

use crate::{
    config::READ_BYTES,
    content_hash::ContentHasher,
    error::{Error, Result},
    read_at::{read_exact_at, read_range},
    regular_file::open_regular,
    wire::digest::Sha256Digest,
};

/// A regular file as it was when it was planned, or a temporary one of our own.
#[derive(Clone, Debug)]
pub struct SourceFile {
    path: PathBuf,
    identity: Identity,
    handle: Handle,
    /// Known when the whole content was read or written once; shared by all clones.
    hash: Arc<OnceLock<Sha256Digest>>,
}

#[derive(Clone, Debug)]
enum Handle {
    /// The file is opened by its path each time.
    ByPath,
    /// A temporary file has no name: it is gone with its last handle, even after a kill.
    Temporary(Arc<File>),
    /// A temporary file that is gone; its hash is known.
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: Option<SystemTime>,
    /// Device and inode, where the platform has them.
    inode: Option<(u64, u64)>,
}

impl SourceFile {
    /// Pins the file at `path`.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read or is no regular file.
    pub fn pin(path: &Path) -> Result<Self> {
        // Looked at before it is opened: opening a pipe would block.
        let metadata = std::fs::metadata(path).map_err(Error::in_file(path))?;
        if !metadata.is_file() {
            return Err(Error::in_file(path)(io::Error::other("is not a regular file")));
        }
        let identity = Identity::of(&metadata);
        Ok(Self { path: path.to_owned(), identity, handle: Handle::ByPath, hash: Arc::default() })
    }

    /// Takes a temporary file with its hash; nobody else can change it. `label` stands for its
    /// path in messages.
    ///
    /// # Errors
    /// Where its size cannot be read.
    pub(crate) fn temporary(label: &Path, file: File, hash: Sha256Digest) -> io::Result<Self> {
        let identity = Identity::of(&file.metadata()?);
        let hash = Arc::new(OnceLock::from(hash));
        Ok(Self {
            path: label.to_owned(),
            identity,
            handle: Handle::Temporary(Arc::new(file)),
            hash,
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.identity.size
    }

    /// The hash of the content, where it is known.
    pub(crate) fn known_hash(&self) -> Option<Sha256Digest> {
        self.hash.get().copied()
    }

    /// Keeps the hash of the content, which was read from start to end.
    pub(crate) fn has_hash(&self, hash: Sha256Digest) {
        // Whoever came first had the same bytes.
        let _ = self.hash.set(hash);
    }

    /// Hashes the content where that was not done before. `read` is called with the number of
    /// bytes after each piece; its error ends the work.
    ///
    /// # Errors
    /// As of [`SourceFile::open`], and those of `read`.
    pub(crate) fn read_hash(
        &self,
        mut read: impl FnMut(usize) -> Result<()>,
    ) -> Result<Sha256Digest> {
        if let Some(hash) = self.known_hash() {
            return Ok(hash);
        }
        let file = self.open()?;
        let mut hasher = ContentHasher::default();
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        while offset < self.size() {
            let left = usize::try_from(self.size() - offset).unwrap_or(usize::MAX);
            let piece = &mut buffer[..left.min(READ_BYTES)];
            self.read_at(&file, piece, offset)?;
            hasher.update(piece);
            offset += piece.len() as u64;
            read(piece.len())?;
        }
        self.verify()?;
        self.has_hash(hasher.hash());
        Ok(hasher.hash())
    }

    /// The same file; a temporary one cannot be read any more, but its hash is known.
    pub(crate) fn released(self) -> Self {
        let handle = match self.handle {
            Handle::ByPath => Handle::ByPath,
            Handle::Temporary(_) | Handle::Gone => Handle::Gone,
        };
        Self { handle, ..self }
    }

    /// Whether there is something to read.
    pub(crate) fn is_released(&self) -> bool {
        matches!(self.handle, Handle::Gone)
    }

    /// Opens the pinned file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::FileChanged`] where another file stands there now.
    pub fn open(&self) -> Result<Arc<File>> {
        if let Handle::Temporary(file) = &self.handle {
            return Ok(Arc::clone(file));
        }
        let (file, metadata) = open_regular(&self.path).map_err(Error::in_file(&self.path))?;
        self.compare(&metadata)?;
        Ok(Arc::new(file))
    }

    /// Looks whether the file at the path is still the pinned one.
    ///
    /// # Errors
    /// [`Error::FileChanged`] says what changed; a deleted file has changed, too.
    pub fn verify(&self) -> Result<()> {
        if !matches!(self.handle, Handle::ByPath) {
            return Ok(());
        }
        match std::fs::metadata(&self.path) {
            Ok(metadata) => self.compare(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.changed("it was deleted"))
            }
            Err(error) => Err(Error::in_file(&self.path)(error)),
        }
    }

    /// Fills `bytes` from `offset` on.
    pub(crate) fn read_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> Result<()> {
        read_exact_at(file, bytes, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.changed("it shrank"),
            _ => Error::in_file(&self.path)(error),
        })
    }

    /// A range of its bytes.
    pub(crate) fn read_range(&self, file: &File, range: Range<u64>) -> Result<Bytes> {
        read_range(file, range).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.changed("it shrank"),
            _ => Error::in_file(&self.path)(error),
        })
    }

    fn compare(&self, metadata: &Metadata) -> Result<()> {
        let (pinned, now) = (&self.identity, Identity::of(metadata));
        if pinned.inode != now.inode {
            Err(self.changed("it was replaced"))
        } else if now.size > pinned.size {
            Err(self.changed("it grew"))
        } else if now.size < pinned.size {
            Err(self.changed("it shrank"))
        } else if pinned.modified != now.modified {
            Err(self.changed("it was written to"))
        } else {
            Ok(())
        }
    }

    fn changed(&self, change: &'static str) -> Error {
        Error::FileChanged { path: self.path.clone(), change }
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            Some((metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let inode = None;
        Self { size: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::SourceFile;

    #[test]
    fn every_change_of_a_pinned_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let pin = || {
            fs::write(&path, b"12345").unwrap();
            SourceFile::pin(&path).unwrap()
        };
        let change_of = |source: &SourceFile| source.verify().unwrap_err().to_string();

        let source = pin();
        assert!(source.verify().is_ok());
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"6").unwrap();
        assert!(change_of(&source).contains("it grew"));
        assert!(source.open().is_err());

        let source = pin();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(2).unwrap();
        assert!(change_of(&source).contains("it shrank"));

        let source = pin();
        let other = folder.path().join("b");
        fs::write(&other, b"12345").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(change_of(&source).contains("it was replaced"));

        let source = pin();
        fs::remove_file(&path).unwrap();
        assert!(change_of(&source).contains("it was deleted"));
    }

    #[test]
    fn a_folder_and_a_missing_file_cannot_be_pinned() {
        let folder = tempfile::tempdir().unwrap();
        assert!(SourceFile::pin(folder.path()).unwrap_err().to_string().contains("regular file"));
        assert!(SourceFile::pin(&folder.path().join("none")).is_err());
    }
}

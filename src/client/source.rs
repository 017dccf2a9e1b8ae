//! A file on this machine, pinned by its identity, so that what is sent is what was checked.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    error::{Error, Result},
    read_at::read_exact_at,
    regular_file::open_regular,
};

/// A regular file as it was when it was planned, or a temporary one of our own.
#[derive(Clone, Debug)]
pub struct SourceFile {
    path: PathBuf,
    identity: Identity,
    /// A temporary file has no name: it is gone with its last handle, even after a kill.
    temporary: Option<Arc<File>>,
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
        let metadata = std::fs::metadata(path).map_err(in_file(path))?;
        if !metadata.is_file() {
            return Err(in_file(path)(io::Error::other("is not a regular file")));
        }
        let identity = Identity::of(&metadata);
        Ok(Self { path: path.to_owned(), identity, temporary: None })
    }

    /// Takes a temporary file, which nobody else can change. `label` stands for its path in
    /// messages.
    ///
    /// # Errors
    /// Where its size cannot be read.
    pub(crate) fn temporary(label: &Path, file: File) -> io::Result<Self> {
        let identity = Identity::of(&file.metadata()?);
        Ok(Self { path: label.to_owned(), identity, temporary: Some(Arc::new(file)) })
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

    /// Opens the pinned file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::FileChanged`] where another file stands there now.
    pub fn open(&self) -> Result<Arc<File>> {
        if let Some(file) = &self.temporary {
            return Ok(Arc::clone(file));
        }
        let (file, metadata) = open_regular(&self.path).map_err(in_file(&self.path))?;
        self.compare(&metadata)?;
        Ok(Arc::new(file))
    }

    /// Looks whether the file at the path is still the pinned one.
    ///
    /// # Errors
    /// [`Error::FileChanged`] says what changed; a deleted file has changed, too.
    pub fn verify(&self) -> Result<()> {
        if self.temporary.is_some() {
            return Ok(());
        }
        match std::fs::metadata(&self.path) {
            Ok(metadata) => self.compare(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.changed("it was deleted"))
            }
            Err(error) => Err(in_file(&self.path)(error)),
        }
    }

    /// Fills `bytes` from `offset` on.
    pub(crate) fn read_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> Result<()> {
        read_exact_at(file, bytes, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.changed("it shrank"),
            _ => in_file(&self.path)(error),
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

/// Puts the path to an I/O error.
pub(crate) fn in_file(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::File { path: path.to_owned(), source }
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

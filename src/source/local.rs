//! Local files, pinned by their identity.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    error::{Error, Result},
    location::Location,
    regular_file::open_regular,
};

/// A regular file in the state in which it was pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalFile {
    path: PathBuf,
    identity: Identity,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: Option<SystemTime>,
    /// Device and inode, if the platform has them.
    inode: Option<(u64, u64)>,
}

/// Why a pinned file cannot be read.
pub(super) enum NotAsPinned {
    /// It was changed: "it grew", "it was replaced", …
    Changed(&'static str),
    System(io::Error),
}

impl NotAsPinned {
    pub(super) fn of(self, location: &Location) -> Error {
        match self {
            Self::Changed(change) => Error::FileChanged { location: location.clone(), change },
            Self::System(source) => Error::File { path: location.into(), source },
        }
    }
}

impl LocalFile {
    pub(super) fn pin(path: &Path) -> Result<Self> {
        // Checked before it is opened, because opening a pipe would block.
        let metadata = std::fs::metadata(path).map_err(Error::in_file(path))?;
        if !metadata.is_file() {
            return Err(Error::in_file(path)(io::Error::other("is not a regular file")));
        }
        Ok(Self { path: path.to_owned(), identity: Identity::of(&metadata) })
    }

    pub(super) fn size(&self) -> u64 {
        self.identity.size
    }

    /// Opens the file if it is still the one that was pinned.
    pub(super) fn open(&self) -> Result<Arc<File>, NotAsPinned> {
        let (file, metadata) = open_regular(&self.path).map_err(NotAsPinned::System)?;
        self.compare(&metadata)?;
        Ok(Arc::new(file))
    }

    /// Checks that the file at the path is still the one that was pinned.
    pub(super) fn verify(&self) -> Result<(), NotAsPinned> {
        match std::fs::metadata(&self.path) {
            Ok(metadata) => self.compare(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(NotAsPinned::Changed("it was deleted"))
            }
            Err(error) => Err(NotAsPinned::System(error)),
        }
    }

    fn compare(&self, metadata: &Metadata) -> Result<(), NotAsPinned> {
        let (pinned, now) = (&self.identity, Identity::of(metadata));
        let change = if pinned.inode != now.inode {
            "it was replaced"
        } else if now.size > pinned.size {
            "it grew"
        } else if now.size < pinned.size {
            "it shrank"
        } else if pinned.modified != now.modified {
            "it was written to"
        } else {
            return Ok(());
        };
        Err(NotAsPinned::Changed(change))
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

    use crate::source::Source;

    #[test]
    fn every_change_of_a_pinned_file_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let pin = || {
            fs::write(&path, b"12345").unwrap();
            Source::pin(&path).unwrap()
        };
        let change_of = |source: &Source| Source::verify([source]).unwrap_err().to_string();

        let source = pin();
        assert!(Source::verify([&source]).is_ok());
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"6").unwrap();
        assert!(change_of(&source).contains("it grew"));
        assert!(source.open().map(drop).unwrap_err().to_string().contains("it grew"));

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
        let refusal = |path| Source::pin(path).unwrap_err().to_string();
        assert!(refusal(folder.path()).contains("regular file"));
        assert!(refusal(&folder.path().join("none")).contains("No such file"));
    }
}

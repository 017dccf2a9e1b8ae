//! Where a file is, for messages.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where the bytes of a file come from. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A path on this machine.
    Path(Arc<Path>),
    /// A label for something without a path, such as a frame.
    Label(Arc<str>),
}

impl Location {
    /// The path, if it is a local one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Label(_) => None,
        }
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Path(path.into())
    }
}

impl From<&Location> for PathBuf {
    fn from(location: &Location) -> Self {
        match location {
            Location::Path(path) => path.to_path_buf(),
            Location::Label(label) => Self::from(&**label),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Label(label) => f.write_str(label),
        }
    }
}

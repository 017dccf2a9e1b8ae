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
    /// The URL of an object, or of a file on the web, without secrets.
    Url(Arc<str>),
    /// A label for something without a path, such as a frame.
    Label(Arc<str>),
}

impl Location {
    /// The path, if it is a local one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Url(_) | Self::Label(_) => None,
        }
    }

    /// Whether it is that of a file, here or elsewhere.
    #[must_use]
    pub fn is_of_file(&self) -> bool {
        !matches!(self, Self::Label(_))
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
            Location::Url(text) | Location::Label(text) => Self::from(&**text),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Url(text) | Self::Label(text) => f.write_str(text),
        }
    }
}

//! What is wrong with single files of a batch.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::sources::why_missing;
use crate::error::{Error, without_number};

/// One file that cannot be uploaded, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether the file was read and is no acceptable parquet file.
    pub is_invalid_parquet: bool,
    /// Whether it is the file's name that cannot be used.
    pub is_about_name: bool,
    /// Further files that have the same problem.
    pub more_files: usize,
}

impl Problem {
    pub(super) fn new(path: &Path, message: impl Into<String>) -> Self {
        let (path, message) = (path.to_owned(), message.into());
        Self { path, message, is_invalid_parquet: false, is_about_name: false, more_files: 0 }
    }

    pub(super) fn of_name(path: &Path, message: impl Into<String>) -> Self {
        Self { is_about_name: true, ..Self::new(path, message) }
    }

    /// A file that was named and cannot be opened, with the likely cause.
    pub(super) fn missing(path: &Path, error: &Error) -> Self {
        let mut problem = Self::unreadable(path, error);
        problem.message += &why_missing(path).unwrap_or_default();
        problem
    }

    pub(super) fn invalid(path: &Path, message: &str) -> Self {
        Self { is_invalid_parquet: true, ..Self::new(path, message) }
    }

    /// A file that could not be read; the path stands in front of the message already.
    pub(super) fn unreadable(path: &Path, error: &Error) -> Self {
        match error {
            Error::File { source, .. } => Self::new(path, without_number(&source.to_string())),
            other => Self::new(path, other.to_string()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more_files {
            0 => write!(f, "{}: {}", self.path.display(), self.message),
            more => write!(f, "{} and {more} more: {}", self.path.display(), self.message),
        }
    }
}

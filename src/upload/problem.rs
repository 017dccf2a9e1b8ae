//! What is wrong with single files of a batch.

use std::fmt;

use super::sources::why_missing;
use crate::{
    error::{Error, without_number},
    hint::{Message, NEUTRAL, Words},
    location::Location,
};

/// One file that cannot be uploaded, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub location: Location,
    /// What is wrong and what to do.
    pub message: Message,
    /// The file was read and is not a valid Parquet file.
    pub is_invalid_parquet: bool,
    /// The problem is the file's name.
    pub is_about_name: bool,
    /// The number of other files with the same problem.
    pub more_files: usize,
}

impl Problem {
    pub(super) fn new(location: &Location, message: impl Into<Message>) -> Self {
        let (location, message) = (location.clone(), message.into());
        Self { location, message, is_invalid_parquet: false, is_about_name: false, more_files: 0 }
    }

    pub(super) fn of_name(location: &Location, message: impl Into<Message>) -> Self {
        Self { is_about_name: true, ..Self::new(location, message) }
    }

    /// A file that the caller named and that cannot be opened, with the likely cause.
    pub(super) fn missing(location: &Location, error: &Error) -> Self {
        let problem = Self::unreadable(location, error);
        Self { message: problem.message.and(location.path().and_then(why_missing)), ..problem }
    }

    pub(super) fn invalid(location: &Location, message: impl Into<Message>) -> Self {
        Self { is_invalid_parquet: true, ..Self::new(location, message) }
    }

    /// A file that could not be read. The message already begins with its location.
    pub(super) fn unreadable(location: &Location, error: &Error) -> Self {
        match error {
            Error::File { source, .. } => Self::new(location, without_number(&source.to_string())),
            other => Self::new(location, other.to_string()),
        }
    }
}

impl Problem {
    /// The message, with hints worded by `words`.
    #[must_use]
    pub fn in_words(&self, words: Words<'_>) -> String {
        let (location, message) = (&self.location, self.message.in_words(words));
        match self.more_files {
            0 => format!("{location}: {message}"),
            more => format!("{location} and {more} more: {message}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(NEUTRAL))
    }
}

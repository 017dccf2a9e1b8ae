//! What can go wrong, with the facts as fields.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::location::Location;

/// A result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can fail below the check of an upload.
///
/// No variant holds the API key, and none shows an answer's raw HTML. What is displayed has a
/// bound; the facts are in the fields, in full.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument or setting cannot be used.
    Configuration(String),

    /// The embedded service of another process has the folder.
    FolderInUse {
        /// The folder of the service.
        folder: PathBuf,
        /// Who has it, in words.
        holder: String,
    },

    /// The key is missing, wrong, or not allowed to do this (401, 403).
    Authentication {
        /// Host and port that answered.
        host: String,
        /// 401 or 403.
        status: u16,
        /// The service's words.
        message: String,
    },

    /// The dataset does not exist, or this key cannot see it (404).
    DatasetNotFound {
        /// The id that was asked for.
        dataset_id: String,
        /// The service's words.
        message: String,
    },

    /// Names of the batch are taken in the dataset, and not by an earlier run of this batch.
    NamesTaken {
        /// The dataset.
        dataset_id: String,
        /// The names that are taken.
        names: Vec<String>,
        /// What does not fit and what to do, in words that complete "already holds …".
        reason: String,
    },

    /// The service refused a file because the dataset has one of its name (409, or words that say
    /// so).
    NameTaken {
        /// The file.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The service's words.
        message: String,
    },

    /// The service refused for good (4xx, or a 2xx with `{"error"}`): sending again is no use.
    Refused {
        /// The file, where the refusal is about one.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The service's words.
        message: String,
    },

    /// The service is overloaded or broken (408, 425, 429, 5xx): trying again later may help.
    Unavailable {
        /// The file, where the request was about one.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The service's words.
        message: String,
        /// What the service asked for in `Retry-After`.
        retry_after: Option<Duration>,
    },

    /// Something between here and the service refused (4xx in other words than the API's):
    /// sending again is no use.
    Intermediary {
        /// Host and port that answered.
        host: String,
        /// The file, where the request was about one.
        file_name: Option<String>,
        /// Its size, for an upload.
        size_bytes: Option<u64>,
        /// The HTTP status.
        status: u16,
    },

    /// No connection, or it broke.
    Connection {
        /// Host and port.
        host: String,
        /// The file, where the request was about one.
        file_name: Option<String>,
        /// What happened, down to the root cause.
        message: String,
    },

    /// The service's certificate cannot be trusted: nothing was sent.
    Certificate {
        /// Host and port.
        host: String,
        /// What is wrong with it, and what to do.
        message: String,
    },

    /// Nothing moved, or no answer came, for too long.
    Timeout {
        /// Host and port.
        host: String,
        /// The file, where the request was about one.
        file_name: Option<String>,
        /// "did not answer", "took no bytes".
        what: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },

    /// The answer is not what the dataset API answers.
    NotTheApi {
        /// Host and port.
        host: String,
        /// What was seen instead.
        message: String,
    },

    /// The outcome of the one upload in doubt could not be learned.
    OutcomeUnknown {
        /// The file in doubt.
        file_name: String,
        /// Why it could not be learned.
        message: String,
    },

    /// The dataset changed under the upload, and not by it.
    ForeignWriter {
        /// The dataset.
        dataset_id: String,
        /// What was expected and what was found.
        message: String,
    },

    /// A file on this machine cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// Files on this machine that a download would replace.
    OtherContent {
        /// The files, which are as they were.
        paths: Vec<PathBuf>,
    },

    /// A frame cannot be made into a parquet file.
    Frame {
        /// Which frame.
        label: String,
        /// The column that is at fault, where one is.
        column: Option<Box<FrameColumn>>,
        /// What is wrong.
        message: String,
    },

    /// A file cannot be rewritten to what the upload needs.
    Rewrite {
        /// The file, which is as it was.
        location: Location,
        /// What is wrong.
        message: String,
    },

    /// A file of a dataset was downloaded and cannot be decoded.
    Decode {
        /// The dataset.
        dataset_id: String,
        /// The file's name in it.
        file_name: String,
        /// What is wrong.
        message: String,
    },

    /// A source file is not the one that was checked any more.
    FileChanged {
        /// The file.
        location: Location,
        /// "it grew", "it was replaced", …
        change: &'static str,
    },

    /// A defect of this package.
    Internal(String),
}

/// A column of a frame, or a field inside of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameColumn {
    /// Its path, e.g. `person.address.zip`; a list's element is `tags.element`.
    pub path: String,
    /// Its Arrow type in words.
    pub data_type: String,
}

/// What an operating system's error says, without the number that Rust puts behind it.
pub(crate) fn without_number(message: &str) -> &str {
    message.rsplit_once(" (os error ").map_or(message, |(words, _number)| words)
}

impl Error {
    /// Adds the path to what the operating system says of a file.
    pub(crate) fn in_file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::File { path: path.to_owned(), source }
    }

    /// Where the operating system has refused a thread.
    #[must_use]
    pub fn no_more_threads(source: &io::Error) -> Self {
        Self::Configuration(format!(
            "the operating system starts no more threads for this process ({}): raise the limit of \
             processes and threads (ulimit -u, or the pids limit of the container)",
            without_number(&source.to_string())
        ))
    }
}

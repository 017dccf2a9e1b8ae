//! What can go wrong, with the facts as fields.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{hint::Message, location::Location};

/// A result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can fail below the check of an upload.
///
/// No variant contains the API key or the raw HTML of a response. Messages have a maximum length;
/// the fields hold all details.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument or setting cannot be used.
    Configuration(Message),

    /// The embedded server of another process uses the folder.
    FolderInUse {
        /// The folder of the server.
        folder: PathBuf,
        /// A description of the process that uses it.
        holder: String,
    },

    /// The key is missing, wrong, or not allowed to do this (401, 403).
    Authentication {
        /// Host and port of the server.
        host: String,
        /// 401 or 403.
        status: u16,
        /// The server's message.
        message: String,
    },

    /// The dataset does not exist, or this key cannot see it (404).
    DatasetNotFound {
        /// The requested id.
        dataset_id: String,
        /// The server's message.
        message: String,
    },

    /// The dataset does not list a file of this name.
    NoSuchFile {
        /// The dataset.
        dataset_id: String,
        /// The name that was requested.
        file_name: String,
    },

    /// The dataset contains names of the batch that no earlier run of this batch sent.
    NamesTaken {
        /// The dataset.
        dataset_id: String,
        /// The names that are in use.
        names: Vec<String>,
        /// Why they are not those of an earlier run.
        reason: TakenReason,
    },

    /// The server rejected a file because the dataset already has this name (409, or a message that
    /// says so).
    NameTaken {
        /// The file.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The server's message.
        message: String,
    },

    /// The server rejected the request permanently (4xx, or a 2xx with `{"error"}`); a retry would
    /// fail again.
    Refused {
        /// The file, if the rejection concerns one.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The server's message.
        message: String,
    },

    /// The server is overloaded or broken (408, 425, 429, 5xx); a later retry may help.
    Unavailable {
        /// The file, if the request concerns one.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The server's message.
        message: String,
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },

    /// Something between this machine and the server rejected the request (4xx without the API's
    /// JSON); a retry would fail again.
    Intermediary {
        /// Host and port of the server.
        host: String,
        /// The file, if the request concerns one.
        file_name: Option<String>,
        /// The size of the file, for an upload.
        size_bytes: Option<u64>,
        /// The HTTP status.
        status: u16,
    },

    /// The connection failed or broke.
    Connection {
        /// Host and port.
        host: String,
        /// The file, if the request concerns one.
        file_name: Option<String>,
        /// The chain of causes.
        message: String,
    },

    /// The server's certificate cannot be trusted; nothing was sent.
    Certificate {
        /// Host and port.
        host: String,
        /// What is wrong with the certificate, and what to do.
        message: String,
    },

    /// No progress, or no response, for too long.
    Timeout {
        /// Host and port.
        host: String,
        /// The file, if the request concerns one.
        file_name: Option<String>,
        /// "did not respond", "accepted no bytes".
        what: &'static str,
        /// How long the client waited.
        waited: Duration,
    },

    /// The response is not one of the dataset API.
    NotTheApi {
        /// Host and port.
        host: String,
        /// What the response was instead.
        message: String,
    },

    /// The outcome of the one file in doubt is unknown.
    OutcomeUnknown {
        /// The file in doubt.
        file_name: String,
        /// Why it is unknown.
        message: String,
    },

    /// The dataset changed during the upload, but not because of it.
    ForeignWriter {
        /// The dataset.
        dataset_id: String,
        /// What was expected and what was found.
        message: Message,
    },

    /// Files that are committed together were not committed, because the dataset has other files
    /// than expected.
    NotCommitted {
        /// The dataset.
        dataset_id: String,
        /// What was expected and what was found.
        message: String,
    },

    /// A file on this machine cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// Files with other content on this machine, which a download would replace.
    OtherContent {
        /// The files, unchanged.
        paths: Vec<PathBuf>,
    },

    /// A frame cannot be written as a Parquet file.
    Frame {
        /// Which frame.
        label: String,
        /// The column that caused it, if one did.
        column: Option<Box<FrameColumn>>,
        /// What is wrong.
        message: String,
    },

    /// A file cannot be rewritten for the upload.
    Rewrite {
        /// The file, unchanged.
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

    /// A source file changed after it was checked.
    FileChanged {
        /// The file.
        location: Location,
        /// "it grew", "it was replaced", …
        change: &'static str,
    },

    /// A bug in this package.
    Internal(String),
}

/// Why a dataset's files cannot come from an earlier run of an upload that has their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenReason {
    /// They have other content.
    OtherContent,
    /// They would be new files.
    InUse,
    /// The dataset does not end with the first files of the upload, in order.
    OtherPlace,
    /// The dataset continues with another file than the upload.
    OtherFile {
        /// The name of the dataset's file.
        found: String,
        /// The name of the upload's file.
        expected: String,
    },
}

/// A column of a frame, or a field inside one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameColumn {
    /// Its path, e.g. `person.address.zip`; a list's element is `tags.element`.
    pub path: String,
    /// A description of its Arrow type.
    pub data_type: String,
}

/// An operating system's error message, without the number that Rust appends.
pub(crate) fn without_number(message: &str) -> &str {
    message.rsplit_once(" (os error ").map_or(message, |(words, _number)| words)
}

impl Error {
    pub(crate) fn configuration(message: impl Into<Message>) -> Self {
        Self::Configuration(message.into())
    }

    /// Adds the path to an operating system's error.
    pub(crate) fn in_file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::File { path: path.to_owned(), source }
    }

    /// The error if the operating system does not start a new thread.
    #[must_use]
    pub fn no_more_threads(source: &io::Error) -> Self {
        Self::configuration(format!(
            "the operating system does not start more threads for this process ({}): raise the \
             limit of processes and threads (ulimit -u, or the pids limit of the container)",
            without_number(&source.to_string())
        ))
    }
}

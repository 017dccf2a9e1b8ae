//! What can go wrong between this machine and the API, with what a person needs to act on.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// A result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can fail below the check of an upload.
///
/// No variant holds the API key, and none shows an answer's raw HTML.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument or setting cannot be used.
    #[error("{0}")]
    Configuration(String),

    /// The key is missing, wrong, or not allowed to do this (401, 403).
    #[error(
        "the service at {host} does not {} (HTTP {status}): {message}",
        if *.status == 403 { "allow this" } else { "accept the API key" }
    )]
    Authentication {
        /// Host and port that answered.
        host: String,
        /// 401 or 403.
        status: u16,
        /// The service's words.
        message: String,
    },

    /// The dataset does not exist, or this key cannot see it (404).
    #[error("{}", no_dataset(.dataset_id, .message))]
    DatasetNotFound {
        /// The id that was asked for.
        dataset_id: String,
        /// The service's words.
        message: String,
    },

    /// Names of the batch are taken in the dataset, and not by an earlier run of this batch.
    #[error(
        "the dataset {dataset_id} already holds {}, but not as the end of an earlier run of this \
         upload: {}. Upload into another dataset, or leave these files out",
        .names.join(", "), .reason
    )]
    NamesTaken {
        /// The dataset.
        dataset_id: String,
        /// The names that are taken.
        names: Vec<String>,
        /// What does not fit, in words.
        reason: String,
    },

    /// The service refused for good (4xx, or a 2xx with `{"error"}`): sending again is no use.
    #[error("the service refused{} (HTTP {status}): {message}", in_file(.file_name.as_deref()))]
    Refused {
        /// The file, where the refusal is about one.
        file_name: Option<String>,
        /// The HTTP status.
        status: u16,
        /// The service's words.
        message: String,
    },

    /// The service is overloaded or broken (408, 425, 429, 5xx): trying again later may help.
    #[error("the service failed{} (HTTP {status}): {message}", in_file(.file_name.as_deref()))]
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

    /// No connection, or it broke.
    #[error("cannot reach {host}{}: {message}", in_file(.file_name.as_deref()))]
    Connection {
        /// Host and port.
        host: String,
        /// The file, where the request was about one.
        file_name: Option<String>,
        /// What happened, down to the root cause.
        message: String,
    },

    /// The service's certificate cannot be trusted: nothing was sent.
    #[error(
        "the certificate of {host} cannot be trusted: {message}. Behind a company's proxy, install \
         its certificate on this machine, or set SUTRO_CA_BUNDLE to a file that holds it"
    )]
    Certificate {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        message: String,
    },

    /// Nothing moved, or no answer came, for too long.
    #[error("{host} {what}{} for {} s", in_file(.file_name.as_deref()), .waited.as_secs())]
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
    #[error("{host} does not answer like the dataset API: {message}. Is the API URL right?")]
    NotTheApi {
        /// Host and port.
        host: String,
        /// What was seen instead.
        message: String,
    },

    /// The outcome of the one upload in doubt could not be learned.
    #[error(
        "outcome unknown for {file_name}: {message}. Run the same upload again: it finds out, \
         and continues"
    )]
    OutcomeUnknown {
        /// The file in doubt.
        file_name: String,
        /// Why it could not be learned.
        message: String,
    },

    /// The dataset changed under the upload, and not by it.
    #[error(
        "the dataset {dataset_id} does not hold what this upload has put there: {message}. Does \
         someone else write into it?"
    )]
    ForeignWriter {
        /// The dataset.
        dataset_id: String,
        /// What was expected and what was found.
        message: String,
    },

    /// A file on this machine cannot be read or written.
    #[error("{}: {}{}", .path.display(), without_number(&.source.to_string()), hint_at(.path))]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// A frame cannot be made into a parquet file.
    #[error("{label}: {message}")]
    Frame {
        /// Which frame.
        label: String,
        /// The column that is at fault, where one is.
        column: Option<Box<FrameColumn>>,
        /// What is wrong.
        message: String,
    },

    /// A file cannot be rewritten to what the upload needs.
    #[error("{} cannot be rewritten: {message}", .path.display())]
    Rewrite {
        /// The file, which is as it was.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },

    /// A file of a dataset was downloaded and cannot be decoded.
    #[error("{file_name} of the dataset {dataset_id} cannot be decoded: {message}")]
    Decode {
        /// The dataset.
        dataset_id: String,
        /// The file's name in it.
        file_name: String,
        /// What is wrong.
        message: String,
    },

    /// A source file is not the one that was checked any more.
    #[error("{} changed while it was uploaded: {change}", .path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
        /// "it grew", "it was replaced", …
        change: &'static str,
    },

    /// A defect of this package.
    #[error("internal error: {0}. Please report it")]
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

fn hint_at(path: &Path) -> &'static str {
    if path == std::env::temp_dir() {
        ". It is the folder for temporary files; TMPDIR names another one"
    } else {
        ""
    }
}

fn no_dataset(dataset_id: &str, message: &str) -> String {
    if message.contains(dataset_id) {
        message.to_owned()
    } else {
        format!("no dataset {dataset_id}: {message}")
    }
}

fn in_file(file_name: Option<&str>) -> String {
    file_name.map_or_else(String::new, |name| format!(" at {name}"))
}

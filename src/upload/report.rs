//! What an upload has done.

use std::time::SystemTime;

use crate::{hint::Message, location::Location};

/// What became of a batch, file by file.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadReport {
    /// The dataset that holds the files; empty while none was created.
    pub dataset_id: String,
    /// All files of the plan, in order.
    pub files: Vec<UploadedFile>,
    /// Bytes of the files that this run has committed.
    pub bytes: u64,
    /// Bytes that connections have taken, of all files of this run: of one that broke off, more
    /// than it has committed.
    pub bytes_sent: u64,
    /// Duration of the run.
    pub seconds: f64,
    /// The largest number of files in transfer at the same time. It is lower than the requested
    /// number if the server serves fewer connections.
    pub concurrency: usize,
    /// Entries of the sources that were not uploaded, and other things to know.
    pub notes: Vec<Message>,
}

/// One file of an [`UploadReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// Place in the plan, from 0.
    pub position: usize,
    /// Name in the dataset.
    pub name: String,
    /// The files that it is made of, in order. Frames are not among them.
    pub sources: Vec<Location>,
    /// The server's id, if it reports one.
    pub file_id: Option<String>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Rows, out of the footer.
    pub row_count: u64,
    /// What became of it.
    pub status: FileStatus,
    /// What was changed of it on the way; the source file stays as it was.
    pub changes: Vec<Change>,
    /// Requests that were opened for it.
    pub attempts: u32,
    /// When its last request was opened.
    pub started: Option<SystemTime>,
    /// When all but its tail was sent: from then on it waited for its turn.
    pub transferred: Option<SystemTime>,
    /// When the service had confirmed it.
    pub committed: Option<SystemTime>,
}

/// See [`UploadedFile::changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was cast to the schema of the others.
    Cast,
    /// It was given the columns that its folders tell.
    Hive,
    /// Its pages were compressed with another codec than snappy.
    Recompressed,
}

impl Change {
    /// The change in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::Hive => "hive",
            Self::Recompressed => "recompressed",
        }
    }
}

/// See [`UploadedFile::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// This run has committed it.
    Uploaded,
    /// An earlier run has committed it.
    Skipped,
    /// It is not in the dataset, or not known to be. With order, the latter is one file at most, or
    /// the staged files of one commit.
    Pending,
}

impl FileStatus {
    /// The status in the words of the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
        }
    }
}

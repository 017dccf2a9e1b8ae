//! The report of an upload.

use std::time::SystemTime;

use crate::{hint::Message, location::Location};

/// The outcome of an upload, file by file.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadReport {
    /// The dataset; empty if none was created.
    pub dataset_id: String,
    /// All files of the plan, in order.
    pub files: Vec<UploadedFile>,
    /// Bytes of the files that this run has committed.
    pub bytes: u64,
    /// Bytes that were passed to connections, for all files of this run. If a transfer broke off,
    /// this is more than what was committed.
    pub bytes_sent: u64,
    /// Duration of the run.
    pub seconds: f64,
    /// The largest number of files in transfer at the same time. It is lower than the requested
    /// number if the server serves fewer connections.
    pub concurrency: usize,
    /// Entries of the sources that were not uploaded, and other notes.
    pub notes: Vec<Message>,
}

/// One file of an [`UploadReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// Position in the plan, from 0.
    pub position: usize,
    /// Name in the dataset.
    pub name: String,
    /// Its source files, in order; frames are not listed.
    pub sources: Vec<Location>,
    /// The server's id, if it reports one.
    pub file_id: Option<String>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Rows, from the footer.
    pub row_count: u64,
    /// Its status.
    pub status: FileStatus,
    /// How it was changed during the upload. The source file is never modified.
    pub changes: Vec<Change>,
    /// The number of requests for it.
    pub attempts: u32,
    /// When its last request was opened.
    pub started: Option<SystemTime>,
    /// When everything but its tail was sent, or when it was staged. From then on, it waited for its
    /// turn.
    pub transferred: Option<SystemTime>,
    /// When the server acknowledged it.
    pub committed: Option<SystemTime>,
}

/// A change to a file; see [`UploadedFile::changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Cast to the schema of the other files.
    Cast,
    /// Columns were added from the names of its folders.
    Hive,
    /// Recompressed: the codec was not snappy.
    Recompressed,
    /// Row groups that were far too small were merged.
    Merged,
}

impl Change {
    /// The name of the change.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::Hive => "hive",
            Self::Recompressed => "recompressed",
            Self::Merged => "merged",
        }
    }
}

/// The status of a file; see [`UploadedFile::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// Committed by this run.
    Uploaded,
    /// Committed by an earlier run.
    Skipped,
    /// Not in the dataset, or not known to be. In an ordered upload, the latter is at most one
    /// file, or the staged files of one commit.
    Pending,
}

impl FileStatus {
    /// The name of the status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
        }
    }
}

//! The progress of a running upload.

use super::report::{FileStatus, UploadedFile};
use crate::client::BodyState;

/// A phase of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadPhase {
    /// Reading footers.
    Check,
    /// Reading files whose names the dataset has, to compare their contents.
    Compare,
    /// Sending and committing files.
    Transfer,
    /// Bodies are sent. All of them are committed later, together or by another call.
    Stage,
    /// One transaction commits what is staged.
    Commit,
    /// Comparing the dataset's listing with the plan.
    Verify,
}

impl UploadPhase {
    /// The phase's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Compare => "compare",
            Self::Transfer => "transfer",
            Self::Stage => "stage",
            Self::Commit => "commit",
            Self::Verify => "verify",
        }
    }
}

/// A snapshot of a running upload. Bytes never decrease, even if a file is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The current phase.
    pub phase: UploadPhase,
    /// Bytes of this run's files that were passed to connections.
    pub bytes_sent: u64,
    /// Bytes of all files that this run sends.
    pub bytes_total: u64,
    /// Files that this run has committed.
    pub files_committed: usize,
    /// Files whose body is being sent or whose response is awaited.
    pub files_in_transfer: usize,
    /// Files that wait for their turn: staged, or sent but for the tail.
    pub files_held: usize,
    /// Files of the plan.
    pub files_total: usize,
    /// Files that an earlier run has committed.
    pub files_skipped: usize,
    /// The first file that is not committed, if its response is awaited. In an ordered upload, the
    /// other files wait for it.
    pub waiting_for: Option<String>,
    /// Bytes read so far to compare contents.
    pub bytes_compared: u64,
    /// Bytes to read to compare contents.
    pub bytes_to_compare: u64,
}

impl Progress {
    /// The progress of a plan with this many files, before any of them is counted.
    pub(super) fn new(phase: UploadPhase, files_total: usize) -> Self {
        Self {
            phase,
            bytes_sent: 0,
            bytes_total: 0,
            files_committed: 0,
            files_in_transfer: 0,
            files_held: 0,
            files_total,
            files_skipped: 0,
            waiting_for: None,
            bytes_compared: 0,
            bytes_to_compare: 0,
        }
    }

    /// Counts one file. `body` belongs to its open request; `is_next` means that all files before
    /// it are committed or skipped.
    pub(super) fn add(
        &mut self,
        file: &UploadedFile,
        bytes_sent: u64,
        body: Option<&BodyState>,
        is_next: bool,
    ) {
        if let Some(body) = body {
            let is_held = body.is_held();
            self.files_held += usize::from(is_held);
            self.files_in_transfer += usize::from(!is_held);
            if is_next && file.status == FileStatus::Pending && body.is_complete() {
                self.waiting_for = Some(file.name.clone());
            }
        }
        match file.status {
            FileStatus::Skipped => {
                self.files_skipped += 1;
                return;
            }
            FileStatus::Uploaded => self.files_committed += 1,
            FileStatus::Pending => {}
        }
        self.bytes_sent += bytes_sent;
        self.bytes_total += file.size_bytes;
    }
}

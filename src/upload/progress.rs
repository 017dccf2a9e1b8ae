//! How far a running upload is.

use super::report::{FileStatus, UploadedFile};
use crate::client::BodyState;

/// Where an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadPhase {
    /// Footers are read.
    Check,
    /// Files whose names are there already are read and compared.
    Compare,
    /// Bodies are sent and committed.
    Transfer,
    /// The dataset's listing is compared with the plan.
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
            Self::Verify => "verify",
        }
    }
}

/// A snapshot of a running upload. Bytes never decrease, not even when a file is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where the upload is.
    pub phase: UploadPhase,
    /// Bytes that connections have taken, of files to be sent in this run.
    pub bytes_sent: u64,
    /// Bytes to be sent in this run.
    pub bytes_total: u64,
    /// Files that this run has committed.
    pub files_committed: usize,
    /// Files whose body or answer is on its way.
    pub files_in_transfer: usize,
    /// Files that wait for their turn with all but their tail sent.
    pub files_held: usize,
    /// Files of the plan.
    pub files_total: usize,
    /// Files that an earlier run has committed.
    pub files_skipped: usize,
    /// The first file that is not committed, if its answer is waited for: with order, that holds
    /// up the rest.
    pub waiting_for: Option<String>,
    /// Bytes read of files whose names are there already, to compare their contents.
    pub bytes_compared: u64,
    /// Bytes to be read for that.
    pub bytes_to_compare: u64,
}

impl Progress {
    /// Of a plan of so many files, before any of them is added.
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

    /// Counts one file. `body` is that of its open request; `is_next` says that all files before
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

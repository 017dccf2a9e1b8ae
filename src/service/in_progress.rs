//! Uploads in progress, for monitoring.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Serialize;
use utoipa::ToSchema;

use super::keys::Caller;
use crate::lock::Lock;

/// Response of `GET /uploads`.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadList {
    /// Uploads in progress, in the order in which they started.
    pub(super) uploads: Vec<Upload>,
    /// Staged files.
    pub(super) staged: StagedUploads,
}

/// Files that are staged and not committed yet.
#[derive(Serialize, ToSchema)]
pub(super) struct StagedUploads {
    /// Number of staged files.
    pub(super) file_count: u64,
    /// The sum of their sizes in bytes.
    pub(super) total_size_bytes: u64,
    /// The first 100 files to expire.
    pub(super) files: Vec<StagedUpload>,
}

/// A file that is staged.
#[derive(Serialize, ToSchema)]
pub(super) struct StagedUpload {
    /// The dataset for which it is staged.
    pub(super) dataset_id: String,
    /// Its name in the dataset.
    pub(super) file_name: String,
    /// Size in bytes.
    pub(super) size_bytes: u64,
    /// When it is deleted if it was not committed: RFC 3339, UTC.
    pub(super) expires_at: Option<String>,
}

/// An upload in progress.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct Upload {
    /// Known when the field has arrived.
    pub(super) dataset_id: Option<String>,
    /// Known when the field has started.
    pub(super) file_name: Option<String>,
    /// Bytes of the file that have arrived.
    pub(super) received_bytes: u64,
    /// The declared length of the body in bytes.
    pub(super) declared_bytes: Option<u64>,
    /// The phase that it is in.
    pub(super) state: UploadState,
}

/// The phase of an upload.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UploadState {
    /// Its body is not complete.
    Receiving,
    /// The body is complete; the server checks the file, and commits or stages it.
    Committing,
}

/// All uploads in progress.
#[derive(Clone, Default)]
pub(super) struct InProgress {
    next: Arc<AtomicU64>,
    uploads: Arc<Lock<BTreeMap<u64, (Caller, Upload)>>>,
}

impl InProgress {
    pub(super) fn begin(&self, caller: Caller, declared_bytes: Option<u64>) -> Tracked {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let upload = Upload {
            dataset_id: None,
            file_name: None,
            received_bytes: 0,
            declared_bytes,
            state: UploadState::Receiving,
        };
        self.uploads.lock().insert(number, (caller, upload));
        Tracked { number, all: self.clone() }
    }

    pub(super) fn len(&self) -> usize {
        self.uploads.lock().len()
    }

    /// Uploads of the caller's key; all uploads if the key sees everything.
    pub(super) fn seen_by(&self, caller: &Caller) -> Vec<Upload> {
        let uploads = self.uploads.lock();
        let seen = uploads.values().filter(|(by, _)| caller.owner().is_none() || by == caller);
        seen.map(|(_, upload)| upload.clone()).collect()
    }
}

/// An upload in [`InProgress`]; dropping it ends it.
pub(super) struct Tracked {
    number: u64,
    all: InProgress,
}

impl Tracked {
    pub(super) fn note(&self, change: impl FnOnce(&mut Upload)) {
        if let Some((_, upload)) = self.all.uploads.lock().get_mut(&self.number) {
            change(upload);
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.all.uploads.lock().remove(&self.number);
    }
}

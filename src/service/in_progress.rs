//! Uploads that are not ended yet, for people to look at.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Serialize;
use utoipa::ToSchema;

use super::keys::Caller;

/// Response of `GET /uploads`.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadList {
    /// Uploads that have not ended, in the order in which they began.
    pub(super) uploads: Vec<Upload>,
    /// Files that are staged.
    pub(super) staged: StagedUploads,
}

/// Files that are staged, and not committed yet.
#[derive(Serialize, ToSchema)]
pub(super) struct StagedUploads {
    /// All of them.
    pub(super) file_count: u64,
    /// The sum of their sizes in bytes.
    pub(super) total_size_bytes: u64,
    /// Those that expire first, up to 100.
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

/// An upload that has not ended.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct Upload {
    /// Known as soon as the field has come.
    pub(super) dataset_id: Option<String>,
    /// Known as soon as the field has begun.
    pub(super) file_name: Option<String>,
    /// Bytes of the body that have come.
    pub(super) received_bytes: u64,
    /// Bytes of the body that were announced.
    pub(super) declared_bytes: Option<u64>,
    /// How far it is.
    pub(super) state: UploadState,
}

/// How far an upload is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UploadState {
    /// Its body is not complete.
    Receiving,
    /// It is complete, and being checked, and committed or staged.
    Committing,
}

/// All uploads that have not ended.
#[derive(Clone, Default)]
pub(super) struct InProgress {
    next: Arc<AtomicU64>,
    uploads: Arc<Mutex<BTreeMap<u64, (Caller, Upload)>>>,
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
        self.lock().insert(number, (caller, upload));
        Tracked { number, all: self.clone() }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Those that were begun with the caller's key, or all for one that sees all.
    pub(super) fn seen_by(&self, caller: &Caller) -> Vec<Upload> {
        let uploads = self.lock();
        let seen = uploads.values().filter(|(by, _)| caller.owner().is_none() || by == caller);
        seen.map(|(_, upload)| upload.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (Caller, Upload)>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An upload in [`InProgress`], until it is dropped.
pub(super) struct Tracked {
    number: u64,
    all: InProgress,
}

impl Tracked {
    pub(super) fn note(&self, change: impl FnOnce(&mut Upload)) {
        if let Some((_, upload)) = self.all.lock().get_mut(&self.number) {
            change(upload);
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}

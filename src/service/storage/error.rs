//! Failures of storage, classified by what they mean for the caller.

/// A failure of storage. The caller must know whether something may have been written, and whether
/// the disk can be trusted.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// The disk is full. Nothing was written.
    #[error("no space left")]
    Full,
    /// Handles, memory or a lock are temporarily not available. Nothing was written.
    #[error("temporarily not available: {0}")]
    Unavailable(String),
    /// The database of the catalog cannot be reached, or is busy. Nothing was written.
    #[error("the database cannot be reached, or is busy: {0}")]
    Unreachable(String),
    /// The store of the files cannot be reached, or is busy.
    #[error("the file store cannot be reached, or is busy: {0}")]
    StoreAway(String),
    /// A commit failed, and may or may not have taken effect.
    #[error("the outcome of a commit is unknown: {0}")]
    OutcomeUnknown(String),
    /// A write or a sync of the catalog failed. The outcome is unknown, and nothing is written
    /// until the catalog was reopened and checked.
    #[error("a write failed: {0}")]
    WriteFailed(String),
    /// Nothing is written at the moment, because of an earlier [`StorageError::WriteFailed`].
    #[error("an earlier write failed")]
    WritesStopped,
    /// The folder was removed or replaced, so anything written into it could be lost.
    #[error("the folder was removed or replaced")]
    FolderReplaced,
    /// The content of the catalog cannot be read.
    #[error("the catalog is damaged: {0}")]
    Damaged(String),
    /// A blob could not be written or read.
    #[error("a blob failed: {0}")]
    BlobFailed(String),
    /// The file was deleted after it was looked up.
    #[error("the file was deleted")]
    Deleted,
    /// A blob is missing, or its size has changed.
    #[error("a blob is damaged: {0}")]
    BlobDamaged(String),
}

impl StorageError {
    /// Whether the write certainly did not take effect.
    pub(super) fn is_undone(&self) -> bool {
        !matches!(self, Self::OutcomeUnknown(_) | Self::WriteFailed(_))
    }
}

//! Why storage could not be read or written, and what follows from it.

/// A failure of storage. What a caller does next depends on whether something may have been
/// written, and on whether the disk can be trusted.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// The disk is full. Nothing was written.
    #[error("no space left")]
    Full,
    /// Something is short for the moment: handles, memory, a lock. Nothing was written.
    #[error("not available for the moment: {0}")]
    Unavailable(String),
    /// A commit failed, and nobody knows whether it took place.
    #[error("the outcome of a commit is unknown: {0}")]
    OutcomeUnknown(String),
    /// A write or a sync of the catalog failed: as `OutcomeUnknown`, and nothing is written until
    /// the catalog was reopened and checked.
    #[error("a write failed: {0}")]
    WriteFailed(String),
    /// Nothing is written now, because of an earlier [`StorageError::WriteFailed`].
    #[error("an earlier write failed")]
    WritesStopped,
    /// What is written into a folder that somebody has removed or replaced is lost with it.
    #[error("the folder was removed or replaced")]
    FolderReplaced,
    /// What the catalog holds cannot be read.
    #[error("the catalog is damaged: {0}")]
    Damaged(String),
    /// A blob could not be written or read.
    #[error("a blob failed: {0}")]
    BlobFailed(String),
    /// A blob is gone, or of another size than it had.
    #[error("a blob is damaged: {0}")]
    BlobDamaged(String),
}

impl StorageError {
    /// Whether it is certain that the write did not take place.
    pub(super) fn is_undone(&self) -> bool {
        !matches!(self, Self::OutcomeUnknown(_) | Self::WriteFailed(_))
    }
}

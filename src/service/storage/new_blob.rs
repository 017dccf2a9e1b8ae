//! A blob that is written to storage, and hashed as it arrives.

use std::ops::Range;

use bytes::Bytes;
use uuid::Uuid;

use super::{
    background_hash::BackgroundHash, blobs::BlobWriter, error::StorageError, file_ends::FileEnds,
};
use crate::wire::digest::Sha256Digest;

/// The prefix of file ids; 32 hexadecimal digits follow.
const FILE_ID_PREFIX: &str = "file_";

/// Generates an id that no blob has had.
pub(super) fn new_file_id() -> String {
    format!("{FILE_ID_PREFIX}{}", Uuid::new_v4().simple())
}

/// Whether a name is that of a blob; other files in a folder are not ours.
pub(super) fn is_file_id(name: &str) -> bool {
    let hex = name.strip_prefix(FILE_ID_PREFIX);
    hex.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A blob that is being written.
pub(crate) struct NewBlob {
    file_id: String,
    writer: Box<dyn BlobWriter>,
    hash: BackgroundHash,
    ends: FileEnds,
    size_bytes: u64,
}

/// A blob that is complete and durable, but not a file of a dataset yet.
pub(crate) struct StoredBlob {
    pub(crate) file_id: String,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: Sha256Digest,
    ends: FileEnds,
}

impl StoredBlob {
    /// A range of the blob, if it is among the bytes that were kept in memory.
    pub(super) fn kept(&self, range: &Range<u64>) -> Option<Bytes> {
        self.ends.get(range)
    }
}

impl NewBlob {
    pub(super) fn new(file_id: String, writer: Box<dyn BlobWriter>) -> Self {
        let (hash, ends) = (BackgroundHash::default(), FileEnds::default());
        Self { file_id, writer, hash, ends, size_bytes: 0 }
    }

    /// Number of bytes written so far.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.size_bytes += bytes.len() as u64;
        self.ends.push(&bytes);
        self.hash.update(bytes.clone()).await.map_err(|error| not_hashed(&error))?;
        self.writer.write(bytes).await
    }

    /// Whether there is enough to flush while the sender pauses: see [`NewBlob::begin_flush`].
    pub(crate) fn has_unflushed(&self) -> bool {
        self.writer.has_unflushed()
    }

    /// Starts to flush what was written, in the background, unless a flush is running.
    pub(crate) async fn begin_flush(&mut self) -> Result<(), StorageError> {
        self.writer.begin_flush().await
    }

    /// Deletes what was written.
    pub(crate) async fn abort(self) {
        if let Err(error) = self.writer.abort().await {
            // The sweep removes it.
            tracing::warn!("an unfinished upload was not removed: {error}");
        }
    }

    /// Makes the blob durable. If that fails, nothing is left of the blob.
    pub(crate) async fn finish(self) -> Result<StoredBlob, StorageError> {
        let Self { file_id, writer, hash, ends, size_bytes } = self;
        match hash.finish().await {
            Ok(sha256) => {
                writer.finish().await?;
                Ok(StoredBlob { file_id, size_bytes, sha256, ends })
            }
            Err(error) => {
                let _ = writer.abort().await;
                Err(not_hashed(&error))
            }
        }
    }
}

fn not_hashed(error: &tokio::task::JoinError) -> StorageError {
    StorageError::BlobFailed(format!("it could not be hashed: {error}"))
}

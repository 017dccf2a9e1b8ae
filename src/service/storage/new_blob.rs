//! The bytes of a file while they arrive: in memory as long as they are few, otherwise in a blob.

use std::{mem, ops::Range, sync::Arc};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    background_hash::BackgroundHash,
    blobs::{BlobWriter, Blobs},
    error::StorageError,
    file_ends::FileEnds,
    pending::{Pending, PendingBlob},
    small_blobs::{SMALL_BYTES, slice},
};
use crate::{content_hash::ContentHasher, service::clock::now, wire::digest::Sha256Digest};

/// The prefix of file ids; 32 hexadecimal digits follow.
const FILE_ID_PREFIX: &str = "file_";

/// Generates an id that no blob has had. Ids grow with time, so that the catalog appends to its
/// indexes: ids in random order would change another page of each index for each file.
pub(super) fn new_file_id() -> String {
    format!("{FILE_ID_PREFIX}{}", Uuid::now_v7().simple())
}

/// Whether a name is that of a blob; other files in a folder are not ours.
pub(super) fn is_file_id(name: &str) -> bool {
    let hex = name.strip_prefix(FILE_ID_PREFIX);
    hex.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Where blobs are created, each with its record.
#[derive(Clone)]
pub(super) struct BlobPlace {
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) pending: Arc<dyn Pending>,
}

/// The bytes of a file that arrive.
pub(crate) struct NewBlob {
    file_id: String,
    owner: Option<String>,
    most_bytes: u64,
    place: BlobPlace,
    content: Content,
    size_bytes: u64,
}

enum Content {
    /// At most [`SMALL_BYTES`]. Nothing is stored yet.
    Small(Vec<u8>),
    Large(Box<LargeBlob>),
}

/// A blob that is being written, and hashed as it arrives.
struct LargeBlob {
    writer: Box<dyn BlobWriter>,
    hash: BackgroundHash,
    ends: FileEnds,
}

/// The complete bytes of a file that is not in a dataset yet. They are durable, or small enough to be
/// stored by the transaction that stores the file.
pub(crate) struct StoredBlob {
    pub(crate) file_id: String,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: Sha256Digest,
    kept: Kept,
}

/// What is in memory of a file.
enum Kept {
    All(Bytes),
    Ends(FileEnds),
}

impl StoredBlob {
    /// A range of the blob, if it is among the bytes that were kept in memory.
    pub(super) fn kept(&self, range: &Range<u64>) -> Option<Bytes> {
        match &self.kept {
            Kept::All(bytes) => slice(bytes, range),
            Kept::Ends(ends) => ends.get(range),
        }
    }

    /// The bytes that the catalog has to store; `None` if they are in a blob.
    pub(crate) fn small(&self) -> Option<Bytes> {
        match &self.kept {
            Kept::All(bytes) => Some(bytes.clone()),
            Kept::Ends(_) => None,
        }
    }
}

impl NewBlob {
    /// Of at most `most_bytes`.
    pub(super) fn new(place: BlobPlace, owner: Option<&str>, most_bytes: u64) -> Self {
        Self {
            file_id: new_file_id(),
            owner: owner.map(str::to_owned),
            most_bytes,
            place,
            content: Content::Small(Vec::new()),
            size_bytes: 0,
        }
    }

    /// Number of bytes written so far.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.size_bytes += bytes.len() as u64;
        if let Content::Small(gathered) = &mut self.content {
            if gathered.len() + bytes.len() <= SMALL_BYTES {
                gathered.extend_from_slice(&bytes);
                return Ok(());
            }
            let gathered = mem::take(gathered);
            let large = self.create().await?;
            // From here on, an error deletes the blob.
            self.content = Content::Large(Box::new(large));
            self.write_large(gathered.into()).await?;
        }
        self.write_large(bytes).await
    }

    async fn write_large(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        match &mut self.content {
            Content::Large(large) => large.write(bytes).await,
            Content::Small(_) => Ok(()),
        }
    }

    /// Records the blob, then creates it.
    async fn create(&mut self) -> Result<LargeBlob, StorageError> {
        let BlobPlace { blobs, pending } = &self.place;
        let (file_id, owner) = (self.file_id.as_str(), self.owner.as_deref());
        pending.begin(&PendingBlob { file_id, owner, begun_at: now() }).await?;
        match blobs.create(file_id, self.most_bytes).await {
            Ok(writer) => {
                let (hash, ends) = (BackgroundHash::default(), FileEnds::default());
                Ok(LargeBlob { writer, hash, ends })
            }
            Err(error) => {
                // Nothing was written. Otherwise the sweep ends the record.
                let _ = pending.end(file_id).await;
                Err(error)
            }
        }
    }

    /// Whether there is enough to flush while the sender pauses: see [`NewBlob::begin_flush`].
    pub(crate) fn has_unflushed(&self) -> bool {
        match &self.content {
            Content::Small(_) => false,
            Content::Large(large) => large.writer.has_unflushed(),
        }
    }

    /// Starts to flush what was written, in the background, unless a flush is running.
    pub(crate) async fn begin_flush(&mut self) -> Result<(), StorageError> {
        match &mut self.content {
            Content::Small(_) => Ok(()),
            Content::Large(large) => large.writer.begin_flush().await,
        }
    }

    /// Deletes what was written.
    pub(crate) async fn abort(self) {
        if let Content::Large(large) = self.content
            && let Err(error) = large.writer.abort().await
        {
            // The sweep removes it.
            tracing::warn!("an unfinished upload was not removed: {error}");
        }
    }

    /// Makes a blob durable. If that fails, nothing is left of it.
    pub(crate) async fn finish(self) -> Result<StoredBlob, StorageError> {
        let Self { file_id, content, size_bytes, .. } = self;
        let (sha256, kept) = match content {
            Content::Small(bytes) => (ContentHasher::hash_of(&bytes), Kept::All(bytes.into())),
            Content::Large(large) => {
                let (sha256, ends) = large.finish().await?;
                (sha256, Kept::Ends(ends))
            }
        };
        Ok(StoredBlob { file_id, size_bytes, sha256, kept })
    }
}

impl LargeBlob {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.ends.push(&bytes);
        self.hash.update(bytes.clone()).await.map_err(|error| not_hashed(&error))?;
        self.writer.write(bytes).await
    }

    async fn finish(self) -> Result<(Sha256Digest, FileEnds), StorageError> {
        let Self { writer, hash, ends } = self;
        match hash.finish().await {
            Ok(sha256) => {
                writer.finish().await?;
                Ok((sha256, ends))
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

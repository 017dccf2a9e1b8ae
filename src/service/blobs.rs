//! The bytes of files, under ids of the service's own making: a client's name never becomes
//! a path.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::body::Body;
use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt, WriteMultipart, local::LocalFileSystem, path::Path as BlobPath,
};
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{
    content_hash::ContentHash,
    private_files,
    refusal::{Refusal, Result as Answer},
};
use crate::{
    error::{Error, Result},
    wire::digest::Sha256Digest,
};

pub(super) const BLOBS_FOLDER: &str = "blobs";
const FILE_ID_PREFIX: &str = "file_";
/// Bytes that are gathered before they are written.
const PART_BYTES: usize = 1024 * 1024;
/// Parts of one upload that are written at the same time.
const PARTS_IN_FLIGHT: usize = 1;
/// So much is sent to the disk while more comes: what is left at the end is waited for, by the
/// next file of an ordered upload, too.
const FLUSH_BYTES: u64 = 16 * 1024 * 1024;

pub(super) struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

impl Blobs {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let folder = folder.join(BLOBS_FOLDER);
        let in_folder = |source| Error::File { path: folder.clone(), source };
        private_files::create_folder(&folder).map_err(in_folder)?;
        private_files::restrict(&folder).map_err(in_folder)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| Error::Internal(error.to_string()))?
            .with_fsync(true);
        Ok(Self { store: Arc::new(store), folder })
    }

    /// Removes uploads that were not finished: blobs that are not `known`, and what was
    /// staged for one. Anything else in the folder is somebody else's.
    pub(super) fn sweep(&self, known: &HashSet<String>) -> Result<()> {
        let in_folder = |source| Error::File { path: self.folder.clone(), source };
        for entry in fs::read_dir(&self.folder).map_err(in_folder)? {
            let entry = entry.map_err(in_folder)?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| is_blob_name(name) && !known.contains(name)) {
                fs::remove_file(entry.path()).map_err(in_folder)?;
            }
        }
        Ok(())
    }

    pub(super) async fn create(&self, file_id: &str) -> Answer<BlobWriter> {
        let upload = self.store.put_multipart(&BlobPath::from(file_id)).await?;
        let staged = self.folder.join(format!("{file_id}{STAGED}1"));
        match private_files::restrict(&staged) {
            // A store that names it otherwise: the folder's mode has to do.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            restricted => restricted.map_err(in_store)?,
        }
        Ok(BlobWriter {
            upload: WriteMultipart::new_with_chunk_size(upload, PART_BYTES),
            size: 0,
            hash: ContentHash::default(),
            staged,
            flush_begun_at: 0,
            flush: None,
        })
    }

    pub(super) async fn read_range(&self, file_id: &str, start: u64, end: u64) -> Answer<Bytes> {
        // The store takes a range of no bytes for a mistake.
        if start == end {
            return Ok(Bytes::new());
        }
        Ok(self.store.get_range(&BlobPath::from(file_id), start..end).await?)
    }

    /// A blob of which `size` bytes were stored.
    pub(super) async fn stream(&self, file_id: &str, size: u64) -> Answer<Body> {
        match self.store.get(&BlobPath::from(file_id)).await {
            Ok(blob) if blob.meta.size == size => Ok(Body::from_stream(blob.into_stream())),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {
                tracing::error!("{file_id} is not as it was stored, {size} bytes");
                Err(Refusal::damaged())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn delete(&self, file_id: &str) {
        match self.store.delete(&BlobPath::from(file_id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            // The next start sweeps it.
            Err(error) => tracing::warn!("a refused upload was not removed: {error}"),
        }
    }
}

fn in_store(error: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "blobs", source: Box::new(error) }
}

/// An id that no blob has had.
pub(super) fn new_file_id() -> String {
    format!("{FILE_ID_PREFIX}{}", Uuid::new_v4().simple())
}

/// Stands between a blob's id and a number where the store is still writing it.
const STAGED: char = '#';

/// Whether a file is named by an id, as it is or staged.
fn is_blob_name(name: &str) -> bool {
    let id = name.split_once(STAGED).map_or(name, |(id, _)| id);
    let hex = id.strip_prefix(FILE_ID_PREFIX);
    hex.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A blob that is being written.
pub(super) struct BlobWriter {
    upload: WriteMultipart,
    size: u64,
    hash: ContentHash,
    /// Where it is as long as it is written.
    staged: PathBuf,
    flush_begun_at: u64,
    flush: Option<JoinHandle<io::Result<()>>>,
}

impl BlobWriter {
    /// Bytes written so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> Answer<()> {
        self.size += bytes.len() as u64;
        self.hash.update(bytes.clone()).await.map_err(|error| Refusal::defect(&error))?;
        self.upload.put(bytes);
        self.upload.wait_for_capacity(PARTS_IN_FLIGHT).await?;
        if self.size - self.flush_begun_at >= FLUSH_BYTES {
            self.begin_flush().await?;
        }
        Ok(())
    }

    /// Whether anything was written that is not on its way to the disk.
    pub(super) fn is_behind(&self) -> bool {
        self.size >= self.flush_begun_at + PART_BYTES as u64
    }

    /// Sends to the disk what was written, in the background, unless that is going on.
    pub(super) async fn begin_flush(&mut self) -> Answer<()> {
        if self.flush.as_ref().is_some_and(|flush| !flush.is_finished()) {
            return Ok(());
        }
        self.end_flush().await?;
        self.flush_begun_at = self.size;
        let staged = self.staged.clone();
        self.flush = Some(spawn_blocking(move || match fs::File::open(staged) {
            // A store that names it otherwise writes all at the end.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            opened => opened?.sync_data(),
        }));
        Ok(())
    }

    /// A disk may tell of what it could not write only once.
    async fn end_flush(&mut self) -> Answer<()> {
        let Some(flush) = self.flush.take() else { return Ok(()) };
        let flushed = flush.await.map_err(|error| Refusal::defect(&error))?;
        Ok(flushed.map_err(in_store)?)
    }

    /// Removes what was written.
    pub(super) async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            // The next start sweeps it.
            tracing::warn!("an unfinished upload was not removed: {error}");
        }
    }

    /// Makes the blob durable and returns its size in bytes and the SHA-256 of its bytes.
    pub(super) async fn finish(mut self) -> Answer<(u64, Sha256Digest)> {
        self.end_flush().await?;
        let sha256 = self.hash.finish().await.map_err(|error| Refusal::defect(&error))?;
        self.upload.finish().await?;
        Ok((self.size, sha256))
    }
}

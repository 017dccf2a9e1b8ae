//! The bytes of files, under ids of the service's own making: a client's name never becomes
//! a path.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::body::Body;
use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt, WriteMultipart, local::LocalFileSystem, path::Path as BlobPath,
};
use uuid::Uuid;

use super::refusal::{Refusal, Result as Answer};
use crate::error::{Error, Result};

const FILE_ID_PREFIX: &str = "file_";
/// Bytes that are gathered before they are written.
const PART_BYTES: usize = 1024 * 1024;
/// Parts of one upload that are written at the same time.
const PARTS_IN_FLIGHT: usize = 1;

pub(super) struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

impl Blobs {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let folder = folder.join("blobs");
        let in_folder = |source| Error::File { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(in_folder)?;
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
        Ok(BlobWriter { upload: WriteMultipart::new_with_chunk_size(upload, PART_BYTES), size: 0 })
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

/// An id that no blob has had.
pub(super) fn new_file_id() -> String {
    format!("{FILE_ID_PREFIX}{}", Uuid::new_v4().simple())
}

/// Whether a file is named by an id, with `#<n>` where the store was still writing it.
fn is_blob_name(name: &str) -> bool {
    let id = name.split_once('#').map_or(name, |(id, _)| id);
    let hex = id.strip_prefix(FILE_ID_PREFIX);
    hex.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A blob that is being written.
pub(super) struct BlobWriter {
    upload: WriteMultipart,
    size: u64,
}

impl BlobWriter {
    /// Bytes written so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> Answer<()> {
        self.size += bytes.len() as u64;
        self.upload.put(bytes);
        Ok(self.upload.wait_for_capacity(PARTS_IN_FLIGHT).await?)
    }

    /// Removes what was written.
    pub(super) async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            // The next start sweeps it.
            tracing::warn!("an unfinished upload was not removed: {error}");
        }
    }

    /// Makes the blob durable and returns its size in bytes.
    pub(super) async fn finish(self) -> Answer<u64> {
        self.upload.finish().await?;
        Ok(self.size)
    }
}

//! Blobs as files of a folder.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt, TryStreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use object_store::{
    ObjectStore, ObjectStoreExt, WriteMultipart, local::LocalFileSystem, path::Path as BlobPath,
};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{errors::of_folder, private_files, sync::FolderSync};
use crate::{
    error::{Error, Result as OpenResult},
    service::storage::{
        blobs::{BlobWriter, Blobs, ByteStream, damaged},
        error::StorageError,
        io_error::of_io,
        new_blob::is_file_id,
        pending::{Pending, PendingBlob},
    },
};

/// Bytes that are collected before they are written.
const PART_BYTES: usize = 1024 * 1024;
/// Number of parts of one upload that are written at the same time.
const PARTS_IN_FLIGHT: usize = 1;
/// A flush starts after this many bytes, while more arrive. The rest is flushed at the end, and the
/// next file of an ordered upload waits for it.
const FLUSH_BYTES: u64 = 16 * 1024 * 1024;
/// Number of blobs in one batch of ids.
const EXPIRED_AT_A_TIME: usize = 500;
/// Separates a blob's id and a number in the name of the file while the store writes it.
const STAGED: char = '#';

/// Blobs in a folder that only one process uses at a time.
#[derive(Clone)]
pub(crate) struct FolderBlobs {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    sync: Arc<FolderSync>,
}

impl FolderBlobs {
    pub(crate) fn open(folder: &Path) -> OpenResult<Self> {
        let folder = folder.to_owned();
        let in_folder = |source| Error::File { path: folder.clone(), source };
        private_files::create_folder(&folder).map_err(in_folder)?;
        private_files::restrict(&folder).map_err(in_folder)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let sync = Arc::new(FolderSync::of(&folder));
        Ok(Self { store: Arc::new(store), folder, sync })
    }

    /// The path of a blob while it is written.
    fn staged(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{STAGED}1"))
    }

    async fn create_staged(&self, id: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        let upload = self
            .store
            .put_multipart(&BlobPath::from(id))
            .await
            .map_err(|error| of_folder(&error))?;
        let mut writer = FolderBlobWriter {
            upload: WriteMultipart::new_with_chunk_size(upload, PART_BYTES),
            store: Arc::clone(&self.store),
            sync: Arc::clone(&self.sync),
            id: id.to_owned(),
            size: 0,
            staged: self.staged(id),
            flush_begun_at: 0,
            flush: None,
        };
        // Flushes rely on this name too.
        match private_files::restrict(&writer.staged) {
            Ok(()) => Ok(Box::new(writer)),
            Err(error) => {
                writer.flush = None;
                let _ = writer.upload.abort().await;
                Err(of_io(&error, error.to_string()))
            }
        }
    }

    /// Also deletes what an upload has written that did not finish.
    async fn delete_written(&self, id: &str) -> Result<(), StorageError> {
        delete(&*self.store, id).await?;
        match fs::remove_file(self.staged(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(of_io(&error, error.to_string()))
            }
            _ => Ok(()),
        }
    }

    async fn read_stored(
        &self,
        id: &str,
        size: u64,
        range: Range<u64>,
    ) -> Result<ByteStream, StorageError> {
        match self.store.get(&BlobPath::from(id)).await {
            Ok(mut blob) if blob.meta.size == size => {
                blob.range = range;
                Ok(blob.into_stream().map_err(|error| of_folder(&error)).boxed())
            }
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Err(damaged(id, size)),
            Err(error) => Err(of_folder(&error)),
        }
    }
}

impl Blobs for FolderBlobs {
    fn create<'a>(
        &'a self,
        id: &'a str,
        _most_bytes: u64,
    ) -> BoxFuture<'a, Result<Box<dyn BlobWriter>, StorageError>> {
        self.create_staged(id).boxed()
    }

    fn read<'a>(
        &'a self,
        id: &'a str,
        size: u64,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StorageError>> {
        self.read_stored(id, size, range).boxed()
    }

    fn delete<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.delete_written(id).boxed()
    }
}

async fn delete(store: &dyn ObjectStore, id: &str) -> Result<(), StorageError> {
    match store.delete(&BlobPath::from(id)).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(of_folder(&error)),
    }
}

/// The names of blobs are their records. Only one process uses the folder, so all blobs that exist
/// at its start and are neither files nor staged have expired.
impl Pending for FolderBlobs {
    fn begin<'a>(&'a self, blob: &'a PendingBlob<'a>) -> BoxFuture<'a, Result<(), StorageError>> {
        let PendingBlob { file_id, owner, begun_at } = blob;
        tracing::debug!(file_id, owner, begun_at, "a blob is begun");
        ready(Ok(())).boxed()
    }

    fn expired(&self) -> BoxStream<'_, Result<Vec<String>, StorageError>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) => return stream::iter([Err(of_io(&error, error.to_string()))]).boxed(),
        };
        let ids = entries.filter_map(|entry| match entry {
            Ok(entry) => entry.file_name().to_str().and_then(id_of).map(|id| Ok(id.to_owned())),
            Err(error) => Some(Err(of_io(&error, error.to_string()))),
        });
        stream::iter(ids).try_chunks(EXPIRED_AT_A_TIME).map_err(|error| error.1).boxed()
    }

    fn end<'a>(&'a self, _file_id: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        ready(Ok(())).boxed()
    }
}

/// The id of a blob, from its name or from the name while it is written. Other files in the folder
/// are not ours.
fn id_of(name: &str) -> Option<&str> {
    let id = name.split_once(STAGED).map_or(name, |(id, _)| id);
    is_file_id(id).then_some(id)
}

struct FolderBlobWriter {
    upload: WriteMultipart,
    store: Arc<dyn ObjectStore>,
    sync: Arc<FolderSync>,
    id: String,
    /// Bytes written so far.
    size: u64,
    staged: PathBuf,
    flush_begun_at: u64,
    flush: Option<JoinHandle<io::Result<()>>>,
}

impl FolderBlobWriter {
    async fn put(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.size += bytes.len() as u64;
        self.upload.put(bytes);
        self.upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(|error| of_folder(&error))?;
        if self.size - self.flush_begun_at >= FLUSH_BYTES {
            self.begin_sync().await?;
        }
        Ok(())
    }

    async fn begin_sync(&mut self) -> Result<(), StorageError> {
        if self.flush.as_ref().is_some_and(|flush| !flush.is_finished()) {
            return Ok(());
        }
        self.end_sync().await?;
        self.flush_begun_at = self.size;
        let staged = self.staged.clone();
        self.flush = Some(spawn_blocking(move || fs::File::open(staged)?.sync_data()));
        Ok(())
    }

    /// A disk may report a failed write only once.
    async fn end_sync(&mut self) -> Result<(), StorageError> {
        let Some(flush) = self.flush.take() else { return Ok(()) };
        let flushed = flush.await.map_err(|error| StorageError::BlobFailed(error.to_string()))?;
        flushed.map_err(|error| of_io(&error, error.to_string()))
    }

    async fn finish_or_remove(mut self) -> Result<(), StorageError> {
        if let Err(error) = self.end_sync().await {
            let _ = self.upload.abort().await;
            return Err(error);
        }
        // The store syncs nothing by itself, so that blobs can share the sync of their folder.
        let durable = match self.upload.finish().await {
            Ok(_) => self.sync.make_durable(&self.id).await,
            Err(error) => Err(of_folder(&error)),
        };
        let Err(error) = durable else { return Ok(()) };
        // The file may have its final name already.
        if let Err(error) = delete(&*self.store, &self.id).await {
            // The next start removes it.
            tracing::warn!("an upload that failed was not removed: {error}");
        }
        Err(error)
    }
}

impl BlobWriter for FolderBlobWriter {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        self.put(bytes).boxed()
    }

    fn has_unflushed(&self) -> bool {
        self.size >= self.flush_begun_at + PART_BYTES as u64
    }

    fn begin_flush(&mut self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.begin_sync().boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>> {
        self.finish_or_remove().boxed()
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>> {
        async move { self.upload.abort().await.map_err(|error| of_folder(&error)) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::{Blobs, Bytes, FLUSH_BYTES, FolderBlobs, id_of};

    /// If the store used another name, flushes would not work, and the file would be readable to
    /// all.
    #[tokio::test]
    async fn a_blob_is_staged_where_flushes_expect_it() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FolderBlobs::open(folder.path()).unwrap();
        let flush_bytes = Bytes::from(vec![7; usize::try_from(FLUSH_BYTES).unwrap()]);
        let mut blob = blobs.create("file_0", 2 * FLUSH_BYTES).await.unwrap();
        blob.write(flush_bytes.clone()).await.unwrap();
        blob.begin_flush().await.unwrap();
        let staged = std::fs::metadata(blobs.staged("file_0")).unwrap();
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&staged.permissions()) & 0o777, 0o600);
        assert!(staged.is_file() && !blob.has_unflushed());
        std::fs::remove_file(blobs.staged("file_0")).unwrap();
        let written = blob.write(flush_bytes.clone()).await;
        let is_told = written.is_err() || blob.finish().await.is_err();
        assert!(is_told, "a flush that fails is no success");
    }

    #[test]
    fn only_blobs_are_taken_for_blobs() {
        let id = format!("file_{}", "0123456789abcdef".repeat(2));
        assert_eq!(id_of(&id), Some(id.as_str()));
        assert_eq!(id_of(&format!("{id}#1")), Some(id.as_str()));
        for other in ["", "file_", "file_0", "notes.txt", &format!("{id}.bak"), &id[1..]] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }
}

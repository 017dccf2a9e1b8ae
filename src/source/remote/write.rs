//! Writes and deletes objects.

use std::{mem, ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{MultipartUpload, PutMultipartOptions, PutOptions};
use tokio::{runtime::Handle, task::JoinSet};

use super::bucket::Bucket;
use crate::{
    background::in_background,
    error::{Error, Result},
    object_stores::words,
};

/// Larger objects are sent in parts of this size, of which at most [`PARTS_AT_ONCE`] are in memory.
const PART_BYTES: u64 = 8 << 20;
const PARTS_AT_ONCE: usize = 3;
/// S3 accepts no more.
const MAX_PARTS: u64 = 10_000;

/// Reads a range of what is written. May block.
pub(crate) type ReadRange = Arc<dyn Fn(Range<u64>) -> Result<Bytes> + Send + Sync>;

impl Bucket {
    /// Writes an object, which replaces one with the same key. It is durable when this returns, and
    /// there is nothing of it before.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the store refuses or does not respond, and those of `read`.
    pub(crate) async fn put(&self, key: &str, size: u64, read: ReadRange) -> Result<()> {
        let (store, path) = (self.store()?, self.path(key)?);
        if size <= PART_BYTES {
            let bytes = in_background(move || read(0..size)).await?;
            let put = store.put_opts(&path, bytes.into(), PutOptions::default()).await;
            return put.map(drop).map_err(|error| self.failed(key, &error));
        }
        let begun = store.put_multipart_opts(&path, PutMultipartOptions::default()).await;
        let begun = begun.map_err(|error| self.failed(key, &error))?;
        let (parts, runtime) = (JoinSet::new(), self.runtime.clone());
        let mut upload = Unfinished { upload: Some(begun), parts, runtime };
        let sent = self.put_parts(&mut upload, key, size, read).await;
        upload.end(sent.is_ok()).await;
        sent
    }

    async fn put_parts(
        &self,
        unfinished: &mut Unfinished,
        key: &str,
        size: u64,
        read: ReadRange,
    ) -> Result<()> {
        let Unfinished { upload: Some(upload), parts, .. } = unfinished else { return Ok(()) };
        let failed = |error| self.failed(key, &error);
        let part_bytes = PART_BYTES.max(size.div_ceil(MAX_PARTS));
        let mut begin = 0;
        while begin < size {
            if parts.len() == PARTS_AT_ONCE {
                next_of(parts).await?.map_err(failed)?;
            }
            let (read, part) = (Arc::clone(&read), begin..size.min(begin + part_bytes));
            begin = part.end;
            let bytes = in_background(move || read(part)).await?;
            parts.spawn(upload.put_part(bytes.into()));
        }
        while !parts.is_empty() {
            next_of(parts).await?.map_err(failed)?;
        }
        upload.complete().await.map(drop).map_err(failed)
    }

    /// Deletes everything below a folder.
    ///
    /// # Errors
    /// As [`Bucket::folder`].
    pub(crate) async fn delete_tree(&self, folder: &str) -> Result<()> {
        let (store, path) = (self.store()?, self.path(folder)?);
        let listed = store.list(Some(&path)).map_ok(|meta| meta.location).boxed();
        let deleted = store.delete_stream(listed).try_for_each(|_| async { Ok(()) }).await;
        match deleted {
            // Another call was faster.
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failed(folder, &error)),
        }
    }
}

type Parts = JoinSet<object_store::Result<()>>;

async fn next_of(parts: &mut Parts) -> Result<object_store::Result<()>> {
    let sent = parts.join_next().await.unwrap_or(Ok(Ok(())));
    sent.map_err(|error| Error::Internal(error.to_string()))
}

/// A multipart upload. It is aborted if it ends early, also when it is cancelled.
struct Unfinished {
    /// `None` when it is over.
    upload: Option<Box<dyn MultipartUpload>>,
    /// Those that are being sent.
    parts: Parts,
    runtime: Handle,
}

impl Unfinished {
    async fn end(&mut self, is_complete: bool) {
        if let Some(upload) = self.upload.take()
            && !is_complete
        {
            abort(upload, mem::take(&mut self.parts)).await;
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            self.runtime.spawn(abort(upload, mem::take(&mut self.parts)));
        }
    }
}

async fn abort(mut upload: Box<dyn MultipartUpload>, mut parts: Parts) {
    // A part that arrives after the end would stay in the store.
    parts.shutdown().await;
    if let Err(error) = upload.abort().await {
        tracing::debug!("a multipart upload was not aborted: {}", words(&error));
    }
}

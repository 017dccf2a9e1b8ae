//! Writes an object: in one request if it is small, otherwise in parts.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use object_store::path::Path;

use super::{
    leftovers::Leftovers, multipart::Multipart, next_part::NextPart, part_memory::part_bytes,
    store::S3Store,
};
use crate::service::storage::{blobs::BlobWriter, error::StorageError};

pub(super) struct S3Writer {
    store: Arc<S3Store>,
    path: Path,
    /// Bytes written so far.
    size: u64,
    part_bytes: usize,
    part: NextPart,
    /// `None` while everything fits into one part.
    multipart: Option<Multipart>,
    /// Whether a request may have made the object.
    is_requested: bool,
}

impl S3Writer {
    pub(super) fn new(store: Arc<S3Store>, path: Path, most_bytes: u64) -> Self {
        let (part_bytes, part) = (part_bytes(most_bytes), NextPart::default());
        Self { store, path, size: 0, part_bytes, part, multipart: None, is_requested: false }
    }

    async fn put(&mut self, mut bytes: Bytes) -> Result<(), StorageError> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = self.part_bytes - self.part.size();
            let next = bytes.split_to(room.min(bytes.len()));
            self.part.push(next, &self.store).await?;
            if self.part.size() == self.part_bytes {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), StorageError> {
        let multipart = match &mut self.multipart {
            Some(multipart) => multipart,
            none => none.insert(Multipart::begin(&self.store, &self.path).await?),
        };
        multipart.settle().await?;
        let part = self.part.take(&self.store).await?;
        multipart.send(part).await
    }

    async fn complete(&mut self) -> Result<(), StorageError> {
        if self.multipart.is_none() {
            let part = self.part.take(&self.store).await?;
            self.is_requested = true;
            let put = self.store.put(&self.path, part.bytes).await;
            if let Some(memory) = part.memory {
                memory.end();
            }
            return put;
        }
        if self.part.size() > 0 {
            self.send_part().await?;
        }
        match &mut self.multipart {
            Some(multipart) => multipart.complete(self.size).await,
            None => Ok(()),
        }
    }

    async fn complete_or_remove(mut self) -> Result<(), StorageError> {
        let completed = self.complete().await;
        if completed.is_err() {
            self.remove().await;
        }
        completed
    }

    async fn remove(mut self) {
        let multipart = match self.multipart.take() {
            Some(multipart) => multipart.give_up().await,
            None if self.is_requested => None,
            None => return,
        };
        Leftovers { store: self.store, path: self.path, multipart }.remove().await;
    }
}

impl BlobWriter for S3Writer {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        self.put(bytes).boxed()
    }

    fn has_unflushed(&self) -> bool {
        self.part.is_in_shared_memory()
    }

    fn begin_flush(&mut self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.part.leave_shared_memory().boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>> {
        self.complete_or_remove().boxed()
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>> {
        self.remove().map(Ok).boxed()
    }
}

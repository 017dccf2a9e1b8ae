//! Blobs in memory, and records with leases as a table has them: second implementations of the
//! ports.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};

use super::super::{
    blobs::{BlobWriter, Blobs, ByteStream},
    error::StorageError,
    pending::{Pending, PendingBlob},
};

type Stored = Arc<Mutex<HashMap<String, Bytes>>>;

#[derive(Default)]
pub(super) struct MemoryBlobs(Stored);

struct MemoryWriter {
    id: String,
    written: Vec<u8>,
    stored: Stored,
}

impl MemoryBlobs {
    fn find(&self, id: &str) -> Result<Bytes, StorageError> {
        let found = self.0.lock().unwrap().get(id).cloned();
        found.ok_or_else(|| StorageError::BlobDamaged(id.to_owned()))
    }
}

impl Blobs for MemoryBlobs {
    fn create<'a>(
        &'a self,
        id: &'a str,
        _most_bytes: u64,
    ) -> BoxFuture<'a, Result<Box<dyn BlobWriter>, StorageError>> {
        let writer =
            MemoryWriter { id: id.to_owned(), written: Vec::new(), stored: Arc::clone(&self.0) };
        ready(Ok(Box::new(writer) as Box<dyn BlobWriter>)).boxed()
    }

    fn read<'a>(
        &'a self,
        id: &'a str,
        size: u64,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StorageError>> {
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let found = self.find(id).and_then(|bytes| {
            let is_whole = bytes.len() as u64 == size;
            let part = is_whole.then(|| bytes.slice(range));
            part.ok_or_else(|| StorageError::BlobDamaged(id.to_owned()))
        });
        ready(found.map(|bytes| stream::iter([Ok(bytes)]).boxed())).boxed()
    }

    fn delete<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.0.lock().unwrap().remove(id);
        ready(Ok(())).boxed()
    }
}

impl BlobWriter for MemoryWriter {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        self.written.extend_from_slice(&bytes);
        ready(Ok(())).boxed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>> {
        self.stored.lock().unwrap().insert(self.id, self.written.into());
        ready(Ok(())).boxed()
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>> {
        ready(Ok(())).boxed()
    }
}

/// Each record has a lease of 10, by a clock that a test sets.
#[derive(Default)]
pub(super) struct MemoryPending {
    pub(super) now: AtomicI64,
    begun: Mutex<HashMap<String, i64>>,
}

impl MemoryPending {
    const LEASE: i64 = 10;

    pub(super) fn len(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

impl Pending for MemoryPending {
    fn begin<'a>(&'a self, blob: &'a PendingBlob<'a>) -> BoxFuture<'a, Result<(), StorageError>> {
        self.begun.lock().unwrap().insert(blob.file_id.to_owned(), blob.begun_at);
        ready(Ok(())).boxed()
    }

    fn expired(&self) -> BoxStream<'_, Result<Vec<String>, StorageError>> {
        let now = self.now.load(Ordering::Relaxed);
        let begun = self.begun.lock().unwrap();
        let expired = begun.iter().filter(|(_, begun_at)| **begun_at + Self::LEASE < now);
        let ids: Vec<_> = expired.map(|(id, _)| id.clone()).collect();
        stream::iter(ids).chunks(2).map(Ok).boxed()
    }

    fn end<'a>(&'a self, file_id: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        self.begun.lock().unwrap().remove(file_id);
        ready(Ok(())).boxed()
    }
}

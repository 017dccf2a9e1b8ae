//! The port for the bytes of files.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{
    future::{BoxFuture, FutureExt, ready},
    stream::BoxStream,
};

use super::error::StorageError;

/// The bytes of a blob as a stream.
pub(crate) type ByteStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// Stores bytes under ids that the server generates. A client's name is never used as an id, and no
/// id is used twice.
pub(crate) trait Blobs: Send + Sync {
    /// Creates a blob of at most so many bytes. It cannot be read before it is finished.
    fn create<'a>(
        &'a self,
        id: &'a str,
        most_bytes: u64,
    ) -> BoxFuture<'a, Result<Box<dyn BlobWriter>, StorageError>>;

    /// Reads a range of a blob, for which `size` bytes were stored. Fails with
    /// [`StorageError::BlobDamaged`] if the blob is missing or has another size. The range is not
    /// empty, unless the blob is.
    fn read<'a>(
        &'a self,
        id: &'a str,
        size: u64,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StorageError>>;

    /// Deletes a blob if it exists.
    fn delete<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Checks whether the store responds, unless it has responded recently.
    fn check_reachable(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        ready(Ok(())).boxed()
    }
}

pub(super) fn damaged(id: &str, size: u64) -> StorageError {
    StorageError::BlobDamaged(format!("{id} is not the blob of {size} bytes that was stored"))
}

/// A blob that is being written.
pub(crate) trait BlobWriter: Send {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Whether there is something to do while the sender pauses: see [`BlobWriter::begin_flush`].
    fn has_unflushed(&self) -> bool {
        false
    }

    /// Starts to flush what was written, without waiting, so that less is left for the end; or frees
    /// memory for other blobs.
    fn begin_flush(&mut self) -> BoxFuture<'_, Result<(), StorageError>> {
        ready(Ok(())).boxed()
    }

    /// Makes the blob durable. If that fails, nothing is left of the blob.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>>;

    /// Deletes what was written.
    fn abort(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>>;
}

//! The port for the bytes of files.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::BoxStream,
};

use super::error::StorageError;

/// The bytes of a blob, as they are read.
pub(crate) type ByteStream = BoxStream<'static, Result<Bytes, StorageError>>;

/// Keeps bytes under ids of the service's own making. A client's name is never one, and no id is
/// used twice.
pub(crate) trait Blobs: Send + Sync {
    /// Begins a blob. Nobody can read it before it is finished.
    fn create<'a>(
        &'a self,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn BlobWriter>, StorageError>>;

    /// Reads a range that lies within the blob.
    fn read_range<'a>(
        &'a self,
        id: &'a str,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<Bytes, StorageError>>;

    /// Reads a whole blob, of which `size` bytes were stored. Fails with
    /// [`StorageError::BlobDamaged`] if it is gone or has another size.
    fn read<'a>(
        &'a self,
        id: &'a str,
        size: u64,
    ) -> BoxFuture<'a, Result<ByteStream, StorageError>>;

    /// Removes a blob, if it is there.
    fn delete<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StorageError>>;
}

/// A blob that is being written.
pub(crate) trait BlobWriter: Send {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Whether a pause of the sender is worth a [`BlobWriter::begin_flush`].
    fn has_unflushed(&self) -> bool {
        false
    }

    /// Sends what was written on its way, without waiting for it: less is left to do at the end.
    fn begin_flush(&mut self) -> BoxFuture<'_, Result<(), StorageError>> {
        std::future::ready(Ok(())).boxed()
    }

    /// Makes the blob durable. Nothing is left of one that fails.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>>;

    /// Removes what was written.
    fn abort(self: Box<Self>) -> BoxFuture<'static, Result<(), StorageError>>;
}

//! The port for uploads that have begun: what is recorded of a blob before its first byte, so
//! that it is removed if no file comes of it, whatever ends the upload.

use futures_util::{future::BoxFuture, stream::BoxStream};

use super::error::StorageError;

/// A blob that is about to be written.
pub(crate) struct PendingBlob<'a> {
    pub(crate) file_id: &'a str,
    /// Whose upload it is: see [`super::Catalog::create_dataset`].
    pub(crate) owner: Option<&'a str>,
    /// Microseconds since 1970, UTC.
    pub(crate) begun_at: i64,
}

/// Records of blobs that are no files yet.
///
/// A folder needs no record besides the names of its blobs, since one process at a time has it.
/// Where several instances share blobs, a record is a row with a lease; the transaction that
/// appends the file removes the row, and one whose row has expired is refused.
pub(crate) trait Pending: Send + Sync {
    /// Records a blob, before it is created.
    fn begin<'a>(&'a self, blob: &'a PendingBlob<'a>) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Ids of blobs whose uploads have ended, or will not be waited for any longer, some at a
    /// time. Files may be among them.
    fn expired(&self) -> BoxStream<'_, Result<Vec<String>, StorageError>>;

    /// Removes the record of a blob that was removed.
    fn end<'a>(&'a self, file_id: &'a str) -> BoxFuture<'a, Result<(), StorageError>>;
}

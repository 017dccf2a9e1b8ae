//! The port for unfinished uploads: a record of each blob before its first byte, so that the blob
//! is removed if it does not become a file, even after a kill.

use futures_util::{FutureExt, future::BoxFuture, stream::BoxStream};

use super::error::StorageError;

/// A blob that will be written.
pub(crate) struct PendingBlob<'a> {
    pub(crate) file_id: &'a str,
    /// The owner of the upload: see [`super::Catalog::create_dataset`].
    pub(crate) owner: Option<&'a str>,
    /// Microseconds since 1970, UTC.
    pub(crate) begun_at: i64,
}

/// Records of blobs that are not files yet.
///
/// In a folder, the names of the blobs are the records, because only one process uses the folder.
/// If several instances share blobs, a record is a row with a lease. The transaction that appends
/// the file deletes the row, and is rejected if the row has expired.
pub(crate) trait Pending: Send + Sync {
    /// Records a blob before it is created.
    fn begin<'a>(&'a self, blob: &'a PendingBlob<'a>) -> BoxFuture<'a, Result<(), StorageError>>;

    /// The ids of blobs whose uploads have ended or timed out, in batches. Files and staged files
    /// may be among them.
    fn expired(&self) -> BoxStream<'_, Result<Vec<String>, StorageError>>;

    /// Deletes the record of a deleted blob.
    fn end<'a>(&'a self, file_id: &'a str) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Deletes the records of deleted blobs.
    fn end_all<'a>(&'a self, file_ids: &'a [&'a str]) -> BoxFuture<'a, Result<(), StorageError>> {
        async move {
            for file_id in file_ids {
                self.end(file_id).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

//! Requests to the store, and what their failures mean.

use std::{ops::Range, time::Duration};

use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutOptions, PutPayload,
    aws::AmazonS3, path::Path,
};
use tokio::time::timeout;

use super::{errors::of_store, health::Health, part_memory::PartMemory};
use crate::{
    object_stores::{status, words},
    service::storage::{
        blobs::{ByteStream, damaged},
        error::StorageError,
    },
};

/// A download is requested in pieces, so that the store need not wait for a slow client for long,
/// and each piece has its own retries.
const PIECE_BYTES: u64 = 16 << 20;
/// How long to look up an object whose upload ended without a response.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait when checking whether the store responds.
const CHECK_PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct S3Store {
    pub(super) s3: AmazonS3,
    pub(super) prefix: Path,
    pub(super) memory: PartMemory,
    pub(super) health: Health,
}

impl S3Store {
    pub(super) fn path(&self, id: &str) -> Path {
        self.prefix.clone().join(id)
    }

    /// The result of a request. Remembers whether the store responded.
    pub(super) fn outcome<T>(&self, outcome: object_store::Result<T>) -> Result<T, StorageError> {
        self.health.note(outcome.map_err(|error| of_store(&error)))
    }

    /// Writes a whole object.
    pub(super) async fn put(&self, path: &Path, bytes: PutPayload) -> Result<(), StorageError> {
        let size = bytes.content_length() as u64;
        match self.s3.put_opts(path, bytes, PutOptions::default()).await {
            Ok(put) => self.outcome(Ok(put)).map(drop),
            Err(error) => self.expect(path, size, Some(error)).await,
        }
    }

    /// Checks that an object exists with its full size. `error` is that of the request that should
    /// have created it, whose response may be lost.
    pub(super) async fn expect(
        &self,
        path: &Path,
        size: u64,
        error: Option<Error>,
    ) -> Result<(), StorageError> {
        let failed = |words| Err(StorageError::BlobFailed(words));
        match (timeout(LOOK_PATIENCE, self.s3.head(path)).await, error) {
            (Ok(Ok(found)), _) if found.size == size => self.outcome(Ok(())),
            (Ok(Ok(found)), None) => {
                failed(format!("{path} has {} bytes instead of {size}", found.size))
            }
            (Ok(Err(Error::NotFound { .. })), None) => failed(format!("{path} was not stored")),
            (_, Some(error)) | (Ok(Err(error)), None) => self.outcome(Err(error)),
            (Err(_), None) => self.health.note(Err(no_response(LOOK_PATIENCE))),
        }
    }

    /// Deletes an object if it exists.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), StorageError> {
        match self.s3.delete(path).await {
            Err(Error::NotFound { .. }) => Ok(()),
            deleted => self.outcome(deleted),
        }
    }

    /// Requests an object that does not exist.
    pub(super) async fn look(&self) -> Result<(), StorageError> {
        match timeout(CHECK_PATIENCE, self.s3.head(&self.path("none"))).await {
            Ok(Ok(_) | Err(Error::NotFound { .. })) => self.outcome(Ok(())),
            Ok(Err(error)) => self.outcome(Err(error)),
            Err(_) => self.health.note(Err(no_response(CHECK_PATIENCE))),
        }
    }

    /// Reads a range of an object that must have `size` bytes.
    pub(super) async fn read(
        &self,
        path: Path,
        size: u64,
        range: Range<u64>,
    ) -> Result<ByteStream, StorageError> {
        self.health.may_try()?;
        let mut pieces = pieces(range);
        let first = pieces.next().unwrap_or_default();
        let first = self.health.note(get(&self.s3, &path, size, first).await)?;
        let s3 = self.s3.clone();
        let rest = stream::iter(pieces).then(move |piece| {
            let (s3, path) = (s3.clone(), path.clone());
            async move { get(&s3, &path, size, piece).await }
        });
        Ok(first.chain(rest.try_flatten()).boxed())
    }
}

fn no_response(patience: Duration) -> StorageError {
    StorageError::StoreAway(format!("no response within {} s", patience.as_secs()))
}

fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> + Send + 'static {
    let mut begin = range.start;
    std::iter::from_fn(move || {
        let piece = begin..range.end.min(begin.saturating_add(PIECE_BYTES));
        begin = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

async fn get(
    s3: &AmazonS3,
    path: &Path,
    size: u64,
    piece: Range<u64>,
) -> Result<BoxStream<'static, Result<bytes::Bytes, StorageError>>, StorageError> {
    let is_whole = piece == (0..size);
    let range = (!is_whole).then_some(GetRange::Bounded(piece));
    match s3.get_opts(path, GetOptions { range, ..GetOptions::default() }).await {
        Ok(found) if found.meta.size == size => {
            Ok(found.into_stream().map_err(|error| of_store(&error)).boxed())
        }
        Ok(_) | Err(Error::NotFound { .. }) => Err(damaged(path.as_ref(), size)),
        // The object is shorter than the range.
        Err(error) if status(&words(&error)) == Some(416) => Err(damaged(path.as_ref(), size)),
        Err(error) => Err(of_store(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE_BYTES, pieces};

    #[test]
    fn pieces_cover_a_range_once() {
        for range in [0..0, 7..7, 0..1, 5..PIECE_BYTES + 5, 1..3 * PIECE_BYTES + 2] {
            let mut end = range.start;
            for piece in pieces(range.clone()) {
                assert!(piece.start == end && piece.end - piece.start <= PIECE_BYTES);
                end = piece.end;
            }
            assert_eq!(end, range.end);
        }
    }
}

//! Reads a stored file as a whole, and compares it with what the catalog says.

use std::{ops::Range, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectStore, ObjectStoreExt, local::LocalFileSystem,
    memory::InMemory, path::Path as BlobPath,
};

use super::{background_hash::BackgroundHash, error::StorageError};
use crate::{
    error::{Error, Result},
    object_stores::words,
    schema::{FooterBytes, FooterReader},
    wire::digest::Sha256Digest,
};

/// Bytes of one request: each has its own retries.
const PIECE_BYTES: u64 = 16 << 20;

/// A file, as it is in the catalog.
pub(super) struct ExpectedFile {
    pub(super) file_id: String,
    pub(super) dataset_id: String,
    pub(super) file_name: String,
    pub(super) size_bytes: u64,
    pub(super) row_count: u64,
    /// `None` if an earlier release has received the file.
    pub(super) sha256: Option<Sha256Digest>,
    /// Whether its bytes are in the catalog.
    pub(super) is_small: bool,
}

/// The result of comparing a file with the catalog.
pub(super) enum Compared {
    Same,
    Missing,
    /// How they differ from what was stored.
    Different(String),
}

/// The blobs of a folder, which must exist.
pub(super) fn folder_store(folder: &Path) -> Result<Arc<dyn ObjectStore>> {
    let is_there = std::fs::metadata(folder).map_err(Error::in_file(folder))?.is_dir();
    let store = is_there.then(|| LocalFileSystem::new_with_prefix(folder));
    match store {
        Some(Ok(store)) => Ok(Arc::new(store)),
        _ => Err(Error::configuration(format!("{} is not a folder", folder.display()))),
    }
}

/// As [`compare`], for bytes from the catalog; `None` if they are not there.
pub(super) async fn compare_small(
    bytes: Option<Bytes>,
    file: &ExpectedFile,
) -> std::result::Result<Compared, StorageError> {
    let (store, path) = (InMemory::new(), BlobPath::from(file.file_id.as_str()));
    if let Some(bytes) = bytes {
        store.put(&path, bytes.into()).await.map_err(|error| failed(&error))?;
    }
    compare(&store, &path, file).await
}

/// Compares size, SHA-256 and rows.
pub(super) async fn compare(
    store: &dyn ObjectStore,
    path: &BlobPath,
    file: &ExpectedFile,
) -> std::result::Result<Compared, StorageError> {
    match store.head(path).await {
        Ok(found) if found.size == file.size_bytes => {}
        Ok(found) => {
            let (size, expected) = (found.size, file.size_bytes);
            return Ok(Compared::Different(format!("it has {size} bytes instead of {expected}")));
        }
        Err(StoreError::NotFound { .. }) => return Ok(Compared::Missing),
        Err(error) => return Err(failed(&error)),
    }
    let compared = async {
        let hash = hash(store, path, file.size_bytes).await?;
        if file.sha256.is_some_and(|expected| expected != hash) {
            let problem = "the SHA-256 of its bytes differs from the stored one";
            return Ok(Compared::Different(problem.to_owned()));
        }
        compare_rows(store, path, file).await
    };
    match compared.await {
        // It existed a moment ago.
        Err(StoreError::NotFound { .. }) => Ok(Compared::Missing),
        compared => compared.map_err(|error| failed(&error)),
    }
}

async fn compare_rows(
    store: &dyn ObjectStore,
    path: &BlobPath,
    file: &ExpectedFile,
) -> object_store::Result<Compared> {
    let size = file.size_bytes;
    let mut footer = FooterBytes::of(size);
    while let Some(range) = footer.needs() {
        let bytes = store.get_range(path, range).await?;
        if let Err(error) = footer.push(bytes) {
            return Ok(Compared::Different(format!("it is not a valid Parquet file: it {error}")));
        }
    }
    let thrift = footer.into_thrift();
    let parse = move || FooterReader::default().parse(&thrift, size).map(|footer| footer.row_count);
    // A panic of the parser is a footer that cannot be read.
    Ok(match tokio::task::spawn_blocking(parse).await {
        Ok(Ok(rows)) if rows == file.row_count => Compared::Same,
        Ok(Ok(rows)) => {
            Compared::Different(format!("it has {rows} rows instead of {}", file.row_count))
        }
        Ok(Err(error)) => {
            Compared::Different(format!("it is not a valid Parquet file: it {error}"))
        }
        Err(_) => Compared::Different("its footer cannot be read".to_owned()),
    })
}

async fn hash(
    store: &dyn ObjectStore,
    path: &BlobPath,
    size: u64,
) -> object_store::Result<Sha256Digest> {
    let mut hash = BackgroundHash::default();
    let mut begin = 0;
    while begin < size {
        let end = size.min(begin + PIECE_BYTES);
        let mut piece = get(store, path, begin..end).await?;
        while let Some(bytes) = piece.try_next().await? {
            hash.update(bytes).await.map_err(not_hashed)?;
        }
        begin = end;
    }
    hash.finish().await.map_err(not_hashed)
}

async fn get(
    store: &dyn ObjectStore,
    path: &BlobPath,
    range: Range<u64>,
) -> object_store::Result<futures_util::stream::BoxStream<'static, object_store::Result<Bytes>>> {
    let range = Some(GetRange::Bounded(range));
    Ok(store.get_opts(path, GetOptions { range, ..GetOptions::default() }).await?.into_stream())
}

fn not_hashed(source: tokio::task::JoinError) -> StoreError {
    StoreError::JoinError { source }
}

pub(super) fn failed(error: &StoreError) -> StorageError {
    StorageError::BlobFailed(words(error))
}

//! The contract of a blob store.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt, future::join_all};
use tempfile::TempDir;

use super::{
    super::{
        blobs::Blobs,
        error::StorageError,
        folder::FolderBlobs,
        new_blob::new_file_id,
        s3::{S3Blobs, S3Place, server::S3Server},
    },
    memory::MemoryBlobs,
};

async fn store(blobs: &dyn Blobs, id: &str, content: &[u8], chunk: usize) {
    let mut blob = blobs.create(id, content.len() as u64).await.unwrap();
    for bytes in content.chunks(chunk) {
        blob.write(Bytes::copy_from_slice(bytes)).await.unwrap();
        if blob.has_unflushed() || bytes.len() % 2 == 1 {
            blob.begin_flush().await.unwrap();
        }
    }
    blob.finish().await.unwrap();
}

async fn read(blobs: &dyn Blobs, id: &str, size: usize) -> Result<Bytes, StorageError> {
    read_range(blobs, id, size, 0..size).await
}

async fn read_range(
    blobs: &dyn Blobs,
    id: &str,
    size: usize,
    range: Range<usize>,
) -> Result<Bytes, StorageError> {
    let range = range.start as u64..range.end as u64;
    let stream = blobs.read(id, size as u64, range).await?;
    Ok(stream.try_collect::<BytesMut>().await?.freeze())
}

async fn assert_damaged(blobs: &dyn Blobs, id: &str, size: usize) {
    let read = read(blobs, id, size).await;
    assert!(matches!(read, Err(StorageError::BlobDamaged(_))), "{read:?}");
}

/// Sizes of blobs, and of the chunks in which they are written.
const SIZES: [(usize, usize); 5] =
    [(0, 1), (1, 1), (70_000, 7_001), (3 << 20, 65_536), (5 << 20, 3 << 20)];

async fn what_is_stored_is_read_back(blobs: &dyn Blobs, sizes: &[(usize, usize)]) {
    for &(size, chunk) in sizes {
        let content: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(size).collect();
        let id = new_file_id();
        store(blobs, &id, &content, chunk).await;
        assert_eq!(read(blobs, &id, size).await.unwrap(), content, "{size}");
        for range in [0..size, size / 2..size, size.saturating_sub(9)..size, 0..size.min(4)] {
            let bytes = read_range(blobs, &id, size, range.clone()).await.unwrap();
            assert_eq!(bytes, content[range.clone()], "{size}: {range:?}");
        }
        assert_damaged(blobs, &id, size + 1).await;
        if let Some(less) = size.checked_sub(1) {
            assert_damaged(blobs, &id, less).await;
        }
    }
}

async fn nothing_is_there_that_was_not_finished_or_was_removed(blobs: &dyn Blobs) {
    let [never, unfinished, aborted, deleted] = [(); 4].map(|()| new_file_id());
    let mut begun = blobs.create(&unfinished, 4).await.unwrap();
    begun.write(Bytes::from_static(b"half")).await.unwrap();
    let mut given_up = blobs.create(&aborted, 4).await.unwrap();
    given_up.write(Bytes::from_static(b"half")).await.unwrap();
    given_up.abort().await.unwrap();
    store(blobs, &deleted, b"half", 2).await;
    for id in [&deleted, &deleted, &never] {
        blobs.delete(id).await.unwrap();
    }
    for id in [&never, &unfinished, &aborted, &deleted] {
        assert_damaged(blobs, id, 4).await;
    }
    begun.finish().await.unwrap();
    assert_eq!(read(blobs, &unfinished, 4).await.unwrap(), "half");
}

async fn blobs_are_written_side_by_side(blobs: &dyn Blobs) {
    let ids: Vec<_> = (0..16).map(|_| new_file_id()).collect();
    let contents: Vec<_> = (0..16_u8).map(|number| vec![number; 1 << 16]).collect();
    let all = ids.iter().zip(&contents);
    join_all(all.clone().map(|(id, content)| store(blobs, id, content, 999))).await;
    for (id, content) in all {
        assert_eq!(read(blobs, id, content.len()).await.unwrap(), content);
    }
}

/// Reads a blob, which is deleted after its first bytes have arrived.
async fn a_blob_that_is_deleted_while_it_is_read_is_read_to_its_end_or_fails(blobs: &dyn Blobs) {
    const SIZE: usize = 24 << 20;
    let content: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(SIZE).collect();
    let id = new_file_id();
    store(blobs, &id, &content, 1 << 20).await;
    let mut stream = blobs.read(&id, SIZE as u64, 0..SIZE as u64).await.unwrap();
    let mut read = BytesMut::from(stream.try_next().await.unwrap().unwrap());
    blobs.delete(&id).await.unwrap();
    assert_damaged(blobs, &id, SIZE).await;
    match stream.try_collect::<BytesMut>().await {
        Ok(rest) => {
            read.extend(rest);
            assert!(read == content, "{} bytes were read", read.len());
        }
        Err(error) => assert!(matches!(error, StorageError::BlobDamaged(_)), "{error}"),
    }
}

async fn keeps_the_contract(blobs: &dyn Blobs) {
    what_is_stored_is_read_back(blobs, &SIZES).await;
    nothing_is_there_that_was_not_finished_or_was_removed(blobs).await;
    blobs_are_written_side_by_side(blobs).await;
    a_blob_that_is_deleted_while_it_is_read_is_read_to_its_end_or_fails(blobs).await;
}

#[tokio::test]
async fn a_folder_keeps_the_contract_of_a_blob_store() {
    let folder = TempDir::new().unwrap();
    keeps_the_contract(&FolderBlobs::open(folder.path()).unwrap()).await;
}

#[tokio::test]
async fn memory_keeps_the_contract_of_a_blob_store() {
    keeps_the_contract(&MemoryBlobs::default()).await;
}

/// As [`SIZES`], around the size of a part.
const SIZES_OF_PARTS: [(usize, usize); 4] =
    [(8 << 20, 1 << 20), ((8 << 20) + 1, 999_999), (17 << 20, 9 << 20), (33 << 20, 5 << 20)];

#[tokio::test]
async fn an_s3_server_keeps_the_contract_of_a_blob_store() {
    let Some(server) = S3Server::shared() else { return };
    let place = S3Place::parse(&S3Server::new_place(), &server.options(&[])).unwrap();
    let blobs = S3Blobs::open(&place).await.unwrap();
    keeps_the_contract(&blobs).await;
    what_is_stored_is_read_back(&blobs, &SIZES_OF_PARTS).await;
}

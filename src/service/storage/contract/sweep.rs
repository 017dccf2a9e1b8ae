//! The sweep deletes blobs of uploads that have expired, and nothing else.

use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use tempfile::TempDir;

use super::{
    super::{
        blobs::Blobs,
        new_blob::new_file_id,
        open::Storage,
        pending::{Pending, PendingBlob},
        place::Place,
        rows::StoredFile,
        small_blobs::SMALL_BYTES,
        sqlite::faults::Fault,
        sweep::Swept,
        writes::{Appended, Created, NewFile},
    },
    data_schema, day, fail_next,
    fixture::Fixture,
    memory::{MemoryBlobs, MemoryPending},
    new_file,
};

#[tokio::test]
async fn a_record_protects_a_blob_until_it_expires_and_a_file_for_good() {
    let fixture = Fixture::sqlite();
    let catalog = Arc::new(fixture.open().await);
    catalog.create_dataset(None, "d", None, 100).await.unwrap();
    let (blobs, pending) = (Arc::new(MemoryBlobs::default()), Arc::new(MemoryPending::default()));
    let swept =
        Swept { catalog: Arc::clone(&catalog), blobs: blobs.clone(), pending: pending.clone() };
    // The file's own record is still there: its instance was killed right after the commit.
    for (file_id, begun_at) in [("file_a", 0), ("file_old", 0), ("file_older", 0), ("file_new", 5)]
    {
        pending.begin(&PendingBlob { file_id, owner: None, begun_at }).await.unwrap();
        let mut blob = blobs.create(file_id, 7).await.unwrap();
        blob.write(Bytes::from_static(b"content")).await.unwrap();
        blob.finish().await.unwrap();
    }
    catalog.append("d", &data_schema("a"), &[new_file("a")]).await.unwrap();
    let mut left = Vec::new();
    for now in [0, 11, 16] {
        pending.now.store(now, Ordering::Relaxed);
        swept.sweep().await.unwrap();
        let mut there = Vec::new();
        for id in ["file_a", "file_old", "file_older", "file_new"] {
            if blobs.read(id, 7, 0..7).await.is_ok() {
                there.push(id);
            }
        }
        left.push(there);
    }
    assert_eq!(
        left,
        [
            vec!["file_a", "file_old", "file_older", "file_new"],
            vec!["file_a", "file_new"],
            vec!["file_a"]
        ]
    );
    assert_eq!(pending.len(), 1);
}

/// Bytes of a file that is not small.
const LARGE: usize = SMALL_BYTES + 1;

async fn stored(storage: &Storage, name: &str) -> NewFile {
    let content = Bytes::from(vec![7; LARGE]);
    let mut blob = storage.new_blob(None, LARGE as u64);
    blob.write(content).await.unwrap();
    let blob = blob.finish().await.unwrap();
    assert_eq!(blob.small(), None);
    NewFile {
        file_id: blob.file_id,
        size_bytes: LARGE as u64,
        sha256: blob.sha256,
        ..new_file(name)
    }
}

#[tokio::test]
async fn startup_removes_unfinished_uploads_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let place = Place::folder(&folder.path().join("data"));
    let blobs = folder.path().join("data/blobs");
    let names = || {
        let names = std::fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let storage = Storage::open(&place, day()).await.unwrap();
    let created = storage.catalog().create_dataset(None, "d", None, 100).await.unwrap();
    assert_eq!(created, Created::Done);
    let (file, _killed) = (stored(&storage, "a").await, stored(&storage, "b").await);
    let files = std::slice::from_ref(&file);
    assert_eq!(storage.append("d", &data_schema("a"), files).await.unwrap(), Appended::Done);
    std::fs::write(blobs.join(new_file_id() + "#1"), "half").unwrap();
    std::fs::write(blobs.join("notes.txt"), "somebody else's").unwrap();
    storage.close().await;
    drop(storage);
    assert_eq!(names().len(), 4);
    let storage = Storage::open(&place, day()).await.unwrap();
    assert_eq!(names(), [file.file_id, "notes.txt".to_owned()]);
    drop(storage);
}

#[tokio::test]
async fn blobs_of_a_refused_append_are_removed_and_those_of_an_unknown_one_are_kept() {
    let folder = TempDir::new().unwrap();
    let storage = Storage::open(&Place::folder(folder.path()), day()).await.unwrap();
    storage.catalog().create_dataset(None, "d", None, 100).await.unwrap();
    let is_there = async |file: &NewFile| {
        let NewFile { file_id, size_bytes, sha256, .. } = file.clone();
        let stored = StoredFile { file_id, size_bytes, sha256: Some(sha256), is_small: false };
        storage.read(&stored, 0..7).await.is_ok()
    };
    let files = [stored(&storage, "a").await, stored(&storage, "A").await];
    let refused = storage.append("d", &data_schema("a"), &files).await.unwrap();
    assert_eq!(refused, Appended::NameTaken("A".to_owned()));
    assert!(!is_there(&files[0]).await && !is_there(&files[1]).await);
    let file = stored(&storage, "b").await;
    fail_next(storage.catalog(), Fault::Sync);
    assert!(storage.append("d", &data_schema("a"), std::slice::from_ref(&file)).await.is_err());
    assert!(is_there(&file).await);
}

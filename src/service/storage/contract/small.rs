//! The contract of a catalog for small files: their bytes exist as long as the file does.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use super::{
    super::{
        catalog::Catalog,
        commit_staged::Committed,
        deletion::Deleted,
        new_blob::new_file_id,
        open::Storage,
        place::Place,
        rows::StoredFile,
        small_blobs::SMALL_BYTES,
        staged_totals::{Quota, StagedTotals},
        staging::{Expired, NewStaged, Staged},
        verify::{FindingKind, verify},
        writes::{Appended, Created, NewFile},
    },
    catalog::names,
    data_schema, day,
    fixture::{Fixture, begin, delete},
    new_file,
    staging::{QUOTA, commit, done, staged_file},
};

const CONTENT: &[u8] = b"content";

fn small(name: &str) -> NewFile {
    NewFile { small: Some(Bytes::from_static(CONTENT)), ..new_file(name) }
}

fn small_staged(id: &str, name: &str) -> NewStaged {
    let staged = staged_file(id, name, "a");
    let file = NewFile { small: Some(Bytes::from_static(CONTENT)), ..staged.file };
    NewStaged { file, ..staged }
}

async fn append(catalog: &Catalog, id: &str, files: &[NewFile]) -> Appended {
    catalog.append(id, &data_schema("a"), files).await.unwrap()
}

/// Which of these files have their bytes in the catalog.
async fn stored(catalog: &Catalog, ids: &[&str]) -> Vec<bool> {
    let mut stored = Vec::new();
    for id in ids {
        let bytes = catalog.small_blob(&format!("file_{id}")).await.unwrap();
        assert!(bytes.as_ref().is_none_or(|bytes| bytes == CONTENT));
        stored.push(bytes.is_some());
    }
    stored
}

async fn bytes_are_stored_with_their_file_and_without_it_nothing_is(fixture: &Fixture) {
    let catalog = fixture.with_dataset("small").await;
    let large = new_file("small-large");
    begin(&catalog, &large).await;
    let files = [small("small-a"), large, small("small-b")];
    assert_eq!(append(&catalog, "small", &files).await, Appended::Done);
    let refused = [small("small-c"), NewFile { file_name: "small-A".to_owned(), ..small("d") }];
    let taken = Appended::NameTaken("small-A".to_owned());
    assert_eq!(append(&catalog, "small", &refused).await, taken);
    assert_eq!(append(&catalog, "nowhere", &[small("e")]).await, Appended::NoDataset);
    catalog.close().await;
    let catalog = fixture.open().await;
    assert_eq!(names(&catalog, "small").await, ["small-a", "small-large", "small-b"]);
    let ids = ["small-a", "small-b", "small-large", "small-c", "d", "e"];
    assert_eq!(stored(&catalog, &ids).await, [true, true, false, false, false, false]);
    for (name, is_small) in [("small-a", true), ("small-large", false)] {
        let found = catalog.find_file("small", name).await.unwrap().unwrap();
        assert_eq!(found.is_small, is_small, "{name}");
    }
    catalog.close().await;
}

async fn bytes_of_staged_files_stay_when_they_are_committed(fixture: &Fixture) {
    let catalog = fixture.with_dataset("kept").await;
    for name in ["a", "b"] {
        let staged = catalog.stage(small_staged("kept", name), QUOTA).await.unwrap();
        assert_eq!(staged, Staged::Done);
    }
    assert_eq!(stored(&catalog, &["kept-a", "kept-b"]).await, [true, true]);
    assert_eq!(commit(&catalog, "kept", 0, &["a"]).await, done("kept", &["a"]));
    assert_eq!(stored(&catalog, &["kept-a", "kept-b"]).await, [true, true]);
    let one = Quota { max_files: 1, ..QUOTA };
    let told = catalog.stage(small_staged("kept", "c"), one).await.unwrap();
    assert_eq!(told, Staged::TooMuch(StagedTotals { files: 1, bytes: 7 }));
    let told = catalog.stage(small_staged("nowhere", "d"), QUOTA).await.unwrap();
    assert_eq!(told, Staged::NoDataset);
    assert_eq!(stored(&catalog, &["kept-c", "nowhere-d"]).await, [false, false]);
    assert_eq!(catalog.staged_by("").await.unwrap(), StagedTotals { files: 1, bytes: 7 });
    let expired = catalog.expire_staged(i64::MAX, 10).await.unwrap();
    assert_eq!(expired, Expired { file_count: 1, blobs: Vec::new() });
    assert_eq!(stored(&catalog, &["kept-a", "kept-b"]).await, [true, false]);
    catalog.close().await;
}

async fn bytes_are_deleted_with_their_file(fixture: &Fixture) {
    let catalog = fixture.with_dataset("gone").await;
    let large = new_file("gone-large");
    begin(&catalog, &large).await;
    let files = [small("gone-a"), large, small("gone-b")];
    assert_eq!(append(&catalog, "gone", &files).await, Appended::Done);
    catalog.stage(small_staged("gone", "c"), QUOTA).await.unwrap();
    let nothing = Deleted::Done(Vec::new());
    assert_eq!(delete(&catalog, None, "gone", Some("gone-a")).await, nothing);
    assert_eq!(stored(&catalog, &["gone-a", "gone-b", "gone-c"]).await, [false, true, true]);
    let blobs = Deleted::Done(vec!["file_gone-large".to_owned()]);
    assert_eq!(delete(&catalog, None, "gone", None).await, blobs);
    assert_eq!(stored(&catalog, &["gone-a", "gone-b", "gone-c"]).await, [false; 3]);
    let recorded = catalog.expired_records(i64::MAX, "", 10).await.unwrap();
    let mut ids = recorded.iter().filter(|id| id.starts_with("file_gone-"));
    assert!(ids.all(|id| id == "file_gone-large"), "{recorded:?}");
    catalog.close().await;
}

async fn many_are_staged_and_committed_at_once(fixture: &Fixture) {
    let catalog = &fixture.with_dataset("many").await;
    let names: Vec<_> = (0..300).map(|number| format!("part-{number}")).collect();
    let stage =
        async |name: &String| catalog.stage(small_staged("many", name), QUOTA).await.unwrap();
    let staged = futures_util::future::join_all(names.iter().map(stage)).await;
    assert!(staged.iter().all(|staged| *staged == Staged::Done));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(commit(catalog, "many", 0, &names).await, done("many", &names));
    let again = commit(catalog, "many", 0, &names).await;
    assert!(matches!(again, Committed::Before(_)), "{again:?}");
    let ids: Vec<_> = names.iter().map(|name| format!("many-{name}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert!(stored(catalog, &ids).await.iter().all(|is_stored| *is_stored));
    catalog.close().await;
}

async fn keeps_the_contract(fixture: &Fixture) {
    bytes_are_stored_with_their_file_and_without_it_nothing_is(fixture).await;
    bytes_of_staged_files_stay_when_they_are_committed(fixture).await;
    bytes_are_deleted_with_their_file(fixture).await;
    many_are_staged_and_committed_at_once(fixture).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_small_files() {
    keeps_the_contract(&Fixture::sqlite()).await;
    keeps_the_contract(&Fixture::sqlite_with_records()).await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract_of_small_files() {
    if let Some(fixture) = Fixture::postgres().await {
        keeps_the_contract(&fixture).await;
    }
}

/// Bytes around the limit, in one piece or in many.
#[tokio::test]
async fn a_file_is_a_blob_only_if_it_is_larger_than_the_limit() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = Place::folder(folder.path());
    let blobs = || std::fs::read_dir(folder.path().join("blobs")).unwrap().count();
    let storage = Storage::open(&place, day()).await.unwrap();
    let created = storage.catalog().create_dataset(None, "d", None, 100).await.unwrap();
    assert_eq!(created, Created::Done);
    let mut large = 0;
    for size in [0, 1, SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1, 3 * SMALL_BYTES] {
        for chunk in [size.max(1), 1_000] {
            let content: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(size).collect();
            let mut blob = storage.new_blob(None, size as u64);
            for bytes in content.chunks(chunk) {
                blob.write(Bytes::copy_from_slice(bytes)).await.unwrap();
            }
            let blob = blob.finish().await.unwrap();
            let is_small = size <= SMALL_BYTES;
            large += usize::from(!is_small);
            assert_eq!((blob.small().is_some(), blobs()), (is_small, large), "{size} by {chunk}");
            let name = format!("{size}-{chunk}");
            let file = NewFile {
                file_id: blob.file_id.clone(),
                size_bytes: size as u64,
                sha256: blob.sha256,
                small: blob.small(),
                ..new_file(&name)
            };
            let appended = storage.append("d", &data_schema("a"), &[file]).await.unwrap();
            assert_eq!(appended, Appended::Done);
            let file = storage.catalog().find_file("d", &name).await.unwrap().unwrap();
            assert_eq!(file.is_small, is_small);
            for range in [0..size, size / 2..size, 0..size.min(9)] {
                let read = read(&storage, &file, range.clone()).await;
                assert!(read == content[range], "{size} by {chunk}");
            }
        }
    }
    storage.close().await;
}

async fn read(storage: &Storage, file: &StoredFile, range: std::ops::Range<usize>) -> BytesMut {
    let stream = storage.read(file, range.start as u64..range.end as u64).await.unwrap();
    stream.try_collect().await.unwrap()
}

#[tokio::test]
async fn an_upload_that_ends_early_leaves_nothing_whatever_its_size() {
    let folder = tempfile::TempDir::new().unwrap();
    let storage = Storage::open(&Place::folder(folder.path()), day()).await.unwrap();
    for size in [SMALL_BYTES, SMALL_BYTES + 1] {
        let mut blob = storage.new_blob(None, size as u64);
        blob.write(Bytes::from(vec![7; size])).await.unwrap();
        blob.abort().await;
        let mut blob = storage.new_blob(None, size as u64);
        blob.write(Bytes::from(vec![7; size])).await.unwrap();
        storage.discard(blob.finish().await.unwrap()).await;
        assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    }
    storage.close().await;
}

#[tokio::test]
async fn damaged_missing_and_orphaned_bytes_in_the_catalog_are_found() {
    let folder = tempfile::TempDir::new().unwrap();
    let place = Place::folder(folder.path());
    let storage = Storage::open(&place, day()).await.unwrap();
    let catalog = storage.catalog();
    catalog.create_dataset(None, "d", None, 100).await.unwrap();
    let ids = [(); 3].map(|()| new_file_id());
    for id in &ids {
        let file = NewFile { file_id: id.clone(), ..small(id) };
        assert_eq!(append(catalog, "d", &[file]).await, Appended::Done);
    }
    storage.close().await;
    drop(storage);
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options = options.filename(folder.path().join("catalog.sqlite"));
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    for (text, id) in [
        ("UPDATE small_blobs SET bytes = x'00' WHERE file_id = $1", &ids[0]),
        ("DELETE FROM small_blobs WHERE file_id = $1", &ids[1]),
        ("DELETE FROM files WHERE file_id = $1", &ids[2]),
    ] {
        sqlx::query(text).bind(id).execute(&mut connection).await.unwrap();
    }
    sqlx::Connection::close(connection).await.unwrap();
    let found = verify(&place, std::time::Duration::ZERO).await.unwrap().findings;
    let found = |id: &String| {
        let of_file = found.iter().find(|finding| finding.file_id.as_ref() == Some(id));
        of_file.map(|finding| finding.kind)
    };
    assert_eq!(found(&ids[0]), Some(FindingKind::Damaged));
    assert_eq!(found(&ids[1]), Some(FindingKind::Missing));
    assert_eq!(found(&ids[2]), Some(FindingKind::Orphan));
}

//! Records of uploads in the catalog: what has expired cannot be committed, and is deleted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;

use super::{
    super::{
        blobs::Blobs,
        catalog::Catalog,
        catalog_records::CatalogRecords,
        mutants::{Mutant, plant},
        pending::PendingBlob,
        staging::{NewStaged, Staged},
        statement::statement,
        sweep::Swept,
        writes::{Appended, NewFile},
    },
    catalog::names,
    data_schema,
    fixture::Fixture,
    memory::MemoryBlobs,
    new_file,
    staging::{QUOTA, staged_file},
};
use crate::service::clock::now;

const EXPIRY: Duration = Duration::from_millis(100);
const HOUR: i64 = 3_600_000_000;

struct Instance {
    catalog: Arc<Catalog>,
    blobs: Arc<MemoryBlobs>,
    swept: Swept,
}

impl Instance {
    async fn open(fixture: &Fixture, blobs: &Arc<MemoryBlobs>) -> Self {
        let catalog = Arc::new(fixture.open().await);
        let pending = CatalogRecords { catalog: Arc::clone(&catalog), expiry: EXPIRY };
        let swept = Swept {
            catalog: Arc::clone(&catalog),
            blobs: blobs.clone(),
            pending: Arc::new(pending),
        };
        Self { catalog, blobs: Arc::clone(blobs), swept }
    }

    async fn store(&self, file: &NewFile, begun_at: i64) {
        let blob = PendingBlob { file_id: &file.file_id, owner: None, begun_at };
        self.swept.pending.begin(&blob).await.unwrap();
        let mut blob = self.blobs.create(&file.file_id, file.size_bytes).await.unwrap();
        blob.write(Bytes::from_static(b"content")).await.unwrap();
        blob.finish().await.unwrap();
    }

    async fn append(&self, file: &NewFile) -> Appended {
        let files = std::slice::from_ref(file);
        self.catalog.append("swept", &data_schema("a"), files).await.unwrap()
    }

    async fn is_stored(&self, file: &NewFile) -> bool {
        self.blobs.read(&file.file_id, 7, 0..7).await.is_ok()
    }

    async fn has_live_record(&self, file: &NewFile) -> bool {
        let select = statement("SELECT 1 FROM pending_blobs WHERE is_expired = 0 AND file_id = $1");
        self.catalog.database.look_up(select.bind(&file.file_id)).await.unwrap().is_some()
    }

    /// Sweeps until the blob is deleted.
    async fn delete(&self, file: &NewFile) {
        while self.is_stored(file).await {
            self.swept.sweep().await.unwrap();
        }
    }
}

async fn what_has_expired_cannot_be_committed_and_is_deleted_and_nothing_else(fixture: &Fixture) {
    fixture.with_dataset("swept").await.close().await;
    let blobs = Arc::new(MemoryBlobs::default());
    let one = Instance::open(fixture, &blobs).await;
    let other = Instance::open(fixture, &blobs).await;
    let [file, late, new, staged, late_staged] =
        ["file", "late", "new", "staged", "late-staged"].map(new_file);
    for (file, begun_at) in [(&file, 0), (&late, 0), (&new, HOUR), (&staged, 0), (&late_staged, 0)]
    {
        one.store(file, now() + begun_at).await;
    }
    assert_eq!(one.append(&file).await, Appended::Done);
    let stage = async |file: &NewFile| {
        let staged = staged_file("swept", &file.file_name, "a");
        let staged = NewStaged { file: file.clone(), ..staged };
        one.catalog.stage(staged, QUOTA).await.unwrap()
    };
    assert_eq!(stage(&staged).await, Staged::Done);
    // Their instance is suspended meanwhile, and wakes up when another has swept.
    while other.has_live_record(&late).await || other.has_live_record(&late_staged).await {
        other.swept.sweep().await.unwrap();
    }
    assert_eq!(one.append(&late).await, Appended::Expired);
    assert_eq!(stage(&late_staged).await, Staged::Expired);
    other.delete(&late).await;
    other.delete(&late_staged).await;
    assert_eq!(one.append(&new).await, Appended::Done);
    for kept in [&file, &new, &staged] {
        assert!(one.is_stored(kept).await, "{}", kept.file_id);
    }
    assert_eq!(names(&one.catalog, "swept").await, ["file", "new"]);
    // A staged file that expires is deleted in the same way.
    one.swept.sweep_staged(i64::MAX).await.unwrap();
    assert!(!one.is_stored(&staged).await);
    let ids = one.catalog.expired_records(i64::MAX, "", 10).await.unwrap();
    assert_eq!(ids, Vec::<String>::new());
}

#[tokio::test]
async fn in_sqlite_what_has_expired_cannot_be_committed() {
    let fixture = Fixture::sqlite_with_records();
    what_has_expired_cannot_be_committed_and_is_deleted_and_nothing_else(&fixture).await;
}

#[tokio::test]
async fn in_postgresql_what_has_expired_cannot_be_committed() {
    let Some(fixture) = Fixture::postgres().await else { return };
    what_has_expired_cannot_be_committed_and_is_deleted_and_nothing_else(&fixture).await;
}

#[tokio::test]
async fn the_mutant_that_sweeps_regardless_of_age_is_found() {
    let _planted = plant(Mutant::SweepWithoutAge);
    let fixture = Fixture::sqlite_with_records();
    let test = what_has_expired_cannot_be_committed_and_is_deleted_and_nothing_else(&fixture);
    assert!(std::panic::AssertUnwindSafe(test).catch_unwind().await.is_err());
}

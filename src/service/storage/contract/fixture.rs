//! Catalogs of all kinds, for tests that each of them must pass.

use tempfile::TempDir;

use super::{
    super::{
        catalog::Catalog,
        deletion::{Deleted, Deletion, DeletionRecord},
        new_blob::new_file_id,
        place::CatalogPlace,
        postgres::PostgresUrl,
        records::ChangeRecords,
        staged_totals::Quota,
        staging::{NewStaged, Staged},
        writes::{Appended, Created, NewFile},
    },
    postgres_server,
};
use crate::schema::Schema;

/// A catalog that can be opened again.
pub(in super::super) struct Fixture {
    place: CatalogPlace,
    has_records: bool,
    _folder: Option<TempDir>,
}

impl Fixture {
    /// In a folder, whose blobs need no records.
    pub(in super::super) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let place = CatalogPlace::Sqlite(folder.path().join("catalog.sqlite"));
        Self { place, has_records: false, _folder: Some(folder) }
    }

    /// A catalog whose blobs are in another place.
    pub(in super::super) fn sqlite_with_records() -> Self {
        Self { has_records: true, ..Self::sqlite() }
    }

    /// `None` if there is no PostgreSQL.
    pub(in super::super) async fn postgres() -> Option<Self> {
        Some(Self::at(&postgres_server::database().await?))
    }

    pub(in super::super) fn at(url: &str) -> Self {
        let place = CatalogPlace::Postgres(PostgresUrl::parse(url).unwrap());
        Self { place, has_records: true, _folder: None }
    }

    pub(in super::super) async fn open(&self) -> Catalog {
        Catalog::open(&self.place, self.has_records, 10).await.unwrap()
    }

    pub(in super::super) async fn with_dataset(&self, dataset_id: &str) -> Catalog {
        let catalog = self.open().await;
        let created = catalog.create_dataset(None, dataset_id, None, 1_000).await.unwrap();
        assert_eq!(created, Created::Done);
        catalog
    }
}

/// Records an upload, as it is before its first byte. Small files have no records.
pub(in super::super) async fn begin(catalog: &Catalog, file: &NewFile) {
    if catalog.has_records && file.small.is_none() {
        let begin = ChangeRecords::Begin { file_id: &file.file_id, expires_at: i64::MAX };
        catalog.change_records(begin).await.unwrap();
    }
}

/// Deletes a dataset, or a file of it.
pub(super) async fn delete(
    catalog: &Catalog,
    owner: Option<&str>,
    dataset_id: &str,
    file_name: Option<&str>,
) -> Deleted {
    let record =
        catalog.has_records.then(|| DeletionRecord { id: new_file_id(), expires_at: i64::MAX });
    let deletion = Deletion { owner, dataset_id, file_name, now: 1, record };
    catalog.delete(&deletion).await.unwrap()
}

/// Appends files of uploads that were recorded.
pub(super) async fn append_files(
    catalog: &Catalog,
    dataset_id: &str,
    schema: &Schema,
    files: &[NewFile],
) -> Appended {
    for file in files {
        begin(catalog, file).await;
    }
    catalog.append(dataset_id, schema, files).await.unwrap()
}

/// Stages a file of an upload that was recorded.
pub(super) async fn stage_file(catalog: &Catalog, staged: NewStaged, quota: Quota) -> Staged {
    begin(catalog, &staged.file).await;
    catalog.stage(staged, quota).await.unwrap()
}

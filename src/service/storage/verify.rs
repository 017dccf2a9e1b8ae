//! Compares the bytes in the store with the catalog. Reads only, also while servers run.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, path::Path as BlobPath};

use super::{
    catalog::Catalog,
    compare_file::{Compared, ExpectedFile, compare, compare_small, failed, folder_store},
    database::Database,
    error::StorageError,
    new_blob::is_file_id,
    place::{BlobsPlace, CatalogPlace, Place},
    postgres::PostgresDatabase,
    rows::{is_small, sha256, unsigned},
    s3, sql,
    sqlite::SqliteDatabase,
    staging_queue::StagingQueue,
    statement::{Row, statement},
};
use crate::{
    error::{Error, Result},
    service::clock::now,
};

/// Number of rows that are read at once.
const AT_A_TIME: i64 = 500;
/// Number of blobs that are looked up at once.
const BLOBS_AT_A_TIME: usize = 500;
/// Number of blobs that are read at the same time.
const SIDE_BY_SIDE: usize = 4;
/// Number of connections to a database server.
const CONNECTIONS: u32 = 4;

/// The kinds of problems with blobs or with the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// The bytes of a file are not those that were stored, or the catalog contradicts itself.
    Damaged,
    /// A file has no bytes.
    Missing,
    /// Bytes belong to no file, and are older than any upload.
    Orphan,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// The id of the file, which is the name of its blob. `None` if it is about a dataset.
    pub file_id: Option<String>,
    /// The dataset; `None` for an orphan.
    pub dataset_id: Option<String>,
    /// The name in the dataset; `None` for an orphan or a dataset.
    pub file_name: Option<String>,
    /// A description.
    pub problem: String,
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Number of files and staged files in the catalog.
    pub file_count: u64,
    /// Their size in bytes.
    pub total_size_bytes: u64,
    /// Number of blobs of uploads and deletions that may be in progress.
    pub in_progress: u64,
    /// All problems.
    pub findings: Vec<Finding>,
}

/// Reads all bytes of a place, and compares them with its catalog. Blobs that are younger than
/// `upload_expiry` may belong to an upload in progress.
///
/// # Errors
/// [`Error::Configuration`] if the place cannot be read.
pub async fn verify(place: &Place, upload_expiry: Duration) -> Result<Verification> {
    let catalog = open_to_read(&place.catalog).await?;
    let (store, prefix) = match &place.blobs {
        BlobsPlace::Folder(folder) => (folder_store(folder)?, BlobPath::default()),
        BlobsPlace::S3(place) => s3::open_to_read(place)?,
    };
    let verifier = Verifier { catalog, store, prefix };
    let outcome = verifier.verify(upload_expiry).await;
    verifier.catalog.close().await;
    outcome.map_err(|error| Error::configuration(format!("cannot verify the place: {error}")))
}

async fn open_to_read(place: &CatalogPlace) -> Result<Catalog> {
    let database = match place {
        CatalogPlace::Sqlite(file) => Database::Sqlite(SqliteDatabase::open_to_read(file).await?),
        CatalogPlace::Postgres(url) => {
            Database::Postgres(PostgresDatabase::open_to_read(url, CONNECTIONS).await?)
        }
    };
    Ok(Catalog { database, staging: StagingQueue::default(), has_records: false })
}

struct Verifier {
    catalog: Catalog,
    store: Arc<dyn ObjectStore>,
    /// Where in the store the blobs are.
    prefix: BlobPath,
}

impl Verifier {
    async fn verify(
        &self,
        upload_expiry: Duration,
    ) -> std::result::Result<Verification, StorageError> {
        let mut found = Verification::default();
        self.compare_counts(&mut found).await?;
        for text in [sql::VERIFIED_FILES, sql::VERIFIED_STAGED] {
            self.compare_files(text, &mut found).await?;
        }
        self.find_small_orphans(&mut found).await?;
        self.find_orphans(upload_expiry, &mut found).await?;
        Ok(found)
    }

    /// Compares the numbers of files in the rows of datasets with their files.
    async fn compare_counts(
        &self,
        found: &mut Verification,
    ) -> std::result::Result<(), StorageError> {
        let mut last = String::new();
        loop {
            let select = statement(sql::VERIFIED_DATASETS).bind(&last).bind(AT_A_TIME);
            let rows = self.catalog.database.list(select, |row| {
                let noted: (i64, i64) = (row.get("file_count")?, row.get("total_size_bytes")?);
                let counted: (i64, i64) = (row.get("counted")?, row.get("summed")?);
                Ok((row.get::<String>("dataset_id")?, noted, counted))
            });
            let rows = rows.await?;
            let Some((id, ..)) = rows.last() else { return Ok(()) };
            last.clone_from(id);
            for (dataset_id, noted, counted) in rows.into_iter().filter(|row| row.1 != row.2) {
                let problem = format!(
                    "the catalog counts {} files and {} bytes, and has {} files of {} bytes",
                    noted.0, noted.1, counted.0, counted.1
                );
                let dataset_id = Some(dataset_id);
                let kind = FindingKind::Damaged;
                let finding = Finding { kind, file_id: None, dataset_id, file_name: None, problem };
                found.findings.push(finding);
            }
        }
    }

    async fn compare_files(
        &self,
        text: &'static str,
        found: &mut Verification,
    ) -> std::result::Result<(), StorageError> {
        let mut last = String::new();
        loop {
            let select = statement(text).bind(&last).bind(AT_A_TIME);
            let files = self.catalog.database.list(select, expected_file).await?;
            let Some(file) = files.last() else { return Ok(()) };
            last.clone_from(&file.file_id);
            found.file_count += files.len() as u64;
            found.total_size_bytes += files.iter().map(|file| file.size_bytes).sum::<u64>();
            let compared = files.into_iter().map(|file| self.compare_file(file));
            let mut compared = stream::iter(compared).buffered(SIDE_BY_SIDE);
            while let Some(finding) = compared.next().await {
                found.findings.extend(finding?);
            }
        }
    }

    async fn compare_file(
        &self,
        file: ExpectedFile,
    ) -> std::result::Result<Option<Finding>, StorageError> {
        let compared = if file.is_small {
            let bytes = self.catalog.small_blob(&file.file_id).await?;
            compare_small(bytes, &file).await?
        } else {
            let path = self.prefix.clone().join(file.file_id.as_str());
            compare(&*self.store, &path, &file).await?
        };
        let (kind, problem) = match compared {
            Compared::Same => return Ok(None),
            Compared::Missing => {
                (FindingKind::Missing, "its bytes are not in the store".to_owned())
            }
            Compared::Different(problem) => (FindingKind::Damaged, problem),
        };
        // It may have been deleted meanwhile.
        if self.kept_or_pending(std::slice::from_ref(&file.file_id)).await?.0.is_empty() {
            return Ok(None);
        }
        let ExpectedFile { file_id, dataset_id, file_name, .. } = file;
        let (file_id, dataset_id) = (Some(file_id), Some(dataset_id));
        Ok(Some(Finding { kind, file_id, dataset_id, file_name: Some(file_name), problem }))
    }

    /// Servers of an earlier release that delete a file leave its bytes in the catalog.
    async fn find_small_orphans(
        &self,
        found: &mut Verification,
    ) -> std::result::Result<(), StorageError> {
        let mut last = String::new();
        loop {
            let select = statement(sql::ORPHANS).bind(&last).bind(AT_A_TIME);
            let ids =
                self.catalog.database.list(select, |row| row.get::<String>("file_id")).await?;
            let Some(id) = ids.last() else { return Ok(()) };
            last.clone_from(id);
            found.findings.extend(ids.into_iter().map(|id| Finding {
                kind: FindingKind::Orphan,
                file_id: Some(id),
                dataset_id: None,
                file_name: None,
                problem: "bytes in the catalog belong to no file".to_owned(),
            }));
        }
    }

    /// Blobs are listed first: what is committed meanwhile is then found in the catalog.
    async fn find_orphans(
        &self,
        upload_expiry: Duration,
        found: &mut Verification,
    ) -> std::result::Result<(), StorageError> {
        let expiry = i64::try_from(upload_expiry.as_micros()).unwrap_or(i64::MAX);
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        let blobs = self.store.list(prefix).map_err(|error| failed(&error));
        let mut blobs = blobs.try_chunks(BLOBS_AT_A_TIME).map_err(|error| error.1);
        while let Some(blobs) = blobs.try_next().await? {
            let ids: Vec<_> = blobs
                .iter()
                .filter_map(|blob| blob.location.filename())
                .filter(|name| is_file_id(name))
                .map(str::to_owned)
                .collect();
            let (kept, pending) = self.kept_or_pending(&ids).await?;
            for blob in blobs {
                let id = blob.location.filename().unwrap_or_default();
                if !is_file_id(id) || kept.contains(id) {
                    continue;
                }
                let age = now().saturating_sub(blob.last_modified.timestamp_micros());
                if pending.contains(id) || age < expiry {
                    found.in_progress += 1;
                    continue;
                }
                let problem = format!("{} bytes belong to no file", blob.size);
                let (kind, file_id) = (FindingKind::Orphan, Some(id.to_owned()));
                let finding = Finding { kind, file_id, dataset_id: None, file_name: None, problem };
                found.findings.push(finding);
            }
        }
        Ok(())
    }

    /// The ids of files and staged files, and those with a record of an upload or a deletion.
    async fn kept_or_pending(
        &self,
        ids: &[String],
    ) -> std::result::Result<(HashSet<String>, HashSet<String>), StorageError> {
        if ids.is_empty() {
            return Ok((HashSet::new(), HashSet::new()));
        }
        // Read first: a commit ends the record.
        let select = statement(sql::recorded_among(ids.len())).bind_all(ids);
        let recorded: Vec<String> =
            self.catalog.database.list(select, |row| row.get("file_id")).await?;
        Ok((self.catalog.kept_among(ids).await?, recorded.into_iter().collect()))
    }
}

fn expected_file(row: &Row) -> std::result::Result<ExpectedFile, sqlx::Error> {
    Ok(ExpectedFile {
        file_id: row.get("file_id")?,
        dataset_id: row.get("dataset_id")?,
        file_name: row.get("file_name")?,
        size_bytes: unsigned(row, "size_bytes")?,
        row_count: unsigned(row, "row_count")?,
        sha256: sha256(row)?,
        is_small: is_small(row)?,
    })
}

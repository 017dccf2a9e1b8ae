//! The whole storage of a server, opened from one place.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, future::ready, stream};
use tokio_util::task::AbortOnDropHandle;

use super::{
    blobs::{Blobs, ByteStream, damaged},
    catalog::Catalog,
    catalog_records::CatalogRecords,
    commit_staged::{Committed, StagedCommit},
    deletion::{Deleted, Deletion, DeletionRecord},
    error::StorageError,
    folder::{FolderBlobs, UsedFolders},
    new_blob::{BlobPlace, NewBlob, StoredBlob, new_file_id},
    pending::Pending,
    place::{BlobsPlace, CatalogPlace, Place},
    records::STATEMENT_IDS,
    rows::StoredFile,
    s3::S3Blobs,
    small_blobs::slice,
    sqlite::folder_of,
    staged_totals::Quota,
    staging::{NewStaged, Staged, StagedSchema},
    sweep::Swept,
    writes::{Appended, NewFile},
};
use crate::{
    error::{Error, Result},
    schema::Schema,
    service::clock::now,
};

/// The expiry of staged files and of uploads, and the limits of one owner.
#[derive(Clone, Copy)]
pub(crate) struct StorageRules {
    pub(crate) stage_expiry: Duration,
    /// Only for uploads with a record in the catalog.
    pub(crate) upload_expiry: Duration,
    pub(crate) quota: Quota,
    /// Number of connections to a database server.
    pub(crate) most_connections: u32,
}

impl StorageRules {
    /// The pause between two sweeps: what has expired stays at most this much longer.
    fn sweep_pause(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(10);
        const LONGEST: Duration = Duration::from_mins(1);
        (self.stage_expiry.min(self.upload_expiry) / 4).clamp(SHORTEST, LONGEST)
    }

    fn stage_expires_at(&self) -> i64 {
        let expiry = i64::try_from(self.stage_expiry.as_micros()).unwrap_or(i64::MAX);
        now().saturating_add(expiry)
    }
}

/// Microseconds for which a deletion is recorded: longer than its outcome is looked up.
const DELETION_RECORDED: i64 = 300_000_000;

/// Catalog and blobs.
pub(crate) struct Storage {
    kept: Swept,
    rules: StorageRules,
    sweeper: AbortOnDropHandle<()>,
    /// Dropped last, so that no other process opens a folder before everything is closed.
    folders: UsedFolders,
}

impl Storage {
    /// Opens the storage, creates it if it is missing, and removes what unfinished uploads left
    /// behind. What expires later is removed in the background.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the catalog cannot be read, [`Error::FolderInUse`] if another
    /// process has the folder, [`Error::File`] if it cannot be written.
    pub(crate) async fn open(place: &Place, rules: StorageRules) -> Result<Self> {
        let is_one_folder = place.is_one_folder();
        let mut folders = UsedFolders::default();
        if let CatalogPlace::Sqlite(file) = &place.catalog {
            folders.lock(folder_of(file)).await?;
        }
        let most_connections = rules.most_connections;
        let catalog = Catalog::open(&place.catalog, !is_one_folder, most_connections).await?;
        let catalog = Arc::new(catalog);
        if let CatalogPlace::Sqlite(file) = &place.catalog {
            folders.expect(file)?;
        }
        let records = || {
            let catalog = Arc::clone(&catalog);
            Arc::new(CatalogRecords { catalog, expiry: rules.upload_expiry })
        };
        let (blobs, pending): (Arc<dyn Blobs>, Arc<dyn Pending>) = match &place.blobs {
            BlobsPlace::Folder(folder) => {
                let blobs = Arc::new(FolderBlobs::open(folder)?);
                folders.expect(folder)?;
                if is_one_folder { (blobs.clone(), blobs) } else { (blobs, records()) }
            }
            BlobsPlace::S3(place) => (Arc::new(S3Blobs::open(place).await?), records()),
        };
        let kept = Swept { catalog, blobs, pending };
        if let BlobsPlace::Folder(folder) = &place.blobs
            && is_one_folder
        {
            kept.sweep().await.map_err(|error| Error::File {
                path: folder.clone(),
                source: io::Error::other(error.to_string()),
            })?;
        }
        let sweeper = kept.clone().keep_sweeping(rules.sweep_pause(), !is_one_folder);
        let sweeper = AbortOnDropHandle::new(tokio::spawn(sweeper));
        Ok(Self { kept, rules, sweeper, folders })
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.kept.catalog
    }

    /// Checks whether storage can be written at the moment.
    pub(crate) fn check_writable(&self) -> Result<(), StorageError> {
        if self.catalog().has_failed() {
            return Err(StorageError::WritesStopped);
        }
        if !self.folders.is_in_place() {
            return Err(StorageError::FolderReplaced);
        }
        Ok(())
    }

    /// Checks whether storage can be written at the moment, as [`Self::check_writable`], and whether
    /// the catalog and the store of the blobs respond.
    pub(crate) async fn check_ready(&self) -> Result<(), StorageError> {
        self.check_writable()?;
        self.catalog().check_reachable().await?;
        self.check_blobs_reachable().await
    }

    /// Checks whether the store of the blobs responds, unless it has responded recently.
    pub(crate) async fn check_blobs_reachable(&self) -> Result<(), StorageError> {
        self.kept.blobs.check_reachable().await
    }

    /// A new blob of at most so many bytes.
    pub(crate) fn new_blob(&self, owner: Option<&str>, most_bytes: u64) -> NewBlob {
        let Swept { blobs, pending, .. } = &self.kept;
        let place = BlobPlace { blobs: Arc::clone(blobs), pending: Arc::clone(pending) };
        NewBlob::new(place, owner, most_bytes)
    }

    /// Reads a range of a complete blob.
    pub(crate) async fn read_range(
        &self,
        blob: &StoredBlob,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        if let Some(bytes) = blob.kept(&range) {
            return Ok(bytes);
        }
        let bytes = self.kept.blobs.read(&blob.file_id, blob.size_bytes, range).await?;
        Ok(bytes.try_collect::<BytesMut>().await?.freeze())
    }

    /// Reads a range of a file. The range is not empty, unless the file is.
    ///
    /// # Errors
    /// [`StorageError::Deleted`] if the file was deleted after it was looked up.
    pub(crate) async fn read(
        &self,
        file: &StoredFile,
        range: Range<u64>,
    ) -> Result<ByteStream, StorageError> {
        let read = if file.is_small {
            self.read_small(file, range).await
        } else {
            self.kept.blobs.read(&file.file_id, file.size_bytes, range).await
        };
        match read {
            Err(StorageError::BlobDamaged(why)) => {
                let ids = std::slice::from_ref(&file.file_id);
                let is_kept = !self.catalog().kept_among(ids).await?.is_empty();
                Err(if is_kept { StorageError::BlobDamaged(why) } else { StorageError::Deleted })
            }
            read => read,
        }
    }

    async fn read_small(
        &self,
        file: &StoredFile,
        range: Range<u64>,
    ) -> Result<ByteStream, StorageError> {
        let StoredFile { file_id, size_bytes, .. } = file;
        let bytes = self.catalog().small_blob(file_id).await?;
        let bytes = bytes.filter(|bytes| bytes.len() as u64 == *size_bytes);
        let bytes = bytes.and_then(|bytes| slice(&bytes, &range));
        let bytes = bytes.ok_or_else(|| damaged(file_id, *size_bytes))?;
        Ok(stream::once(ready(Ok(bytes))).boxed())
    }

    /// Appends stored blobs to a dataset: see [`Catalog::append`]. Deletes blobs that certainly did
    /// not become files.
    pub(crate) async fn append(
        &self,
        dataset_id: &str,
        data_schema: &Schema,
        files: &[NewFile],
    ) -> Result<Appended, StorageError> {
        let appended = self.catalog().append(dataset_id, data_schema, files).await;
        let is_undone = match &appended {
            Ok(appended) => *appended != Appended::Done,
            // Otherwise the file may exist, so its blob stays; the next start decides.
            Err(error) => error.is_undone(),
        };
        if is_undone {
            for file in files.iter().filter(|file| file.small.is_none()) {
                self.remove(&file.file_id).await;
            }
        }
        appended
    }

    /// Stages a stored blob for a dataset: see [`Catalog::stage`]. Returns the time at which the file
    /// expires. Deletes a blob that certainly was not staged.
    pub(crate) async fn stage(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        schema: StagedSchema,
        file: NewFile,
    ) -> Result<(Staged, i64), StorageError> {
        let blob = file.small.is_none().then(|| file.file_id.clone());
        let expires_at = self.rules.stage_expires_at();
        let file = NewStaged {
            owner: owner.unwrap_or_default().to_owned(),
            dataset_id: dataset_id.to_owned(),
            file,
            schema,
            expires_at,
        };
        let staged = self.catalog().stage(file, self.rules.quota).await;
        let is_undone = match &staged {
            Ok(staged) => *staged != Staged::Done,
            // Otherwise it may be staged; it expires, or the next start removes it.
            Err(error) => error.is_undone(),
        };
        if is_undone && let Some(file_id) = blob {
            self.remove(&file_id).await;
        }
        staged.map(|staged| (staged, expires_at))
    }

    /// Checks whether an owner may stage this many more bytes at the moment.
    pub(crate) async fn check_quota(
        &self,
        owner: Option<&str>,
        bytes: u64,
    ) -> Result<Staged, StorageError> {
        let totals = self.catalog().staged_by(owner.unwrap_or_default()).await?;
        let is_within = self.rules.quota.allows(totals, bytes);
        Ok(if is_within { Staged::Done } else { Staged::TooMuch(totals) })
    }

    /// Commits staged files to their dataset: see [`Catalog::commit_staged`].
    pub(crate) async fn commit_staged(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        expected_file_count: u64,
        staged_ids: &[String],
    ) -> Result<Committed, StorageError> {
        let now = now();
        let commit = StagedCommit { owner, dataset_id, expected_file_count, staged_ids, now };
        self.catalog().commit_staged(commit).await
    }

    /// Deletes a dataset of an owner from the catalog, or a file of it. Returns the ids of blobs for
    /// [`Self::remove_all`].
    pub(crate) async fn delete(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        file_name: Option<&str>,
    ) -> Result<Deleted, StorageError> {
        let now = now();
        let record = self.catalog().has_records.then(|| DeletionRecord {
            id: new_file_id(),
            expires_at: now.saturating_add(DELETION_RECORDED),
        });
        let deletion = Deletion { owner, dataset_id, file_name, now, record };
        self.catalog().delete(&deletion).await
    }

    /// Number of ids for one call of [`Self::remove_all`].
    pub(crate) const REMOVED_AT_A_TIME: usize = STATEMENT_IDS;

    /// Deletes blobs of files that were deleted from the catalog.
    pub(crate) async fn remove_all(&self, file_ids: &[String]) {
        // The sweep, or in a folder the next start, removes the rest.
        if let Err(error) = self.kept.remove_all(file_ids).await {
            tracing::warn!("not all blobs of deleted files were removed yet: {error}");
        }
    }

    /// Deletes a stored blob that will not become a file.
    pub(crate) async fn discard(&self, blob: StoredBlob) {
        if blob.small().is_none() {
            self.remove(&blob.file_id).await;
        }
    }

    async fn remove(&self, file_id: &str) {
        // The next start removes it.
        if let Err(error) = self.kept.remove(file_id).await {
            tracing::warn!("a refused upload was not removed: {error}");
        }
    }

    pub(crate) async fn close(&self) {
        self.sweeper.abort();
        self.catalog().close().await;
    }
}

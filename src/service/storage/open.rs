//! The whole storage of a server, opened from one place.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio_util::task::AbortOnDropHandle;

use super::{
    blobs::ByteStream,
    catalog::Catalog,
    error::StorageError,
    folder::{FolderBlobs, WholeFolder},
    new_blob::{NewBlob, StoredBlob, new_file_id},
    pending::PendingBlob,
    place::{BlobsPlace, CatalogPlace, Place},
    sqlite::folder_of,
    staging::{Committed, NewStaged, Quota, SchemaText, Staged, StagedCommit},
    sweep::Swept,
    writes::{Appended, NewFile},
};
use crate::{
    error::{Error, Result},
    schema::Schema,
    service::clock::now,
};

/// How long files stay staged, and how much one owner may stage.
#[derive(Clone, Copy)]
pub(crate) struct StagingRules {
    pub(crate) expiry: Duration,
    pub(crate) quota: Quota,
}

impl StagingRules {
    /// The pause between two sweeps: expired files stay at most this much longer.
    fn sweep_pause(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(10);
        const LONGEST: Duration = Duration::from_mins(1);
        (self.expiry / 4).clamp(SHORTEST, LONGEST)
    }

    fn expires_at(&self) -> i64 {
        let expiry = i64::try_from(self.expiry.as_micros()).unwrap_or(i64::MAX);
        now().saturating_add(expiry)
    }
}

/// Catalog and blobs.
pub(crate) struct Storage {
    kept: Swept,
    staging: StagingRules,
    sweeper: AbortOnDropHandle<()>,
    /// Dropped last, so that nobody else opens the folder before everything is closed.
    folder: WholeFolder,
}

impl Storage {
    /// Opens the storage, creates it if it is missing, and removes what unfinished uploads left
    /// behind. Expired staged files are removed in the background, from now on.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the catalog cannot be read, [`Error::FolderInUse`] if another
    /// process has the folder, [`Error::File`] if it cannot be written.
    pub(crate) async fn open(place: &Place, staging: StagingRules) -> Result<Self> {
        if !place.is_one_folder() {
            return Err(Error::configuration("catalog and files must be in one folder"));
        }
        let CatalogPlace::Sqlite(file) = &place.catalog;
        let BlobsPlace::Folder(blobs_folder) = &place.blobs;
        let mut folder = WholeFolder::lock(folder_of(file)).await?;
        let catalog = Arc::new(Catalog::open(file).await?);
        folder.expect(file)?;
        let blobs = FolderBlobs::open(blobs_folder)?;
        folder.expect(blobs_folder)?;
        let pending = Arc::new(blobs.clone());
        let kept = Swept { catalog, blobs: Arc::new(blobs), pending };
        kept.sweep().await.map_err(|error| Error::File {
            path: blobs_folder.clone(),
            source: io::Error::other(error.to_string()),
        })?;
        let sweeper = kept.clone().keep_sweeping(staging.sweep_pause());
        let sweeper = AbortOnDropHandle::new(tokio::spawn(sweeper));
        Ok(Self { kept, staging, sweeper, folder })
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.kept.catalog
    }

    /// Checks whether storage can be written at the moment.
    pub(crate) fn check_writable(&self) -> Result<(), StorageError> {
        if self.catalog().has_failed() {
            return Err(StorageError::WritesStopped);
        }
        if !self.folder.is_in_place() {
            return Err(StorageError::FolderReplaced);
        }
        Ok(())
    }

    /// Records a blob, then creates it.
    pub(crate) async fn create_blob(&self, owner: Option<&str>) -> Result<NewBlob, StorageError> {
        let file_id = new_file_id();
        self.kept.pending.begin(&PendingBlob { file_id: &file_id, owner, begun_at: now() }).await?;
        let writer = self.kept.blobs.create(&file_id).await?;
        Ok(NewBlob::new(file_id, writer))
    }

    /// Reads a range of a complete blob.
    pub(crate) async fn read_range(
        &self,
        blob: &StoredBlob,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        self.kept.blobs.read_range(&blob.file_id, range).await
    }

    /// Reads the bytes of a file.
    pub(crate) async fn read(&self, file_id: &str, size: u64) -> Result<ByteStream, StorageError> {
        self.kept.blobs.read(file_id, size).await
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
            for file in files {
                self.remove(&file.file_id).await;
            }
        }
        appended
    }

    /// Stages a stored blob for a dataset: see [`Catalog::stage`]. `data_schema` is `None` if it is
    /// the dataset's. Returns the time at which the file expires. Deletes a blob that certainly was
    /// not staged.
    pub(crate) async fn stage(
        &self,
        owner: Option<&str>,
        dataset_id: &str,
        data_schema: Option<&Schema>,
        file: NewFile,
    ) -> Result<(Staged, i64), StorageError> {
        let (file_id, expires_at) = (file.file_id.clone(), self.staging.expires_at());
        let file = NewStaged {
            owner: owner.unwrap_or_default().to_owned(),
            dataset_id: dataset_id.to_owned(),
            file,
            schema: data_schema.map(SchemaText::of),
            expires_at,
        };
        let staged = self.catalog().stage(file, self.staging.quota).await;
        let is_undone = match &staged {
            Ok(staged) => *staged != Staged::Done,
            // Otherwise it may be staged; it expires, or the next start removes it.
            Err(error) => error.is_undone(),
        };
        if is_undone {
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
        let Quota { max_files, max_bytes } = self.staging.quota;
        let is_within = totals.files < max_files && totals.bytes.saturating_add(bytes) <= max_bytes;
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

    /// Deletes a stored blob that will not become a file.
    pub(crate) async fn discard(&self, blob: StoredBlob) {
        self.remove(&blob.file_id).await;
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

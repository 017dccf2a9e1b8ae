//! Syncs of the folder, which make the names of its blobs durable.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

use crate::service::storage::{error::StorageError, io_error::of_io, shared_work::SharedWork};

pub(super) struct FolderSync {
    folder: PathBuf,
    /// One sync covers all names that were there when it began.
    syncs: SharedWork<(), Result<(), StorageError>>,
}

impl FolderSync {
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), syncs: SharedWork::default() }
    }

    /// Makes a blob durable that is complete and has its name.
    pub(super) async fn make_durable(&self, name: &str) -> Result<(), StorageError> {
        sync(self.folder.join(name)).await?;
        // A folder can only be opened on Unix.
        if cfg!(not(unix)) {
            return Ok(());
        }
        let sync_all = |waiting: Vec<()>| async move {
            let synced = sync(self.folder.clone()).await;
            vec![synced; waiting.len()]
        };
        let synced = self.syncs.outcome_of((), sync_all).await;
        synced.unwrap_or_else(|| Err(StorageError::BlobFailed("its sync was cancelled".to_owned())))
    }
}

async fn sync(path: PathBuf) -> Result<(), StorageError> {
    let synced: io::Result<()> = spawn_blocking(move || File::open(path)?.sync_all())
        .await
        .map_err(|error| StorageError::BlobFailed(error.to_string()))?;
    synced.map_err(|error| of_io(&error, error.to_string()))
}

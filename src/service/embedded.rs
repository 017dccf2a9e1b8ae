//! The service as a library has it.

use std::{path::Path, sync::Arc};

use axum::Router;
use tokio::time::timeout;

use super::{
    app_state::{Access, AppState, Life},
    hosts::Hosts,
    keys::Keys,
    limits::Limits,
    router::router,
    serve::STOP_PATIENCE,
    storage::{Place, Quota, StagingRules, Storage, UploadRecord},
};
use crate::error::{Error, Result};

/// The service on one folder. Cheap to clone; the folder is free again when the last clone
/// and the last request are gone.
#[derive(Clone)]
pub struct Service {
    app: Arc<AppState>,
}

impl Service {
    /// Opens the datasets of a folder, which is made if it is missing, and sweeps what
    /// unfinished uploads have left behind.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] if another process has the folder, [`Error::Configuration`] if its
    /// catalog cannot be read, [`Error::File`] if it cannot be written.
    pub async fn open(folder: &Path, keys: Keys, limits: Limits) -> Result<Self> {
        Self::open_for_hosts(folder, keys, limits, None).await
    }

    /// As [`Service::open`]; requests under other hosts than IP addresses, `localhost` and
    /// `hosts` are refused.
    pub(super) async fn open_for_hosts(
        folder: &Path,
        keys: Keys,
        limits: Limits,
        hosts: Option<Vec<String>>,
    ) -> Result<Self> {
        let quota =
            Quota { max_files: limits.max_staged_files, max_bytes: limits.max_staged_bytes };
        let staging = StagingRules { expiry: limits.stage_expiry, quota };
        let storage = Storage::open(&Place::parse(folder)?, staging).await?;
        let access = Access { keys, hosts: Hosts::only(hosts) };
        Ok(Self { app: Arc::new(AppState::new(storage, access, limits)) })
    }

    /// The routes of the API.
    pub fn router(&self) -> Router {
        router(Arc::clone(&self.app))
    }

    /// When the files of a dataset were received and committed, in the dataset's order.
    ///
    /// # Errors
    /// [`Error::Internal`] if the catalog cannot be read.
    pub async fn upload_records(&self, dataset_id: &str) -> Result<Vec<UploadRecord>> {
        let records = self.app.storage.catalog().upload_records(dataset_id).await;
        records.map_err(|error| Error::Internal(error.to_string()))
    }

    /// From now on, no upload begins.
    pub(super) fn begin_stop(&self) {
        self.app.advance_to(Life::Stopping);
    }

    /// Waits until running uploads have ended, and closes the catalog.
    pub(super) async fn close(self) {
        self.app.advance_to(Life::Closed);
        self.app.uploads.tasks.close();
        let _ = timeout(STOP_PATIENCE, self.app.uploads.tasks.wait()).await;
        self.app.storage.close().await;
    }
}

//! The server as a library.

use std::sync::Arc;

use axum::Router;
use tokio::time::timeout;

use super::{
    app_state::{Access, AppState, Life},
    catalog_keys::CatalogKeys,
    hosts::Hosts,
    keys::Keys,
    limits::Limits,
    router::router,
    serve::STOP_PATIENCE,
    storage::{Place, Quota, Storage, StorageRules, UploadRecord},
};
use crate::error::{Error, Result};

/// The server's state on one place. Cheap to clone; a folder is free again when the last clone
/// is dropped and the last request has ended.
#[derive(Clone)]
pub struct Service {
    app: Arc<AppState>,
}

impl Service {
    /// Opens the datasets of a place, which is created if it is missing, and removes what
    /// unfinished uploads left behind.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] if another process has the folder, [`Error::Configuration`] if its
    /// catalog cannot be read, [`Error::File`] if it cannot be written.
    pub async fn open(place: &Place, keys: Keys, limits: Limits) -> Result<Self> {
        Ok(Self::on(open_storage(place, limits).await?, keys, limits, None))
    }

    /// Rejects requests for other hosts than IP addresses, `localhost` and `hosts`, unless this is
    /// `None`.
    pub(super) fn on(
        storage: Storage,
        keys: Keys,
        limits: Limits,
        hosts: Option<Vec<String>>,
    ) -> Self {
        let (catalog_keys, hosts) = (CatalogKeys::default(), Hosts::only(hosts));
        let access = Access { keys, catalog_keys, hosts };
        Self { app: Arc::new(AppState::new(storage, access, limits)) }
    }

    /// The routes of the API.
    pub fn router(&self) -> Router {
        router(Arc::clone(&self.app))
    }

    /// The times at which the files of a dataset were received and committed, in the dataset's
    /// order.
    ///
    /// # Errors
    /// [`Error::Internal`] if the catalog cannot be read.
    pub async fn upload_records(&self, dataset_id: &str) -> Result<Vec<UploadRecord>> {
        let records = self.app.storage.catalog().upload_records(dataset_id).await;
        records.map_err(|error| Error::Internal(error.to_string()))
    }

    /// Rejects new uploads from now on.
    pub(super) fn begin_stop(&self) {
        self.app.advance_to(Life::Stopping);
    }

    /// Waits for running uploads, and closes the catalog.
    pub(super) async fn close(self) {
        self.app.advance_to(Life::Closed);
        self.app.uploads.tasks.close();
        let _ = timeout(STOP_PATIENCE, self.app.uploads.tasks.wait()).await;
        self.app.storage.close().await;
    }
}

/// Opens the storage of a server: see [`Service::open`].
pub(super) async fn open_storage(place: &Place, limits: Limits) -> Result<Storage> {
    let quota = Quota { max_files: limits.max_staged_files, max_bytes: limits.max_staged_bytes };
    let rules = StorageRules {
        stage_expiry: limits.stage_expiry,
        upload_expiry: limits.upload_expiry,
        quota,
        most_connections: limits.catalog_connections,
    };
    Storage::open(place, rules).await
}

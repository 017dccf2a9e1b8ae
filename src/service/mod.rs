//! The embedded service: the dataset API on a folder.
//!
//! ```text
//! routes ──> receive ──> blobs ──> admission ──> catalog
//!  key,       multipart,  durable   footer,       name and position:
//!  JSON       streamed    bytes     schema        now the file exists
//! ```

mod admission;
mod blobs;
mod body;
mod catalog;
mod local;
mod lock;
mod receive;
mod refusal;
mod routes;
mod serve;

pub use catalog::UploadRecord;
pub use local::{LocalServer, ServerConfig, shared};

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::Router;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use self::{
    blobs::Blobs, catalog::Catalog, lock::FolderLock, refusal::Refusal, serve::STOP_PATIENCE,
};
use crate::{
    credentials::ApiKey,
    error::{Error, Result},
};

/// The service on one folder. Cheap to clone; the folder is free again when the last clone
/// and the last request are gone.
#[derive(Clone)]
pub struct Service {
    state: Arc<State>,
}

struct State {
    api_keys: Vec<ApiKey>,
    catalog: Catalog,
    blobs: Blobs,
    /// Uploads that are received or committed, or cleaned up behind.
    uploads: TaskTracker,
    /// From now on, nothing is committed.
    is_closing: AtomicBool,
    /// Dropped last: nobody else opens the folder before everything is closed.
    _lock: FolderLock,
}

impl Service {
    /// Opens the datasets of a folder, which is made where needed, and sweeps what an
    /// unfinished upload has left behind.
    ///
    /// # Errors
    /// [`Error::Configuration`] where another process has the folder open or its catalog
    /// cannot be read, [`Error::File`] where it cannot be written.
    pub async fn open(folder: &Path, api_keys: Vec<ApiKey>) -> Result<Self> {
        let lock = FolderLock::take(folder).await?;
        let catalog = Catalog::open(folder).await.map_err(|error| {
            Error::Configuration(format!(
                "the catalog in {} cannot be opened: {error}",
                folder.display()
            ))
        })?;
        let blobs = Blobs::open(folder)?;
        let known = catalog.file_ids().await.map_err(|error| Error::Internal(error.to_string()))?;
        blobs.sweep(&known)?;
        let state = State {
            api_keys,
            catalog,
            blobs,
            uploads: TaskTracker::new(),
            is_closing: AtomicBool::new(false),
            _lock: lock,
        };
        Ok(Self { state: Arc::new(state) })
    }

    /// The routes of the API.
    pub fn router(&self) -> Router {
        routes::router(self.clone())
    }

    /// When the files of a dataset were received and committed, in the dataset's order.
    ///
    /// # Errors
    /// [`Error::Internal`] where the catalog cannot be read.
    pub async fn upload_records(&self, dataset_id: &str) -> Result<Vec<UploadRecord>> {
        let records = self.state.catalog.upload_records(dataset_id).await;
        records.map_err(|error| Error::Internal(error.to_string()))
    }

    /// Waits until running uploads have ended, and closes the catalog.
    async fn close(self) {
        self.state.is_closing.store(true, Ordering::Relaxed);
        self.state.uploads.close();
        let _ = timeout(STOP_PATIENCE, self.state.uploads.wait()).await;
        self.state.catalog.close().await;
    }
}

impl State {
    fn refuse_when_closing(&self) -> Result<(), Refusal> {
        if self.is_closing.load(Ordering::Relaxed) { Err(Refusal::closing()) } else { Ok(()) }
    }
}

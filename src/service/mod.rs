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
#[cfg(test)]
mod catalog_histories;
mod catalog_readers;
mod catalog_writer;
mod catalog_writes;
mod closing_boundary;
mod common_mistakes;
mod connections;
mod content_hash;
mod guard;
mod in_progress;
#[cfg(test)]
mod kept_schemas;
mod keys;
mod limits;
mod listing;
mod local;
mod lock;
mod metrics;
mod openapi;
mod private_files;
mod receive;
mod refusal;
mod routes;
mod serve;
mod storage_error;

pub use catalog::UploadRecord;
pub use keys::Keys;
pub use limits::Limits;
pub use local::{LocalServer, ServerConfig, shared};

use std::{
    io::ErrorKind,
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::Router;
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::task::TaskTracker;

use self::{
    blobs::{BLOBS_FOLDER, Blobs},
    catalog::{CATALOG_FILE, Catalog},
    in_progress::InProgress,
    lock::{FolderLock, LOCK_FILE},
    metrics::Metrics,
    private_files::Found,
    refusal::Refusal,
    serve::STOP_PATIENCE,
};
use crate::error::{Error, Result};

/// The service on one folder. Cheap to clone; the folder is free again when the last clone
/// and the last request are gone.
#[derive(Clone)]
pub struct Service {
    state: Arc<State>,
}

struct State {
    keys: Keys,
    limits: Limits,
    /// Names under which it may be asked; `None` for all.
    hosts: Option<Vec<String>>,
    catalog: Catalog,
    blobs: Blobs,
    /// What makes up the folder.
    parts: [Found; 3],
    /// Uploads that are received or committed, or cleaned up behind.
    uploads: TaskTracker,
    upload_slots: Semaphore,
    in_progress: InProgress,
    metrics: Metrics,
    /// Uploads that have begun may end; no other begins.
    is_stopping: AtomicBool,
    /// Nothing is committed any more.
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
    pub async fn open(folder: &Path, keys: Keys, limits: Limits) -> Result<Self> {
        Self::open_for_hosts(folder, keys, limits, None).await
    }

    /// As [`Service::open`]; requests under other hosts than IP addresses, `localhost` and
    /// `hosts` are refused.
    async fn open_for_hosts(
        folder: &Path,
        keys: Keys,
        limits: Limits,
        hosts: Option<Vec<String>>,
    ) -> Result<Self> {
        let lock = FolderLock::take(folder).await?;
        let catalog = Catalog::open(folder).await.map_err(|error| match error {
            // SQLite gets a thread.
            sqlx::Error::Io(error) if error.kind() == ErrorKind::WouldBlock => {
                Error::no_more_threads(&error)
            }
            error => Error::Configuration(format!(
                "the catalog in {} cannot be opened: {error}",
                folder.display()
            )),
        })?;
        let blobs = Blobs::open(folder)?;
        let known = catalog.file_ids().await.map_err(|error| Error::Internal(error.to_string()))?;
        blobs.sweep(&known)?;
        let parts = [LOCK_FILE, CATALOG_FILE, BLOBS_FOLDER].map(|part| {
            let path = folder.join(part);
            Found::at(path.clone()).map_err(|source| Error::File { path, source })
        });
        let [lock_file, catalog_file, blobs_folder] = parts;
        let state = State {
            parts: [lock_file?, catalog_file?, blobs_folder?],
            keys,
            limits,
            hosts,
            catalog,
            blobs,
            uploads: TaskTracker::new(),
            upload_slots: Semaphore::new(limits.max_uploads),
            in_progress: InProgress::default(),
            metrics: Metrics::new(),
            is_stopping: AtomicBool::new(false),
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

    /// From now on, no upload begins.
    fn begin_stop(&self) {
        self.state.is_stopping.store(true, Ordering::Relaxed);
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
    /// Before something begins.
    fn refuse_when_stopping(&self) -> Result<(), Refusal> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err(Refusal::stopping());
        }
        self.refuse_when_closed()
    }

    /// Before something is committed.
    fn refuse_when_closed(&self) -> Result<(), Refusal> {
        if self.is_closing.load(Ordering::Relaxed) {
            return Err(Refusal::stopping());
        }
        if self.catalog.has_failed() {
            return Err(Refusal::writing_stopped());
        }
        // What is written into a folder that somebody has removed is lost with it.
        if !self.parts.iter().all(Found::is_in_place) {
            return Err(Refusal::folder_replaced());
        }
        Ok(())
    }

    fn is_own_host(&self, host: &str) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address
            || host.eq_ignore_ascii_case("localhost")
            || hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

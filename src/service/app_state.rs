//! State that all requests share.

use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use super::{
    catalog_keys::CatalogKeys, hosts::Hosts, in_progress::InProgress, keys::Keys, limits::Limits,
    metrics::Metrics, refusal::Refusal, storage::Storage,
};

pub(super) struct AppState {
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) storage: Storage,
    pub(super) uploads: Uploads,
    pub(super) metrics: Metrics,
    life: watch::Sender<Life>,
}

/// The accepted keys and host names.
pub(super) struct Access {
    /// The keys that the server was started with.
    pub(super) keys: Keys,
    pub(super) catalog_keys: CatalogKeys,
    pub(super) hosts: Hosts,
}

/// Uploads that have not ended.
pub(super) struct Uploads {
    /// Tasks that receive, commit or clean up uploads.
    pub(super) tasks: TaskTracker,
    /// Limits how many are received at a time.
    pub(super) slots: Semaphore,
    /// For the page and the metrics.
    pub(super) in_progress: InProgress,
}

impl Uploads {
    /// Runs work in a separate task, so that a client that disconnects does not interrupt it.
    pub(super) async fn uninterrupted<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.tasks.spawn(work).await.unwrap_or_else(|error| Err(Refusal::defect(&error)))
    }
}

/// What the server still accepts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    Open,
    /// Running uploads may finish; new ones are rejected.
    Stopping,
    /// Nothing is committed.
    Closed,
}

impl AppState {
    pub(super) fn new(storage: Storage, access: Access, limits: Limits) -> Self {
        let uploads = Uploads {
            tasks: TaskTracker::new(),
            slots: Semaphore::new(limits.max_uploads),
            in_progress: InProgress::default(),
        };
        let (metrics, life) = (Metrics::new(), watch::Sender::new(Life::Open));
        Self { access, limits, storage, uploads, metrics, life }
    }

    /// Never goes back to an earlier state.
    pub(super) fn advance_to(&self, life: Life) {
        self.life.send_modify(|now| *now = life.max(*now));
    }

    /// To be called before an upload or commit starts.
    pub(super) fn check_open(&self) -> Result<(), Refusal> {
        self.check_life(Life::Open)
    }

    /// To be called before a commit.
    pub(super) fn check_not_closed(&self) -> Result<(), Refusal> {
        self.check_life(Life::Stopping)
    }

    /// Whether the catalog is closed, or will be in a moment.
    pub(super) fn is_closed(&self) -> bool {
        *self.life.borrow() == Life::Closed
    }

    fn check_life(&self, latest: Life) -> Result<(), Refusal> {
        if *self.life.borrow() > latest {
            return Err(Refusal::stopping());
        }
        Ok(self.storage.check_writable()?)
    }
}

//! What all requests share.

use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use super::{
    hosts::Hosts, in_progress::InProgress, keys::Keys, limits::Limits, metrics::Metrics,
    refusal::Refusal, storage::Storage,
};

pub(super) struct AppState {
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) storage: Storage,
    pub(super) uploads: Uploads,
    pub(super) metrics: Metrics,
    life: watch::Sender<Life>,
}

/// Who may call, and under which names.
pub(super) struct Access {
    pub(super) keys: Keys,
    pub(super) hosts: Hosts,
}

/// Uploads that have not ended.
pub(super) struct Uploads {
    /// Those that are received or committed, or cleaned up behind.
    pub(super) tasks: TaskTracker,
    /// Room for those that are received.
    pub(super) slots: Semaphore,
    /// For those who look in.
    pub(super) in_progress: InProgress,
}

/// What the service still does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    Open,
    /// Uploads that have begun may end; no other begins.
    Stopping,
    /// Nothing is committed any more.
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

    /// It never goes back.
    pub(super) fn advance_to(&self, life: Life) {
        self.life.send_modify(|now| *now = life.max(*now));
    }

    /// Before something begins.
    pub(super) fn check_open(&self) -> Result<(), Refusal> {
        self.check_life(Life::Open)
    }

    /// Before something is committed.
    pub(super) fn check_not_closed(&self) -> Result<(), Refusal> {
        self.check_life(Life::Stopping)
    }

    fn check_life(&self, latest: Life) -> Result<(), Refusal> {
        if *self.life.borrow() > latest {
            return Err(Refusal::stopping());
        }
        Ok(self.storage.check_writable()?)
    }
}

//! Connections on which nobody has given a key yet. Only so many stay open: they take the
//! handles that the service needs for its files.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

/// All such connections, the oldest first.
#[derive(Clone)]
pub(super) struct Strangers {
    most: usize,
    open: Arc<Mutex<VecDeque<Arc<Notify>>>>,
}

/// One of them. It is none any more when it is dropped.
pub(super) struct Stranger {
    all: Strangers,
    /// Told when the connection is to be closed.
    is_over: Arc<Notify>,
    is_known: AtomicBool,
}

impl Strangers {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.min(share_of_handles()).max(1), open: Arc::default() }
    }

    /// Takes in a connection, in the place of the oldest one where there are as many as may be:
    /// whoever has a key gives it soon.
    pub(super) fn admit(&self) -> Stranger {
        let is_over = Arc::new(Notify::new());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.most
            && let Some(oldest) = open.pop_front()
        {
            oldest.notify_one();
        }
        open.push_back(Arc::clone(&is_over));
        Stranger { all: self.clone(), is_over, is_known: AtomicBool::new(false) }
    }
}

impl Stranger {
    /// A request had a key.
    pub(super) fn becomes_known(&self) {
        if self.is_known.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| !Arc::ptr_eq(other, &self.is_over));
    }

    /// Returns when the connection is to be closed.
    pub(super) async fn is_over(&self) {
        self.is_over.notified().await;
        // Its turn may have come just before its key.
        if self.is_known.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.becomes_known();
    }
}

/// A quarter of the files that this process may have open.
#[cfg(unix)]
fn share_of_handles() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit / 4).ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn share_of_handles() -> usize {
    usize::MAX
}

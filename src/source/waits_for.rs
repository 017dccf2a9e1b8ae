//! The source that a reader waits for.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{location::Location, lock::Lock};

/// Shared by a reader and those who watch it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitsFor(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    location: Lock<Option<Location>>,
    arrivals: AtomicU64,
}

impl WaitsFor {
    /// The location of the file; `None` while the reader waits for nothing.
    pub(crate) fn location(&self) -> Option<Location> {
        self.0.location.lock().clone()
    }

    /// How often something has arrived: bytes, or the state of a file.
    pub(crate) fn arrivals(&self) -> u64 {
        self.0.arrivals.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, location: Option<&Location>) {
        *self.0.location.lock() = location.cloned();
    }

    pub(super) fn arrived(&self) {
        self.0.arrivals.fetch_add(1, Ordering::Relaxed);
    }
}

//! The file that a reader waits for.

use std::sync::Arc;

use crate::{location::Location, lock::Lock};

/// Shared by a reader and those who watch it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitsFor(Arc<Lock<Option<Location>>>);

impl WaitsFor {
    /// The location of the file; `None` while the reader waits for nothing.
    pub(crate) fn location(&self) -> Option<Location> {
        self.0.lock().clone()
    }

    pub(super) fn set(&self, location: Option<&Location>) {
        *self.0.lock() = location.cloned();
    }
}

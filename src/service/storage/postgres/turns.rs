//! Limits how many transactions of this instance wait for the same row.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock::Lock;

/// One transaction holds the lock of a dataset's row, and the next one waits for it in the
/// database. More of them would only take connections from other datasets.
const AT_A_TIME: usize = 2;

/// Number of rows whose semaphores are kept although no transaction waits for them.
const KEPT: usize = 1_000;

#[derive(Default)]
pub(super) struct Turns(Lock<HashMap<String, Weak<Semaphore>>>);

impl Turns {
    /// Waits in the order of the calls.
    pub(super) async fn take(&self, row: &str) -> Option<OwnedSemaphorePermit> {
        // Fails only if the semaphore was closed, which never happens.
        self.of(row).acquire_owned().await.ok()
    }

    fn of(&self, row: &str) -> Arc<Semaphore> {
        let mut rows = self.0.lock();
        if let Some(known) = rows.get(row).and_then(Weak::upgrade) {
            return known;
        }
        if rows.len() >= KEPT {
            rows.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(AT_A_TIME));
        rows.insert(row.to_owned(), Arc::downgrade(&new));
        new
    }
}

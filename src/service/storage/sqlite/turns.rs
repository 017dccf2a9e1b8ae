//! Turns of reading and committing.
//!
//! In SQLite, a commit waits for the statements that are reading, and new ones wait for the commit.
//! Without turns, they wait by polling, with pauses that grow up to 100 ms.

use std::time::Duration;

use tokio::{
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::timeout,
};

use crate::service::storage::error::StorageError;

/// How long to wait for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Turns(RwLock<()>);

impl Turns {
    /// Waits until no commit is in progress.
    pub(super) async fn to_read(&self) -> Result<RwLockReadGuard<'_, ()>, StorageError> {
        match self.0.try_read() {
            Ok(turn) => Ok(turn),
            Err(_) => timeout(PATIENCE, self.0.read()).await.map_err(|_| busy()),
        }
    }

    /// Waits until nothing is read.
    pub(super) async fn to_commit(&self) -> Result<RwLockWriteGuard<'_, ()>, StorageError> {
        match self.0.try_write() {
            Ok(turn) => Ok(turn),
            Err(_) => timeout(PATIENCE, self.0.write()).await.map_err(|_| busy()),
        }
    }
}

fn busy() -> StorageError {
    StorageError::Unavailable("the catalog is busy".to_owned())
}

//! Removes what a rejected, cancelled or failed upload left in the store.

use std::{sync::Arc, time::Duration};

use object_store::{Error, MultipartId, multipart::MultipartStore, path::Path};
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use super::store::S3Store;
use crate::service::storage::error::StorageError;

/// How long an upload waits until its leftovers are removed. After that, the removal continues in
/// the background.
const PATIENCE: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The pauses double: from a second to about four minutes.
const ATTEMPTS: u32 = 9;

/// What an upload may have left.
pub(super) struct Leftovers {
    pub(super) store: Arc<S3Store>,
    pub(super) path: Path,
    pub(super) multipart: Option<MultipartId>,
}

impl Leftovers {
    pub(super) async fn remove(self) {
        let _ = timeout(PATIENCE, tokio::spawn(self.keep_removing())).await;
    }

    /// For an upload that was dropped.
    pub(super) fn remove_in_background(self) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(self.keep_removing());
        }
    }

    async fn keep_removing(self) {
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=ATTEMPTS {
            let Err(error) = self.remove_once().await else { return };
            if attempt == ATTEMPTS {
                // The sweep deletes the object, and a rule of the bucket ends the upload.
                tracing::warn!("{} was not removed from the store: {error}", self.path);
                return;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn remove_once(&self) -> Result<(), StorageError> {
        if let Some(id) = &self.multipart {
            match self.store.s3.abort_multipart(&self.path, id).await {
                Err(Error::NotFound { .. }) => {}
                aborted => self.store.outcome(aborted)?,
            }
        }
        self.store.delete(&self.path).await
    }
}

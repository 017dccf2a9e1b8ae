//! Deletes blobs that can no longer become files.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::sleep;
use uuid::Uuid;

use super::{blobs::Blobs, catalog::Catalog, error::StorageError, pending::Pending};
use crate::service::clock::now;

/// Number of staged files that one transaction deletes, so that commits do not wait long for it.
const EXPIRED_AT_A_TIME: usize = 500;

/// Number of blobs that are deleted at the same time.
const REMOVED_SIDE_BY_SIDE: usize = 8;

/// The storage that is swept.
#[derive(Clone)]
pub(super) struct Swept {
    pub(super) catalog: Arc<Catalog>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) pending: Arc<dyn Pending>,
}

impl Swept {
    /// Deletes what unfinished uploads left behind, and nothing else. Staged files stay.
    pub(super) async fn sweep(&self) -> Result<(), StorageError> {
        let mut expired = self.pending.expired();
        while let Some(ids) = expired.try_next().await? {
            let kept = self.catalog.kept_among(&ids).await?;
            for id in ids.iter().filter(|id| !kept.contains(*id)) {
                self.remove(id).await?;
            }
        }
        Ok(())
    }

    /// Deletes staged files that have expired at `now`.
    pub(super) async fn sweep_staged(&self, now: i64) -> Result<(), StorageError> {
        let most = i64::try_from(EXPIRED_AT_A_TIME).unwrap_or(i64::MAX);
        loop {
            let expired = self.catalog.expire_staged(now, most).await?;
            for id in &expired.blobs {
                // Its row is gone, so the next start deletes the blob.
                if let Err(error) = self.remove(id).await {
                    tracing::warn!("an expired file was not removed: {error}");
                }
            }
            if expired.file_count < EXPIRED_AT_A_TIME {
                return Ok(());
            }
        }
    }

    /// Deletes what has expired until the future is dropped. In a folder, uploads expire at the
    /// start only.
    pub(super) async fn keep_sweeping(self, pause: Duration, sweeps_uploads: bool) {
        loop {
            if let Err(error) = self.sweep_staged(now()).await {
                tracing::warn!("expired files were not removed: {error}");
            }
            if sweeps_uploads && let Err(error) = self.sweep().await {
                tracing::warn!("blobs of expired uploads were not removed: {error}");
            }
            // Instances that were started together must not keep sweeping at the same time.
            let jitter = f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX) / 4.0;
            sleep(pause.mul_f64(1.0 + jitter)).await;
        }
    }

    pub(super) async fn remove(&self, id: &str) -> Result<(), StorageError> {
        self.blobs.delete(id).await?;
        self.pending.end(id).await
    }

    async fn delete_blob<'a>(&self, id: &'a str) -> (&'a str, Result<(), StorageError>) {
        (id, self.blobs.delete(id).await)
    }

    /// Deletes blobs, and ends the records of those that were deleted.
    pub(super) async fn remove_all(&self, ids: &[String]) -> Result<(), StorageError> {
        let deletions = ids.iter().map(|id| self.delete_blob(id).boxed()).collect::<Vec<_>>();
        let mut deletions = stream::iter(deletions).buffer_unordered(REMOVED_SIDE_BY_SIDE);
        let (mut deleted, mut failure) = (Vec::with_capacity(ids.len()), Ok(()));
        while let Some((id, outcome)) = deletions.next().await {
            match outcome {
                Ok(()) => deleted.push(id),
                Err(error) => failure = Err(error),
            }
        }
        self.pending.end_all(&deleted).await.and(failure)
    }
}

//! A multipart upload. It is aborted if it ends early, also when it is cancelled.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{
    Attributes, Error as StoreError, MultipartUpload, ObjectStore, PutMultipartOptions,
    Result as StoreResult, path::Path,
};
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle, JoinSet},
    time::timeout,
};

use crate::{background::Cleanup, object_stores::words};

/// How long an error waits for the abort, which continues in the background.
const ABORT_PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Multipart {
    /// `None` when it is over.
    upload: Option<Box<dyn MultipartUpload>>,
    /// The parts that are being sent.
    parts: JoinSet<StoreResult<()>>,
    runtime: Handle,
    /// The process waits for the abort before it exits.
    cleanup: Option<Cleanup>,
}

impl Multipart {
    pub(super) async fn begin(
        store: Arc<dyn ObjectStore>,
        path: Path,
        attributes: Attributes,
        runtime: &Handle,
    ) -> StoreResult<Self> {
        let (cleanup, handle) = (Some(Cleanup::begin()), runtime.clone());
        // If nobody waits any more, it is dropped, and aborted, when the store has responded.
        let begun = runtime.spawn(async move {
            let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
            let upload = Some(store.put_multipart_opts(&path, options).await?);
            Ok(Self { upload, parts: JoinSet::new(), runtime: handle, cleanup })
        });
        begun.await.unwrap_or_else(|error| Err(ended(error)))
    }

    /// Starts to send a part when fewer than `at_once` are being sent.
    pub(super) async fn send(&mut self, part: Bytes, at_once: usize) -> StoreResult<()> {
        while self.parts.len() >= at_once.max(1) {
            self.wait_for_part().await?;
        }
        if let Some(upload) = &mut self.upload {
            self.parts.spawn(upload.put_part(part.into()));
        }
        Ok(())
    }

    /// Makes an object of the parts.
    pub(super) async fn complete(&mut self) -> StoreResult<()> {
        while !self.parts.is_empty() {
            self.wait_for_part().await?;
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        upload.complete().await.map(drop)
    }

    /// It was completed: there is nothing to abort.
    pub(super) fn is_over(&mut self) {
        self.upload = None;
    }

    /// Aborts it, and waits a moment for the end of that.
    pub(super) async fn abort(mut self) {
        if let Some(aborting) = self.begin_abort() {
            // It continues after this time.
            let _ = timeout(ABORT_PATIENCE, aborting).await;
        }
    }

    async fn wait_for_part(&mut self) -> StoreResult<()> {
        let sent = self.parts.join_next().await.unwrap_or(Ok(Ok(())));
        sent.unwrap_or_else(|error| Err(ended(error)))
    }

    fn begin_abort(&mut self) -> Option<JoinHandle<()>> {
        let mut upload = self.upload.take()?;
        let (mut parts, cleanup) = (mem::take(&mut self.parts), self.cleanup.take());
        Some(self.runtime.spawn(async move {
            // A part that arrives after the end would stay in the store.
            parts.shutdown().await;
            if let Err(error) = upload.abort().await {
                tracing::debug!("a multipart upload was not aborted: {}", words(&error));
            }
            drop(cleanup);
        }))
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        self.begin_abort();
    }
}

fn ended(error: JoinError) -> StoreError {
    StoreError::JoinError { source: error }
}

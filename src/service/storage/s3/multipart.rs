//! A multipart upload. If it is dropped before it is complete, it is aborted.

use std::{mem, sync::Arc};

use object_store::{
    MultipartId,
    multipart::{MultipartStore, PartId},
    path::Path,
};
use tokio_util::task::AbortOnDropHandle;

use super::{leftovers::Leftovers, next_part::Payload, store::S3Store};
use crate::service::storage::error::StorageError;

pub(super) struct Multipart {
    store: Arc<S3Store>,
    path: Path,
    /// `None` when the upload is over.
    id: Option<MultipartId>,
    sent: Vec<PartId>,
    /// One part at a time, so that an upload has at most two in memory.
    sending: Option<AbortOnDropHandle<Result<PartId, StorageError>>>,
}

impl Multipart {
    pub(super) async fn begin(store: &Arc<S3Store>, path: &Path) -> Result<Self, StorageError> {
        let id = store.outcome(store.s3.create_multipart(path).await)?;
        Ok(Self {
            store: Arc::clone(store),
            path: path.clone(),
            id: Some(id),
            sent: Vec::new(),
            sending: None,
        })
    }

    /// Waits until no part is being sent.
    pub(super) async fn settle(&mut self) -> Result<(), StorageError> {
        if let Some(sending) = self.sending.take() {
            let sent = sending.await;
            let sent = sent.map_err(|error| StorageError::BlobFailed(error.to_string()))?;
            self.sent.push(sent?);
        }
        Ok(())
    }

    /// Starts to send a part.
    pub(super) async fn send(&mut self, part: Payload) -> Result<(), StorageError> {
        self.settle().await?;
        let Some(id) = self.id.clone() else { return Ok(()) };
        let (store, path, number) = (Arc::clone(&self.store), self.path.clone(), self.sent.len());
        self.sending = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let Payload { bytes, memory } = part;
            let sent = store.s3.put_part(&path, &id, number, bytes).await;
            if let Some(memory) = memory {
                memory.end();
            }
            store.outcome(sent)
        })));
        Ok(())
    }

    /// Makes an object of the parts.
    pub(super) async fn complete(&mut self, size: u64) -> Result<(), StorageError> {
        self.settle().await?;
        let Some(id) = &self.id else { return Ok(()) };
        let parts = mem::take(&mut self.sent);
        let completed = self.store.s3.complete_multipart(&self.path, id, parts).await;
        self.store.expect(&self.path, size, completed.err()).await?;
        self.id = None;
        Ok(())
    }

    /// Ends the upload; its id is left for [`Leftovers`].
    pub(super) async fn give_up(mut self) -> Option<MultipartId> {
        // A part that arrives after the end would stay in the store.
        if let Some(sending) = self.sending.take() {
            sending.abort();
            let _ = sending.await;
        }
        self.id.take()
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let (store, path) = (Arc::clone(&self.store), self.path.clone());
            Leftovers { store, path, multipart: Some(id) }.remove_in_background();
        }
    }
}

//! A rejection: a status and `{"error": "<message>"}`.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::storage::StorageError;
use crate::{
    message::{ECHOED_CHARS, cut},
    wire::messages::ErrorAnswer,
};

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    retry_after: Option<u32>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn is_bad_request(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
    }

    pub(super) fn unknown_dataset(dataset_id: &str) -> Self {
        let message = format!("Dataset {} not found", cut(dataset_id, ECHOED_CHARS));
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn name_taken() -> Self {
        let message = "File with this name already exists in the dataset";
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(super) fn schema_differs(message: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(super) fn unknown_file() -> Self {
        Self::new(StatusCode::NOT_FOUND, "File not found in dataset")
    }

    pub(super) fn defect(error: &tokio::task::JoinError) -> Self {
        tracing::error!("a request failed: {error}");
        Self::internal("the server failed to handle the request; see its log")
    }

    pub(super) fn stopping() -> Self {
        Self::unavailable("the server is shutting down", 5)
    }

    pub(super) fn busy() -> Self {
        Self::unavailable("too many concurrent uploads for the server's limit", 1)
    }

    pub(super) fn too_many_connections() -> Self {
        Self::unavailable("too many connections for the server's file handles (ulimit -n)", 1)
    }

    fn writes_stopped() -> Self {
        let message = "a write to the server's catalog failed; uploads are disabled until the \
                       server has reopened and checked the catalog, which it retries by itself";
        Self::unavailable(message, 5)
    }

    fn short_of_resources() -> Self {
        Self::unavailable("the server is short of file handles, memory or connections", 1)
    }

    fn catalog_away() -> Self {
        let message = "the server's catalog cannot be reached, or is busy; try again";
        Self::unavailable(message, 1)
    }

    fn store_away() -> Self {
        let message = "the server's file store cannot be reached, or is busy; try again";
        Self::unavailable(message, 2)
    }

    pub(super) fn upload_expired() -> Self {
        let message = "the upload took longer than the server allows";
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    fn folder_replaced() -> Self {
        Self::internal(
            "the server's folder, or blobs, catalog.sqlite or catalog.lock in it, was removed or \
             replaced; restore it, or restart the server",
        )
    }

    fn blob_damaged() -> Self {
        Self::internal("the stored file is damaged or missing on the server")
    }

    pub(super) fn too_large(what: &str, max_bytes: u64) -> Self {
        let message = format!("{what} is too large; the server accepts up to {max_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timed out waiting for the request body")
    }

    fn no_space() -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "the server has no disk space left")
    }

    fn internal(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    fn unavailable(message: &str, retry_after: u32) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, message);
        Self { retry_after: Some(retry_after), ..refusal }
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        tracing::error!("storage failed: {error}");
        match error {
            StorageError::Full => Self::no_space(),
            StorageError::Unavailable(_) => Self::short_of_resources(),
            StorageError::Unreachable(_) => Self::catalog_away(),
            StorageError::StoreAway(_) => Self::store_away(),
            StorageError::WritesStopped => Self::writes_stopped(),
            StorageError::FolderReplaced => Self::folder_replaced(),
            StorageError::BlobDamaged(_) => Self::blob_damaged(),
            StorageError::Deleted => Self::unknown_file(),
            StorageError::BlobFailed(_) => {
                Self::internal("the server could not read or write the file; see its log")
            }
            StorageError::OutcomeUnknown(_)
            | StorageError::WriteFailed(_)
            | StorageError::Damaged(_) => {
                Self::internal("the server's catalog failed; see the server's log")
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after =
            self.retry_after.map(|seconds| [(header::RETRY_AFTER, seconds.to_string())]);
        (self.status, retry_after, Json(ErrorAnswer { error: self.message })).into_response()
    }
}

//! A refusal: a status and `{"error": "<words>"}`.

use std::io;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::storage_error::{StorageError, is_shortage};
use crate::{
    message::{ECHOED_CHARS, cut},
    wire::messages::ErrorAnswer,
};

pub(super) type Result<T, E = Refusal> = std::result::Result<T, E>;

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

    pub(super) fn unknown_file() -> Self {
        Self::new(StatusCode::NOT_FOUND, "File not found in dataset")
    }

    pub(super) fn defect(error: &tokio::task::JoinError) -> Self {
        tracing::error!("a request failed: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed at this request")
    }

    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down").retry_after(5)
    }

    pub(super) fn busy() -> Self {
        let message = "the service receives as many uploads as it can (--max-uploads)";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
    }

    pub(super) fn too_many_connections() -> Self {
        let message = "the service has as many connections as its file handles allow (ulimit -n)";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
    }

    pub(super) fn writing_stopped() -> Self {
        let message = "a write to the service's catalog has failed: nothing is written until the \
                       service has reopened and checked it, which it tries again and again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(5)
    }

    fn short_of_resources() -> Self {
        let message = "the service is short of handles, memory or connections for the moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
    }

    pub(super) fn folder_replaced() -> Self {
        let message = "the service's folder, or blobs or catalog.lock in it, was removed or \
                       replaced: put it back, or start the service again";
        tracing::error!("{message}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub(super) fn damaged() -> Self {
        let message = "the stored file is damaged, or gone from the service's folder";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub(super) fn too_large(what: &str, max_bytes: u64) -> Self {
        let message = format!("{what} is larger than the service takes, {max_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(super) fn too_slow() -> Self {
        let message = "nothing of the request's body came for too long";
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    fn no_space() -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "the service has no space left")
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        tracing::error!("the catalog failed: {error}");
        match error {
            StorageError::Full => Self::no_space(),
            StorageError::Unavailable(_) => Self::short_of_resources(),
            StorageError::OutcomeUnknown(_)
            | StorageError::WriteFailed(_)
            | StorageError::Damaged(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service's catalog failed")
            }
        }
    }
}

impl From<object_store::Error> for Refusal {
    fn from(error: object_store::Error) -> Self {
        tracing::error!("the storage failed: {error}");
        match io_error_of(&error) {
            Some(error) if error.kind() == io::ErrorKind::StorageFull => Self::no_space(),
            Some(error) if is_shortage(error) => Self::short_of_resources(),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service's storage failed"),
        }
    }
}

fn io_error_of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after =
            self.retry_after.map(|seconds| [(header::RETRY_AFTER, seconds.to_string())]);
        (self.status, retry_after, Json(ErrorAnswer { error: self.message })).into_response()
    }
}

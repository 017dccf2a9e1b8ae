//! A refusal: a status and `{"error": "<words>"}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::wire::messages::ErrorAnswer;

pub(super) type Result<T, E = Refusal> = std::result::Result<T, E>;

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unknown_dataset(dataset_id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Dataset {dataset_id} not found"))
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

    pub(super) fn closing() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down")
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!("the catalog failed: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service's catalog failed")
    }
}

impl From<object_store::Error> for Refusal {
    fn from(error: object_store::Error) -> Self {
        tracing::error!("the storage failed: {error}");
        if is_disk_full(&error) {
            Self::new(StatusCode::INSUFFICIENT_STORAGE, "the service has no space left")
        } else {
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service's storage failed")
        }
    }
}

fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io_error = error.downcast_ref::<std::io::Error>();
        if io_error.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull) {
            return true;
        }
        cause = error.source();
    }
    false
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorAnswer { error: self.message })).into_response()
    }
}

//! Uploads: the call that makes one, and those under way.

use std::sync::Arc;

use axum::{Extension, Json, body::Body, extract::State, http::HeaderMap};
use utoipa::ToSchema;

use crate::{
    service::{
        app_state::AppState, in_progress::UploadList, keys::Caller, receive::receive,
        refusal::Refusal,
    },
    wire::messages::UploadedFile,
};

/// Body of `POST /upload-to-dataset`: the two fields, in either order.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes; the body is streamed")]
pub(crate) struct UploadForm {
    /// The dataset that the file is appended to.
    dataset_id: String,
    /// A parquet file; its `filename` is the name in the dataset.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Append a parquet file to a dataset.
#[utoipa::path(post, path = "/upload-to-dataset",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 200, description = "It is in the dataset, durably", body = UploadedFile),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn upload_to_dataset(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UploadedFile>, Refusal> {
    // A task of its own: a client that hangs up does not end it in the middle of a commit.
    let tasks = app.uploads.tasks.clone();
    match tasks.spawn(async move { receive(&app, caller, &headers, body).await }).await {
        Ok(received) => received.map(Json),
        Err(error) => Err(Refusal::defect(&error)),
    }
}

/// Uploads that have not ended.
#[utoipa::path(get, path = "/uploads", responses(
    (status = 200, description = "Those of the key", body = UploadList),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn uploads(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
) -> Json<UploadList> {
    Json(UploadList { uploads: app.uploads.in_progress.seen_by(&caller) })
}

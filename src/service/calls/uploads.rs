//! Uploads: the call for one, and the list of those in progress.

use std::sync::Arc;

use axum::{Extension, Json, body::Body, extract::State, http::HeaderMap};
use utoipa::ToSchema;

use crate::{
    service::{
        app_state::AppState,
        in_progress::{StagedUpload, StagedUploads, UploadList},
        keys::Caller,
        receive::receive,
        refusal::Refusal,
    },
    wire::messages::UploadedFile,
};

/// Number of staged files that are shown.
const STAGED_SHOWN: i64 = 100;

/// Body of `POST /upload-to-dataset` and `POST /stage-file`: the two fields, in either order.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes; the body is streamed")]
pub(crate) struct UploadForm {
    /// The dataset that the file is appended to.
    dataset_id: String,
    /// A Parquet file; its `filename` is the name in the dataset.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Append a Parquet file to a dataset.
#[utoipa::path(post, path = "/upload-to-dataset",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 200, description = "The file is in the dataset, and durable", body = UploadedFile),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn upload_to_dataset(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UploadedFile>, Refusal> {
    let state = Arc::clone(&app);
    let work = async move { receive(&state, caller, &headers, body).await };
    app.uploads.uninterrupted(work).await.map(Json)
}

/// List uploads in progress and staged files.
#[utoipa::path(get, path = "/uploads", responses(
    (status = 200, description = "The uploads and files of the key", body = UploadList),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn uploads(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<UploadList>, Refusal> {
    let (catalog, owner) = (app.storage.catalog(), caller.owner());
    let totals = match owner {
        Some(owner) => catalog.staged_by(owner).await?,
        None => catalog.staged_by_all().await?,
    };
    let files = catalog.staged(owner, STAGED_SHOWN).await?.into_iter().map(|staged| StagedUpload {
        dataset_id: staged.dataset_id,
        file_name: staged.file_name,
        size_bytes: staged.size_bytes,
        expires_at: staged.expires_at,
    });
    let staged = StagedUploads {
        file_count: totals.files,
        total_size_bytes: totals.bytes,
        files: files.collect(),
    };
    Ok(Json(UploadList { uploads: app.uploads.in_progress.seen_by(&caller), staged }))
}

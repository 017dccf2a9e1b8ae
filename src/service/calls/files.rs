//! Calls about the files of a dataset.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::listing::{page, whole_list, whole_list_of_names};
use crate::{
    service::{
        admission::admit_dataset, app_state::AppState, keys::Caller, receive::json,
        refusal::Refusal,
    },
    wire::messages::{DatasetFileList, DatasetFileNames, DownloadFromDataset, ListDatasetFiles},
};

/// List the files of a dataset in its order: all of them, each with its schema, or with `compact`
/// in pages without schemas.
#[utoipa::path(post, path = "/list-dataset-files", request_body = ListDatasetFiles, responses(
    (status = 200, description = "The files", body = DatasetFileList),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn list_dataset_files(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let ListDatasetFiles { dataset_id, compact, after, limit } =
        json(app.limits.max_json_bytes, &headers, body).await?;
    admit_dataset(app.storage.catalog(), &caller, &dataset_id).await?;
    if compact {
        let page = page(app.storage.catalog(), &dataset_id, after.as_deref(), limit).await?;
        Ok(Json(page).into_response())
    } else {
        whole_list(app, dataset_id).await
    }
}

/// List the names of a dataset's files in its order, for release 0.1.60 of the official SDK.
#[utoipa::path(post, path = "/legacy/list-dataset-files", request_body = ListDatasetFiles, responses(
    (status = 200, description = "The names", body = DatasetFileNames),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn list_dataset_file_names(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let ListDatasetFiles { dataset_id, .. } =
        json(app.limits.max_json_bytes, &headers, body).await?;
    admit_dataset(app.storage.catalog(), &caller, &dataset_id).await?;
    whole_list_of_names(app, dataset_id).await
}

/// Download a file.
#[utoipa::path(post, path = "/download-from-dataset", request_body = DownloadFromDataset, responses(
    (status = 200, description = "The file", body = Vec<u8>,
        content_type = "application/octet-stream"),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn download_from_dataset(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let DownloadFromDataset { dataset_id, file_name } =
        json(app.limits.max_json_bytes, &headers, body).await?;
    admit_dataset(app.storage.catalog(), &caller, &dataset_id).await?;
    let file = app.storage.catalog().find_file(&dataset_id, &file_name).await?;
    let file = file.ok_or_else(Refusal::unknown_file)?;
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, file.size_bytes.to_string()),
    ];
    let bytes = app.storage.read(&file, 0..file.size_bytes).await?;
    Ok((head, Body::from_stream(bytes)).into_response())
}

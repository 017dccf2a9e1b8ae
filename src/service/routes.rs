//! The calls of the contract.

use std::time::Instant;

use axum::{
    Json, Router,
    body::{Body, HttpBody, to_bytes},
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    Service,
    admission::is_id,
    body::discard,
    refusal::{Refusal, Result},
};
use crate::wire::messages::{
    Authentication, CreatedDataset, DatasetFileList, DatasetList, DownloadFromDataset,
    ListDatasetFiles, UploadedFile,
};

/// Largest JSON request, in bytes.
const MAX_JSON_BYTES: usize = 64 * 1024;

pub(super) fn router(service: Service) -> Router {
    Router::new()
        .route("/try-authentication", get(try_authentication))
        .route("/create-dataset", get(create_dataset).post(create_dataset))
        .route("/list-datasets", post(list_datasets))
        .route("/list-dataset-files", post(list_dataset_files))
        .route("/upload-to-dataset", post(upload_to_dataset))
        .route("/download-from-dataset", post(download_from_dataset))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is no such call"))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this call takes another method")
        })
        .layer(middleware::from_fn_with_state(service.clone(), require_key))
        .layer(middleware::from_fn(log))
        .with_state(service)
}

async fn try_authentication() -> Json<Authentication> {
    Json(Authentication { authenticated: true })
}

#[derive(Deserialize)]
struct CreateDataset {
    dataset_id: Option<String>,
    name: Option<String>,
}

async fn create_dataset(
    State(service): State<Service>,
    query: Result<Query<CreateDataset>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<CreatedDataset>> {
    let Query(wanted) =
        query.map_err(|_| Refusal::bad_request("create-dataset takes dataset_id and name only"))?;
    let dataset_id = wanted.dataset_id.unwrap_or_else(|| format!("dataset-{}", Uuid::new_v4()));
    if !is_id(&dataset_id) {
        return Err(Refusal::bad_request(
            "a dataset_id is 1 to 64 of the characters A-Z a-z 0-9 _ -",
        ));
    }
    if service.state.catalog.create_dataset(&dataset_id, wanted.name.as_deref()).await? {
        Ok(Json(CreatedDataset { dataset_id }))
    } else {
        Err(Refusal::new(StatusCode::CONFLICT, format!("Dataset {dataset_id} already exists")))
    }
}

async fn list_datasets(State(service): State<Service>) -> Result<Json<DatasetList>> {
    let datasets = service.state.catalog.datasets().await?;
    Ok(Json(DatasetList { datasets }))
}

async fn list_dataset_files(
    State(service): State<Service>,
    body: Body,
) -> Result<Json<DatasetFileList>> {
    let ListDatasetFiles { dataset_id } = json(body).await?;
    service.state.admit_dataset(&dataset_id).await?;
    let files = service.state.catalog.files(&dataset_id).await?;
    Ok(Json(DatasetFileList { files }))
}

async fn upload_to_dataset(
    State(service): State<Service>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UploadedFile>> {
    // A task of its own: a client that hangs up does not end it in the middle of a commit.
    let state = service.state;
    let uploads = state.uploads.clone();
    match uploads.spawn(async move { state.receive(&headers, body).await }).await {
        Ok(received) => received.map(Json),
        Err(error) => Err(Refusal::defect(&error)),
    }
}

async fn download_from_dataset(State(service): State<Service>, body: Body) -> Result<Response> {
    let DownloadFromDataset { dataset_id, file_name } = json(body).await?;
    service.state.admit_dataset(&dataset_id).await?;
    let file = service.state.catalog.find_file(&dataset_id, &file_name).await?;
    let (file_id, size) = file.ok_or_else(Refusal::unknown_file)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    Ok((headers, service.state.blobs.stream(&file_id).await?).into_response())
}

async fn json<T: DeserializeOwned>(body: Body) -> Result<T> {
    let bytes = to_bytes(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long"))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::bad_request(format!("the request is not the expected JSON: {error}"))
    })
}

/// Before the body is read; no answer tells which keys or datasets there are.
async fn require_key(State(service): State<Service>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let is_known = given.is_some_and(|given| {
        // All keys are compared, whichever fits.
        let matches = service.state.api_keys.iter().map(|key| key.is_header_value(given));
        matches.fold(false, |known, matches| known | matches)
    });
    if is_known {
        return next.run(request).await;
    }
    discard(request.into_body());
    let message = "missing or wrong API key (header Authorization: Key <api key>)";
    Refusal::new(StatusCode::UNAUTHORIZED, message).into_response()
}

async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let bytes_in = request.body().size_hint().exact();
    let begun = Instant::now();
    let response = next.run(request).await;
    let (status, bytes_out) = (response.status().as_u16(), response.body().size_hint().exact());
    let ms = begun.elapsed().as_millis();
    tracing::info!(%method, path, status, ms, bytes_in, bytes_out, "request");
    response
}

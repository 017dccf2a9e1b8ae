//! The calls of the contract, and those for people who run the service.

use std::time::Instant;

use axum::{
    Extension, Json, Router,
    body::{Body, HttpBody},
    extract::{MatchedPath, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use futures_util::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use tower_http::timeout::RequestBodyTimeoutLayer;
use uuid::Uuid;

use super::{
    Service,
    admission::is_id,
    body::{IncomingBody, is_timeout},
    catalog_writes::Created,
    guard,
    in_progress::UploadList,
    keys::Reader,
    openapi,
    refusal::{Refusal, Result},
};
use crate::wire::messages::{
    Authentication, CreatedDataset, DatasetFileList, DatasetFileNames, DatasetList,
    DownloadFromDataset, ListDatasetFiles, UploadedFile,
};

const MAX_DATASET_NAME_CHARS: usize = 255;
const PAGE: &str = include_str!("page.html");
/// The page needs nothing but itself and the calls of this service.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
    script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

pub(super) fn router(service: Service) -> Router {
    let body_timeout = service.state.limits.body_timeout;
    let calls = Router::new()
        .route("/try-authentication", get(try_authentication))
        .route("/create-dataset", get(create_dataset).post(create_dataset))
        .route("/list-datasets", post(list_datasets))
        .route("/upload-to-dataset", post(upload_to_dataset))
        .route("/download-from-dataset", post(download_from_dataset));
    // The service's SDK, release 0.1.60, takes plain names where the API documents objects.
    let legacy = calls.clone().route("/list-dataset-files", post(list_dataset_file_names));
    let calls = calls
        .route("/list-dataset-files", post(list_dataset_files))
        .route("/uploads", get(uploads))
        .nest("/legacy", legacy)
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is no such call"))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this call takes another method")
        })
        .layer(middleware::from_fn_with_state(service.clone(), guard::require_key));
    Router::new()
        .route("/", get(page))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi::document))
        .merge(calls)
        .layer(middleware::from_fn_with_state(service.clone(), guard::refuse_foreign_pages))
        .layer(middleware::from_fn(guard::refuse_surplus))
        .layer(RequestBodyTimeoutLayer::new(body_timeout))
        .layer(middleware::from_fn_with_state(service.clone(), log))
        .with_state(service)
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(PAGE))
}

/// Whether the service takes uploads.
#[utoipa::path(get, path = "/health", security(()), responses(
    (status = 200, description = "It does", body = super::openapi::Health),
    (status = "default", description = "It does not", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn health(State(service): State<Service>) -> Result<Json<openapi::Health>> {
    service.state.refuse_when_stopping()?;
    Ok(Json(openapi::Health { status: "ok" }))
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", security(()), responses(
    (status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text"),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn metrics(State(service): State<Service>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = service
        .state
        .metrics
        .text(service.state.in_progress.len(), !service.state.catalog.has_failed());
    ([(header::CONTENT_TYPE, content_type)], text)
}

/// Uploads that have not ended.
#[utoipa::path(get, path = "/uploads", responses(
    (status = 200, description = "Those of the key", body = UploadList),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn uploads(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
) -> Json<UploadList> {
    Json(UploadList { uploads: service.state.in_progress.seen_by(&reader) })
}

/// Whether the key is known.
#[utoipa::path(get, path = "/try-authentication", responses(
    (status = 200, description = "It is", body = Authentication),
    (status = "default", description = "It is not", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn try_authentication() -> Json<Authentication> {
    Json(Authentication { authenticated: true })
}

/// What a new dataset may be given.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CreateDataset {
    /// 1 to 64 of the characters A-Z a-z 0-9 _ -; made up where it is missing.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    dataset_id: Option<String>,
    /// For people.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    name: Option<String>,
}

/// Create an empty dataset.
#[utoipa::path(method(get, post), path = "/create-dataset", params(CreateDataset), responses(
    (status = 200, description = "Created", body = CreatedDataset),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn create_dataset(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
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
    let name = wanted.name.as_deref();
    if name.is_some_and(|name| {
        name.chars().count() > MAX_DATASET_NAME_CHARS || name.contains(char::is_control)
    }) {
        let message = "a dataset's name is at most 255 characters, without control characters";
        return Err(Refusal::bad_request(message));
    }
    let state = &service.state;
    state.refuse_when_stopping()?;
    let most = state.limits.max_datasets;
    match state.catalog.create_dataset(&reader, &dataset_id, name, most).await? {
        Created::Done => Ok(Json(CreatedDataset { dataset_id })),
        Created::IdTaken => {
            Err(Refusal::new(StatusCode::CONFLICT, format!("Dataset {dataset_id} already exists")))
        }
        Created::TooMany => {
            let message =
                format!("there are {most} datasets already, as many as the service allows");
            Err(Refusal::new(StatusCode::FORBIDDEN, message))
        }
    }
}

/// All datasets of the key, newest first.
#[utoipa::path(post, path = "/list-datasets", responses(
    (status = 200, description = "The datasets", body = DatasetList),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn list_datasets(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
) -> Result<Json<DatasetList>> {
    let datasets = service.state.catalog.datasets(&reader).await?;
    Ok(Json(DatasetList { datasets }))
}

/// The files of a dataset, in its order: all of them, each with its schema; or with `compact` in
/// pages without schemas.
#[utoipa::path(post, path = "/list-dataset-files", request_body = ListDatasetFiles, responses(
    (status = 200, description = "The files", body = DatasetFileList),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn list_dataset_files(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let ListDatasetFiles { dataset_id, compact, after } = json(&service, &headers, body).await?;
    service.state.admit_dataset(&reader, &dataset_id).await?;
    if compact {
        let page = service.state.page(&dataset_id, after.as_deref()).await?;
        Ok(Json(page).into_response())
    } else {
        service.state.whole_list(dataset_id).await
    }
}

/// The names of a dataset's files, in its order, for the service's SDK 0.1.60.
#[utoipa::path(post, path = "/legacy/list-dataset-files", request_body = ListDatasetFiles, responses(
    (status = 200, description = "The names", body = DatasetFileNames),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn list_dataset_file_names(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let ListDatasetFiles { dataset_id, .. } = json(&service, &headers, body).await?;
    service.state.admit_dataset(&reader, &dataset_id).await?;
    service.state.whole_list_of_names(dataset_id).await
}

/// Append a parquet file to a dataset.
#[utoipa::path(post, path = "/upload-to-dataset",
    request_body(content = openapi::UploadForm, content_type = "multipart/form-data"), responses(
    (status = 200, description = "It is in the dataset, durably", body = UploadedFile),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn upload_to_dataset(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UploadedFile>> {
    // A task of its own: a client that hangs up does not end it in the middle of a commit.
    let state = service.state;
    let uploads = state.uploads.clone();
    match uploads.spawn(async move { state.receive(reader, &headers, body).await }).await {
        Ok(received) => received.map(Json),
        Err(error) => Err(Refusal::defect(&error)),
    }
}

/// The bytes of a file.
#[utoipa::path(post, path = "/download-from-dataset", request_body = DownloadFromDataset, responses(
    (status = 200, description = "The file", body = Vec<u8>,
        content_type = "application/octet-stream"),
    (status = "default", description = "Refused", body = crate::wire::messages::ErrorAnswer),
))]
pub(super) async fn download_from_dataset(
    State(service): State<Service>,
    Extension(reader): Extension<Reader>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let DownloadFromDataset { dataset_id, file_name } = json(&service, &headers, body).await?;
    service.state.admit_dataset(&reader, &dataset_id).await?;
    let file = service.state.catalog.find_file(&dataset_id, &file_name).await?;
    let (file_id, size) = file.ok_or_else(Refusal::unknown_file)?;
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    Ok((head, service.state.blobs.stream(&file_id, size).await?).into_response())
}

/// A refused body is read on for a moment, so that its client gets the answer.
async fn json<T: DeserializeOwned>(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Result<T> {
    let limit = service.state.limits.max_json_bytes;
    let too_large = || Refusal::too_large("the request", limit);
    let mut body = IncomingBody::new(body, headers);
    if body.declared().is_some_and(|bytes| bytes > limit) {
        body.discard();
        return Err(too_large());
    }
    let mut text = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| {
            if is_timeout(error.as_ref()) {
                Refusal::too_slow()
            } else {
                Refusal::bad_request("the request's body ended early")
            }
        })?;
        text.extend_from_slice(&chunk);
        if text.len() as u64 > limit {
            body.discard();
            return Err(too_large());
        }
    }
    serde_json::from_slice(&text).map_err(|error| {
        Refusal::bad_request(format!("the request is not the expected JSON: {error}"))
    })
}

/// One line for each request, without its headers.
async fn log(State(service): State<Service>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // A label of the figures must not be of the client's choosing.
    let call = request.extensions().get::<MatchedPath>().cloned();
    let bytes_in = request.body().size_hint().exact();
    let begun = Instant::now();
    let response = next.run(request).await;
    let (status, bytes_out) = (response.status().as_u16(), response.body().size_hint().exact());
    let call = call.as_ref().map_or("other", MatchedPath::as_str);
    service.state.metrics.answered(call, status, begun.elapsed());
    let ms = begun.elapsed().as_millis();
    tracing::info!(%method, path, status, ms, bytes_in, bytes_out, "request");
    response
}

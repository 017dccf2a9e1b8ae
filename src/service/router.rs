//! The routes, and the layers that every request passes.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::HttpBody,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::{
    app_state::AppState,
    calls::{datasets, deletion, file_bytes, files, looking_in, staging, uploads},
    guard, openapi,
    refusal::Refusal,
};
use crate::wire::{
    deletion::{DELETE_DATASET, DELETE_FILE},
    extensions::EXTENSIONS_HEADER,
    staging::{COMMIT_FILES, STAGE_FILE},
};

pub(super) fn router(app: Arc<AppState>) -> Router {
    let body_timeout = app.limits.body_timeout;
    let calls = Router::new()
        .route("/try-authentication", get(datasets::try_authentication))
        .route("/create-dataset", get(datasets::create_dataset).post(datasets::create_dataset))
        .route("/list-datasets", post(datasets::list_datasets))
        .route("/upload-to-dataset", post(uploads::upload_to_dataset))
        .route("/download-from-dataset", post(files::download_from_dataset))
        .route(STAGE_FILE, post(staging::stage_file))
        .route(COMMIT_FILES, post(staging::commit_files))
        .route(DELETE_DATASET, post(deletion::delete_dataset))
        .route(DELETE_FILE, post(deletion::delete_dataset_file));
    // Release 0.1.60 of the official SDK expects plain names, but the API documents objects.
    let legacy = calls.clone().route("/list-dataset-files", post(files::list_dataset_file_names));
    let calls = calls
        .route("/list-dataset-files", post(files::list_dataset_files))
        .route(file_bytes::PATH, get(file_bytes::file_bytes))
        .route("/uploads", get(uploads::uploads))
        .nest("/legacy", legacy)
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is no such call"))
        .method_not_allowed_fallback(async || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this call does not support the method of the request",
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::require_key));
    Router::new()
        .route("/", get(looking_in::page))
        .route("/health", get(looking_in::health))
        .route("/health/live", get(looking_in::live))
        .route("/metrics", get(looking_in::metrics))
        .route("/openapi.json", get(openapi::document))
        .merge(calls)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::refuse_foreign_pages))
        .layer(middleware::from_fn(guard::refuse_surplus))
        .layer(RequestBodyTimeoutLayer::new(body_timeout))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), log))
        .layer(middleware::map_response_with_state(Arc::clone(&app), announce_extensions))
        .with_state(app)
}

/// Every response announces the extensions, so a client needs no extra call to find out.
async fn announce_extensions(State(app): State<Arc<AppState>>, mut response: Response) -> Response {
    let extensions =
        if app.limits.max_staged_files == 0 { "deletion" } else { "staging, deletion" };
    let (name, value) =
        (HeaderName::from_static(EXTENSIONS_HEADER), HeaderValue::from_static(extensions));
    response.headers_mut().insert(name, value);
    response
}

/// Logs one line for each request, without its headers.
async fn log(State(app): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // A client must not choose labels of the metrics.
    let call = request.extensions().get::<MatchedPath>().cloned();
    let bytes_in = request.body().size_hint().exact();
    let begun = Instant::now();
    let response = next.run(request).await;
    let (status, bytes_out) = (response.status().as_u16(), body_bytes(&response));
    let call = call.as_ref().map_or("other", MatchedPath::as_str);
    app.metrics.answered(call, status, begun.elapsed());
    let ms = begun.elapsed().as_millis();
    tracing::info!(%method, path, status, ms, bytes_in, bytes_out, "request");
    response
}

/// The length of a response's body; `None` if it is not known yet.
fn body_bytes(response: &Response) -> Option<u64> {
    response.body().size_hint().exact().or_else(|| {
        let declared = response.headers().get(header::CONTENT_LENGTH)?;
        declared.to_str().ok()?.parse().ok()
    })
}

//! Calls for operators: page, health, metrics.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{Html, IntoResponse},
};

use crate::{
    service::{app_state::AppState, refusal::Refusal},
    wire::messages::Health,
};

const PAGE: &str = include_str!("page.html");
/// The page needs only itself and the calls of this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
    script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

pub(crate) async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(PAGE))
}

/// Check whether the server accepts uploads, and its catalog and the store of its files respond.
#[utoipa::path(get, path = "/health", security(()), responses(
    (status = 200, description = "The server accepts uploads", body = Health),
    (status = "default", description = "The server rejects uploads",
        body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn health(State(app): State<Arc<AppState>>) -> Result<Json<Health>, Refusal> {
    app.check_open()?;
    app.storage.check_ready().await?;
    Ok(Json(Health { status: "ok".to_owned() }))
}

/// Check whether the process responds, whatever it depends on.
#[utoipa::path(get, path = "/health/live", security(()), responses(
    (status = 200, description = "The server responds", body = Health),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", security(()), responses(
    (status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text"),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn metrics(State(app): State<Arc<AppState>>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let catalog = app.storage.catalog();
    let is_reachable = catalog.check_reachable().await.is_ok();
    if is_reachable {
        match catalog.staged_by_all().await {
            Ok(staged) => app.metrics.note_staged(staged),
            // The other metrics show why.
            Err(error) => tracing::warn!("staged files were not counted: {error}"),
        }
    }
    app.metrics.note_connections(catalog.connections());
    app.metrics.note_blobs(app.storage.check_blobs_reachable().await.is_ok());
    let is_writable = is_reachable && !catalog.has_failed();
    let text = app.metrics.text(app.uploads.in_progress.len(), is_writable);
    ([(header::CONTENT_TYPE, content_type)], text)
}

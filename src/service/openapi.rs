//! The API in the words of `OpenAPI` 3.1, made from the code.

use axum::Json;
use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{ApiKey, ApiKeyValue, SecurityScheme},
};

use super::routes;

/// Answer of `GET /health`.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok` in a 2xx answer.
    pub(super) status: &'static str,
}

/// Body of `POST /upload-to-dataset`: the two fields, in either order.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes; the body is streamed")]
pub(super) struct UploadForm {
    /// The dataset that the file is appended to.
    dataset_id: String,
    /// A parquet file; its `filename` is the name in the dataset.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(OpenApi)]
#[openapi(
    paths(
        routes::try_authentication,
        routes::create_dataset,
        routes::list_datasets,
        routes::list_dataset_files,
        routes::list_dataset_file_names,
        routes::upload_to_dataset,
        routes::download_from_dataset,
        routes::uploads,
        routes::health,
        routes::metrics,
    ),
    modifiers(&KeyInHeader),
    security(("key" = []))
)]
struct Document;

struct KeyInHeader;

impl Modify for KeyInHeader {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let header = ApiKeyValue::with_description("Authorization", "`Key <api key>`");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

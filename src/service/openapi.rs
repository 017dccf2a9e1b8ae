//! The description of the API in `OpenAPI` 3.1, generated from the code.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, SecurityScheme},
};

use super::calls::{datasets, deletion, file_bytes, files, looking_in, staging, uploads};

#[derive(OpenApi)]
#[openapi(
    paths(
        datasets::try_authentication,
        datasets::create_dataset,
        datasets::list_datasets,
        files::list_dataset_files,
        files::list_dataset_file_names,
        uploads::upload_to_dataset,
        files::download_from_dataset,
        file_bytes::file_bytes,
        staging::stage_file,
        staging::commit_files,
        deletion::delete_dataset,
        deletion::delete_dataset_file,
        uploads::uploads,
        looking_in::health,
        looking_in::live,
        looking_in::metrics,
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

//! The description of the API in `OpenAPI` 3.1.
//!
//! The server sends a committed file. The code that generates it from the calls is large, so only
//! a test runs it.

use axum::response::IntoResponse;
use http::header;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, SecurityScheme},
};

use super::calls::{datasets, deletion, file_bytes, files, looking_in, staging, uploads};

#[cfg_attr(not(test), expect(dead_code, reason = "only the test generates the document"))]
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

#[cfg_attr(not(test), expect(dead_code, reason = "only the test generates the document"))]
struct KeyInHeader;

impl Modify for KeyInHeader {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let header = ApiKeyValue::with_description("Authorization", "`Key <api key>`");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_describes_these_calls() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/service/openapi.json");
        let generated = Document::openapi().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("SUTRO_UPDATE_OPENAPI").is_some() {
            std::fs::write(path, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        assert_eq!(committed, generated, "to update it, run the test with SUTRO_UPDATE_OPENAPI=1");
    }
}

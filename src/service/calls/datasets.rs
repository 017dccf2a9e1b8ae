//! Calls about datasets, and about the key.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    service::{
        admission::is_id, app_state::AppState, keys::Caller, refusal::Refusal, storage::Created,
    },
    wire::messages::{Authentication, CreatedDataset, DatasetList},
};

const MAX_DATASET_NAME_CHARS: usize = 255;

/// Check whether the key is valid.
#[utoipa::path(get, path = "/try-authentication", responses(
    (status = 200, description = "The key is valid", body = Authentication),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn try_authentication() -> Json<Authentication> {
    Json(Authentication { authenticated: true })
}

/// Options of a new dataset.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateDataset {
    /// 1 to 64 of the characters A-Z a-z 0-9 _ -; generated if missing.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    dataset_id: Option<String>,
    /// A human-readable name.
    #[param(max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    name: Option<String>,
}

/// Create an empty dataset.
#[utoipa::path(method(get, post), path = "/create-dataset", params(CreateDataset), responses(
    (status = 200, description = "Created", body = CreatedDataset),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn create_dataset(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<CreateDataset>, QueryRejection>,
) -> Result<Json<CreatedDataset>, Refusal> {
    let Query(wanted) = query
        .map_err(|_| Refusal::bad_request("create-dataset accepts only dataset_id and name"))?;
    let dataset_id = wanted.dataset_id.unwrap_or_else(|| format!("dataset-{}", Uuid::new_v4()));
    if !is_id(&dataset_id) {
        return Err(Refusal::bad_request(
            "a dataset_id must be 1 to 64 of the characters A-Z a-z 0-9 _ -",
        ));
    }
    let name = wanted.name.as_deref();
    if name.is_some_and(|name| {
        name.chars().count() > MAX_DATASET_NAME_CHARS || name.contains(char::is_control)
    }) {
        let message = "a dataset's name must be at most 255 characters, without control characters";
        return Err(Refusal::bad_request(message));
    }
    app.check_open()?;
    let (catalog, most) = (app.storage.catalog(), app.limits.max_datasets);
    match catalog.create_dataset(caller.owner(), &dataset_id, name, most).await? {
        Created::Done => Ok(Json(CreatedDataset { dataset_id })),
        Created::IdTaken => {
            Err(Refusal::new(StatusCode::CONFLICT, format!("Dataset {dataset_id} already exists")))
        }
        Created::TooMany => {
            let message = format!("the key already has {most} datasets, the server's limit");
            Err(Refusal::new(StatusCode::FORBIDDEN, message))
        }
    }
}

/// List all datasets of the key, newest first.
#[utoipa::path(post, path = "/list-datasets", responses(
    (status = 200, description = "The datasets", body = DatasetList),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn list_datasets(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<DatasetList>, Refusal> {
    let datasets = app.storage.catalog().datasets(caller.owner()).await?;
    Ok(Json(DatasetList { datasets }))
}

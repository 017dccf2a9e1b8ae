//! The deletion extension: datasets and files are deleted, first from the catalog, then from the
//! store of the blobs.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{
    service::{
        admission::is_id,
        app_state::AppState,
        keys::Caller,
        receive::json,
        refusal::Refusal,
        storage::{Deleted, Storage},
    },
    wire::deletion::{DeleteDataset, DeleteFile, DeletedDataset, DeletedFile, DeletionRefusal},
};

/// Delete a dataset with all of its files and staged files.
#[utoipa::path(post, path = "/delete-dataset", request_body = DeleteDataset, responses(
    (status = 200, description = "Deleted", body = DeletedDataset),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn delete_dataset(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DeletedDataset>, Refusal> {
    let DeleteDataset { dataset_id } = json(app.limits.max_json_bytes, &headers, body).await?;
    match delete(&app, caller, dataset_id.clone(), None).await? {
        Deleted::Done(_) => Ok(Json(DeletedDataset { dataset_id })),
        Deleted::NoDataset | Deleted::NoFile => Err(Refusal::unknown_dataset(&dataset_id)),
    }
}

/// Delete a file of a dataset. The other files keep their order.
#[utoipa::path(post, path = "/delete-dataset-file", request_body = DeleteFile, responses(
    (status = 200, description = "Deleted", body = DeletedFile),
    (status = "default", description = "Rejected", body = DeletionRefusal),
))]
pub(crate) async fn delete_dataset_file(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let DeleteFile { dataset_id, file_name } =
        json(app.limits.max_json_bytes, &headers, body).await?;
    match delete(&app, caller, dataset_id.clone(), Some(file_name.clone())).await? {
        Deleted::Done(_) => Ok(Json(DeletedFile { dataset_id, file_name }).into_response()),
        Deleted::NoDataset => Err(Refusal::unknown_dataset(&dataset_id)),
        Deleted::NoFile => {
            let (error, file_name) = ("File not found in dataset".to_owned(), Some(file_name));
            let refusal = Json(DeletionRefusal { error, file_name });
            Ok((StatusCode::NOT_FOUND, refusal).into_response())
        }
    }
}

/// Responds when the files are removed from the catalog. Their blobs are deleted in the background.
async fn delete(
    app: &Arc<AppState>,
    caller: Caller,
    dataset_id: String,
    file_name: Option<String>,
) -> Result<Deleted, Refusal> {
    if !is_id(&dataset_id) {
        return Ok(Deleted::NoDataset);
    }
    app.check_open()?;
    let state = Arc::clone(app);
    let work = async move {
        let storage = &state.storage;
        let deleted = storage.delete(caller.owner(), &dataset_id, file_name.as_deref()).await?;
        let Deleted::Done(ids) = deleted else { return Ok(deleted) };
        tracing::info!(dataset_id, file_name, files = ids.len(), "deleted");
        state.uploads.tasks.spawn(remove(Arc::clone(&state), ids));
        Ok(Deleted::Done(Vec::new()))
    };
    app.uploads.uninterrupted(work).await
}

/// Deletes blobs until the server is closed. What is left is removed by the sweep.
async fn remove(app: Arc<AppState>, ids: Vec<String>) {
    for ids in ids.chunks(Storage::REMOVED_AT_A_TIME) {
        if app.is_closed() {
            return;
        }
        app.storage.remove_all(ids).await;
    }
}

//! The staging extension: files are staged, and committed together.

use std::{collections::HashSet, sync::Arc};

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::uploads::UploadForm;
use crate::{
    message::{ECHOED_CHARS, cut},
    service::{
        admission::{admit_dataset, differences, is_id},
        app_state::AppState,
        keys::Caller,
        receive::{json, receive_staged},
        refusal::Refusal,
        storage::{Committed, DifferentSchema},
    },
    wire::staging::{
        CommitAnswer, CommitRefusal, CommitRequest, CommittedFile, MAX_COMMIT_FILES, PREFER_HEADER,
        PREFERENCE_APPLIED_HEADER, RETURN_MINIMAL, StagedFile, prefers_minimal,
    },
};

/// Maximum size of a commit request in bytes; 10,000 ids need less.
const MAX_COMMIT_BYTES: u64 = 1024 * 1024;

/// Store a Parquet file for a dataset, which does not show the file until it is committed.
#[utoipa::path(post, path = "/stage-file",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 200, description = "The file is staged and durable", body = StagedFile),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn stage_file(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<StagedFile>, Refusal> {
    let state = Arc::clone(&app);
    let work = async move { receive_staged(&state, caller, &headers, body).await };
    app.uploads.uninterrupted(work).await.map(Json)
}

/// Append staged files to their dataset in the given order: all of them, or none.
#[utoipa::path(post, path = "/commit-files", request_body = CommitRequest, params(
    ("Prefer" = Option<String>, Header,
        description = "`return=minimal` leaves `files` out of the response (RFC 7240)"),
), responses(
    (status = 200, description = "The files are in the dataset, and durable", body = CommitAnswer),
    (status = "default", description = "Rejected", body = CommitRefusal),
))]
pub(crate) async fn commit_files(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let request: CommitRequest = json(MAX_COMMIT_BYTES, &headers, body).await?;
    check_ids(&request.staged_ids)?;
    admit_dataset(app.storage.catalog(), &caller, &request.dataset_id).await?;
    if let Some(id) = request.staged_ids.iter().find(|id| !is_id(id)) {
        return Ok(unknown(id));
    }
    app.check_open()?;
    let state = Arc::clone(&app);
    let is_short = prefers_short(&headers);
    let work = async move { commit(&state, &caller, request, is_short).await };
    app.uploads.uninterrupted(work).await
}

fn prefers_short(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER_HEADER).into_iter();
    values.filter_map(|value| value.to_str().ok()).any(prefers_minimal)
}

fn check_ids(ids: &[String]) -> Result<(), Refusal> {
    if ids.is_empty() || ids.len() > MAX_COMMIT_FILES {
        return Err(Refusal::bad_request(format!(
            "staged_ids must have 1 to {MAX_COMMIT_FILES} ids, got {}",
            ids.len()
        )));
    }
    let mut known = HashSet::with_capacity(ids.len());
    match ids.iter().find(|id| !known.insert(id.as_str())) {
        Some(twice) => {
            let id = cut(twice, ECHOED_CHARS);
            Err(Refusal::bad_request(format!("the id {id} occurs twice in staged_ids")))
        }
        None => Ok(()),
    }
}

async fn commit(
    app: &AppState,
    caller: &Caller,
    request: CommitRequest,
    is_short: bool,
) -> Result<Response, Refusal> {
    let CommitRequest { dataset_id, expected_file_count, staged_ids } = request;
    let committed = app
        .storage
        .commit_staged(caller.owner(), &dataset_id, expected_file_count, &staged_ids)
        .await?;
    let answer = |files: Vec<CommittedFile>| {
        let file_count = expected_file_count + files.len() as u64;
        if is_short {
            let applied = [(PREFERENCE_APPLIED_HEADER, RETURN_MINIMAL)];
            return (applied, Json(CommitAnswer { files: None, file_count })).into_response();
        }
        Json(CommitAnswer { files: Some(files), file_count }).into_response()
    };
    Ok(match committed {
        Committed::Done { files, bytes } => {
            app.metrics.committed_together(u32::try_from(files.len()).unwrap_or(u32::MAX), bytes);
            answer(files)
        }
        Committed::Before(files) => answer(files),
        Committed::CountDiffers(count) => count_differs(expected_file_count, count),
        Committed::Unknown(id) => unknown(&id),
        Committed::NameTaken(name) => name_taken(name),
        Committed::SchemaDiffers(different) => schema_differs(*different),
        Committed::NoDataset => Refusal::unknown_dataset(&dataset_id).into_response(),
    })
}

fn count_differs(expected: u64, count: u64) -> Response {
    let error = format!("the dataset has {count} files, not {expected} as expected");
    let refusal = CommitRefusal { error, file_count: Some(count), ..CommitRefusal::default() };
    (StatusCode::PRECONDITION_FAILED, Json(refusal)).into_response()
}

fn unknown(id: &str) -> Response {
    let id = cut(id, ECHOED_CHARS);
    let error = format!("Staged file {id} not found");
    let refusal = CommitRefusal { error, staged_id: Some(id), ..CommitRefusal::default() };
    (StatusCode::NOT_FOUND, Json(refusal)).into_response()
}

fn name_taken(name: String) -> Response {
    let error = format!(
        "File with this name already exists in the dataset, or twice in this commit: {name}"
    );
    let refusal = CommitRefusal { error, file_name: Some(name), ..CommitRefusal::default() };
    (StatusCode::CONFLICT, Json(refusal)).into_response()
}

fn schema_differs(different: DifferentSchema) -> Response {
    let DifferentSchema { file_name, schema, other_file, expected } = different;
    let other = other_file.map_or("the dataset's".to_owned(), |name| format!("that of {name}"));
    let why = differences(&expected, &schema);
    let error = format!("the schema of {file_name} differs from {other}: {why}");
    let refusal = CommitRefusal { error, file_name: Some(file_name), ..CommitRefusal::default() };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)).into_response()
}

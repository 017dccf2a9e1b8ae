//! Uploads to a server that stages files, but not these.

use std::sync::Arc;

use axum::{
    Json,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::IntoResponse,
};
use serde_json::json;
use sutro::{
    Error,
    service::Limits,
    upload::{FileStatus, Staging, UploadError, UploadOptions, stage},
};

use crate::support::{
    parquet_files::int64_file,
    upload_world::{World, into, name, names, statuses},
};

/// A server that stages no more, because of what others left behind.
async fn full() -> World {
    let limits = Limits { max_staged_files: 2, ..Limits::default() };
    let world = World::with_limits(limits, |router| router).await;
    world.write_some(2);
    let other = world.api.create_dataset().await.unwrap();
    stage(&world.api, world.source(), into(&other), Arc::default()).await.unwrap();
    world
}

#[tokio::test]
async fn files_staged_by_others_do_not_block_an_upload() {
    let world = full().await;
    world.write_some(6);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(6));
    assert_eq!(statuses(&report), [FileStatus::Uploaded; 6]);
    assert!(report.files.iter().all(|file| file.file_id.is_some()));
    let [note] = report.notes.as_slice() else { panic!("{:?}", report.notes) };
    let note = note.to_string();
    assert!(note.contains("part-0.parquet") && note.contains("2 staged files"), "{note}");
}

#[tokio::test]
async fn an_atomic_upload_that_cannot_be_staged_says_why_and_commits_nothing() {
    let world = full().await;
    world.write_some(6);
    let dataset_id = world.api.create_dataset().await.unwrap();
    let options = UploadOptions { staging: Staging::Atomic, ..into(&dataset_id) };
    let error = world.upload(options).await.unwrap_err();
    assert!(error.to_string().contains("commit staged files, or wait"), "{error}");
    assert!(world.names(&dataset_id).await.is_empty());
}

#[tokio::test]
async fn files_that_are_staged_before_the_server_stages_no_more_are_committed_by_it() {
    let world = World::staging(|router| {
        router.layer(middleware::from_fn(|request: Request, next: Next| async move {
            if request.uri().path() != "/stage-file" {
                return next.run(request).await;
            }
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let form = String::from_utf8_lossy(&body);
            if ["part-3.", "part-4."].iter().any(|name| form.contains(name)) {
                let refusal = json!({"error": "the key has too much staged"});
                return (StatusCode::PAYLOAD_TOO_LARGE, Json(refusal)).into_response();
            }
            next.run(Request::from_parts(parts, body.into())).await
        }))
    })
    .await;
    world.write_some(8);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(8));
    assert_eq!(statuses(&report), [FileStatus::Uploaded; 8]);
    assert!(report.notes[0].to_string().starts_with("part-3.parquet and"), "{:?}", report.notes);
    let attempts: Vec<_> = report.files[..4].iter().map(|file| file.attempts).collect();
    assert_eq!(attempts, [1, 1, 1, 2]);
}

#[tokio::test]
async fn a_large_file_that_is_not_staged_is_uploaded_although_it_is_rejected_while_it_is_sent() {
    let limits = Limits { max_staged_bytes: 100_000, ..Limits::default() };
    let world = World::with_limits(limits, |router| router).await;
    world.write_some(1);
    world.write(&name(1), &int64_file(&["id"], 2_000_000));
    world.write(&name(2), &int64_file(&["id"], 3));
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert!(report.files[1].size_bytes > 1_000_000);
    assert_eq!(world.names(&report.dataset_id).await, names(3));
}

#[tokio::test]
async fn a_file_that_the_server_never_takes_is_rejected_in_its_words_and_without_a_note() {
    let limits = Limits { max_file_bytes: 1_000_000, ..Limits::default() };
    let world = World::with_limits(limits, |router| router).await;
    world.write_some(2);
    world.write(&name(2), &int64_file(&["id"], 2_000_000));
    let error = world.upload(UploadOptions::default()).await.unwrap_err();
    let UploadError::Incomplete { report, source, .. } = &error else { panic!("{error}") };
    assert!(matches!(**source, UploadError::Failed(Error::Refused { status: 413, .. })), "{error}");
    assert!(source.to_string().contains("the file is too large"), "{source}");
    assert_eq!(world.names(&report.dataset_id).await, names(2));
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

//! More staged files than one commit can have.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json,
    body::Bytes,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sutro::{
    location::Location,
    source::{Content, Piece},
    upload::{
        FileStatus, MadeFile, MadeFiles, Source, Staging, UploadError, UploadOptions,
        commit_staged, upload,
    },
    wire::{digest::Sha256Digest, staging::StagedFile},
};

use crate::support::{
    parquet_files::int64_file,
    upload_world::{World, into, statuses},
};

const MOST: usize = 10_000;

async fn json_of(request: Request) -> Value {
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The answer to a commit, as if the server had the files.
fn committed(commit: &Value) -> Response {
    let file = |id| json!({"file_name": id, "file_id": id});
    let files: Vec<_> = commit["staged_ids"].as_array().unwrap().iter().map(file).collect();
    Json(json!({"files": files, "file_count": files.len()})).into_response()
}

/// A server that has so many files staged, and whose n-th commit ends so.
async fn world(answer: fn(usize, &Value) -> Response) -> (World, Arc<AtomicUsize>) {
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let world = World::staging(|router| {
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let commits = Arc::clone(&counted);
            async move {
                if request.uri().path() != "/commit-files" {
                    return next.run(request).await;
                }
                let commit = json_of(request).await;
                answer(commits.fetch_add(1, Ordering::SeqCst), &commit)
            }
        }))
    })
    .await;
    (world, commits)
}

fn staged(count: usize) -> Vec<StagedFile> {
    let file = |number| StagedFile {
        staged_id: format!("file_{number}"),
        file_name: format!("{number}.parquet"),
        size_bytes: 1,
        row_count: 1,
        sha256: Sha256Digest::from([0; 32]),
        expires_at: None,
    };
    (0..count).map(file).collect()
}

#[tokio::test]
async fn more_staged_files_than_one_commit_can_have_are_committed_in_two_steps() {
    let (world, commits) = world(|index, commit| {
        let ids = commit["staged_ids"].as_array().unwrap();
        assert_eq!(ids[0], format!("file_{}", index * MOST));
        assert_eq!(ids.len(), [MOST, 1][index]);
        assert_eq!(commit["expected_file_count"], index * MOST);
        committed(commit)
    })
    .await;
    let dataset_id = world.api.create_dataset().await.unwrap();
    let files = staged(MOST + 1);
    let report = commit_staged(&world.api, files, &dataset_id, Some(0), Arc::default()).await;
    let report = report.unwrap();
    assert_eq!(statuses(&report), vec![FileStatus::Uploaded; MOST + 1]);
    assert_eq!((report.bytes, report.bytes_sent), (MOST as u64 + 1, 0));
    assert_eq!(commits.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_second_step_that_is_rejected_says_what_is_there_and_how_to_complete_it() {
    let (world, _) = world(|index, commit| {
        if index == 0 {
            return committed(commit);
        }
        let gone = json!({"error": "Staged file not found", "staged_id": "file_10000"});
        (StatusCode::NOT_FOUND, Json(gone)).into_response()
    })
    .await;
    let dataset_id = world.api.create_dataset().await.unwrap();
    let files = staged(MOST + 1);
    let error = commit_staged(&world.api, files, &dataset_id, None, Arc::default()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, UploadError::Incomplete { .. }), "{error}");
    let words = error.to_string();
    for part in ["10000 of 10001 files are in", "10000.parquet", "commit all of the files again"] {
        assert!(words.contains(part), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_upload_that_grows_too_long_commits_nothing() {
    let world = World::staging(|router| {
        router.layer(middleware::from_fn(|request: Request, next: Next| async move {
            assert_ne!(request.uri().path(), "/commit-files");
            if request.uri().path() != "/stage-file" {
                return next.run(request).await;
            }
            let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
            Json(json!({
                "staged_id": "file_1", "file_name": "", "size_bytes": 1, "row_count": 1,
                "sha256": "00".repeat(32),
            }))
            .into_response()
        }))
    })
    .await;
    let dataset_id = world.api.create_dataset().await.unwrap();
    let bytes = Bytes::from(int64_file(&["id"], 1));
    let (sender, files) = MadeFiles::channel(None, None);
    let sending = tokio::spawn(async move {
        loop {
            let content = Content::new(Location::Label("".into()), [Piece::Bytes(bytes.clone())]);
            let file = MadeFile { name: None, content, partition: Vec::new() };
            if sender.send(file).await.is_err() {
                return;
            }
        }
    });
    let options = UploadOptions { staging: Staging::Atomic, ..into(&dataset_id) };
    let error = upload(&world.api, Source::Made(files), options, Arc::default()).await.unwrap_err();
    assert!(error.to_string().contains("at most 10000 files"), "{error}");
    sending.await.unwrap();
    assert!(world.names(&dataset_id).await.is_empty());
}

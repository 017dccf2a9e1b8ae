//! Uploads to a server that stages files: the same prefix, without waiting for each other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::future::join;
use serde_json::json;
use sutro::{
    Error,
    upload::{FileStatus, Staging, UploadError, UploadOptions, commit_staged, stage},
};

use crate::support::upload_world::{World, into, names, statuses};

/// What happens to the n-th commit, from 0.
type OnCommit = fn(usize, Request, Next) -> CommitFuture;
type CommitFuture = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// Counts commits, and lets `on_commit` have them.
fn counting(router: Router, commits: Arc<AtomicUsize>, on_commit: OnCommit) -> Router {
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let commits = Arc::clone(&commits);
        async move {
            assert_ne!(request.uri().path(), "/upload-to-dataset");
            if request.uri().path() != "/commit-files" {
                return next.run(request).await;
            }
            on_commit(commits.fetch_add(1, Ordering::SeqCst), request, next).await
        }
    }))
}

async fn world(on_commit: OnCommit) -> (World, Arc<AtomicUsize>) {
    let commits = Arc::new(AtomicUsize::new(0));
    let world = World::staging(|router| counting(router, Arc::clone(&commits), on_commit)).await;
    (world, commits)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_commit_gathers_the_files_that_are_staged_meanwhile() {
    let (world, commits) = world(|_, request, next| {
        Box::pin(async move {
            let answer = next.run(request).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            answer
        })
    })
    .await;
    world.write_some(60);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(60));
    assert_eq!(statuses(&report), [FileStatus::Uploaded; 60]);
    let listing = world.api.list_dataset_files(&report.dataset_id).await.unwrap();
    for (file, listed) in report.files.iter().zip(listing) {
        assert_eq!((&file.file_id, file.attempts), (&listed.file_id, 1));
        assert!(file.started <= file.transferred && file.transferred <= file.committed);
    }
    let commits = commits.load(Ordering::SeqCst);
    assert!(commits <= 30, "{commits} commits");
}

#[tokio::test]
async fn a_commit_whose_response_is_lost_is_requested_again_and_adds_nothing_twice() {
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::GATEWAY_TIMEOUT] {
        let lose: OnCommit = match status {
            StatusCode::GATEWAY_TIMEOUT => |index, request, next| {
                Box::pin(async move {
                    let answer = next.run(request).await;
                    if index < 2 { StatusCode::GATEWAY_TIMEOUT.into_response() } else { answer }
                })
            },
            _ => |index, request, next| {
                Box::pin(async move {
                    if index == 0 {
                        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                    }
                    next.run(request).await
                })
            },
        };
        let (world, _) = world(lose).await;
        world.write_some(5);
        let report = world.upload(UploadOptions::default()).await.unwrap();
        assert_eq!(world.names(&report.dataset_id).await, names(5));
        assert_eq!(report.files.iter().map(|file| file.attempts).collect::<Vec<_>>(), [1; 5]);
        assert!(report.files.iter().all(|file| file.file_id.is_some()));
    }
}

#[tokio::test]
async fn a_server_that_never_confirms_a_commit_is_settled_by_its_listing() {
    let (world, _) = world(|_, request, next| {
        Box::pin(async move {
            let _ = next.run(request).await;
            StatusCode::BAD_GATEWAY.into_response()
        })
    })
    .await;
    world.write_some(3);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(3));
}

#[tokio::test]
async fn a_staged_file_that_has_expired_is_staged_again() {
    let (world, _) = world(|index, request, next| {
        Box::pin(async move {
            if index > 0 {
                return next.run(request).await;
            }
            let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
            let commit: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let gone = json!({"error": "gone", "staged_id": commit["staged_ids"][0]});
            (StatusCode::NOT_FOUND, Json(gone)).into_response()
        })
    })
    .await;
    world.write_some(4);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(4));
    assert_eq!(report.files[0].attempts, 2);
}

#[tokio::test]
async fn a_rejected_file_ends_the_upload_after_the_files_before_it() {
    let (world, _) = world(|_, request, next| {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let commit: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let start = commit["expected_file_count"].as_u64().unwrap();
            let count = commit["staged_ids"].as_array().unwrap().len() as u64;
            if (start..start + count).contains(&2) {
                // The file is not named: the client finds out.
                let refusal = json!({"error": "the schema differs"});
                return (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)).into_response();
            }
            next.run(Request::from_parts(parts, body.into())).await
        })
    })
    .await;
    world.write_some(5);
    let error = world.upload(UploadOptions::default()).await.unwrap_err();
    let UploadError::Incomplete { report, source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().contains("the schema differs"), "{source}");
    assert_eq!(world.names(&report.dataset_id).await, names(2));
    let (uploaded, pending) = (FileStatus::Uploaded, FileStatus::Pending);
    assert_eq!(statuses(report), [uploaded, uploaded, pending, pending, pending]);
}

#[tokio::test]
async fn another_writer_ends_the_upload_before_anything_stands_behind_its_file() {
    let (world, commits) = world(|index, request, next| {
        Box::pin(async move {
            if index == 0 {
                return next.run(request).await;
            }
            let refusal = json!({"error": "the dataset has 9 files", "file_count": 9});
            (StatusCode::PRECONDITION_FAILED, Json(refusal)).into_response()
        })
    })
    .await;
    world.write_some(1);
    let first = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(commits.load(Ordering::SeqCst), 1);
    world.write_some(3);
    let error = world.upload(into(&first.dataset_id)).await.unwrap_err();
    assert!(matches!(error, UploadError::Failed(Error::OutcomeUnknown { .. })), "{error}");
    assert_eq!(world.names(&first.dataset_id).await, names(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_with_one_batch_leave_it_once_and_in_order() {
    let (world, _) = world(|_, request, next| Box::pin(next.run(request))).await;
    world.write_some(40);
    let dataset_id = world.api.create_dataset().await.unwrap();
    let (one, other) = join(world.upload(into(&dataset_id)), world.upload(into(&dataset_id))).await;
    assert_eq!(world.names(&dataset_id).await, names(40));
    for outcome in [one, other] {
        let report = outcome.unwrap();
        assert!(report.files.iter().all(|file| file.status != FileStatus::Pending));
    }
}

#[tokio::test]
async fn an_atomic_upload_is_one_commit() {
    let (world, commits) = world(|_, request, next| Box::pin(next.run(request))).await;
    world.write_some(30);
    let options = UploadOptions { staging: Staging::Atomic, ..UploadOptions::default() };
    let report = world.upload(options).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(30));
    assert_eq!(commits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_atomic_upload_that_fails_leaves_nothing() {
    let (world, _) = world(|_, _, _| {
        Box::pin(async {
            let refusal = json!({"error": "the schema differs", "file_name": "part-2.parquet"});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)).into_response()
        })
    })
    .await;
    world.write_some(5);
    let dataset_id = world.api.create_dataset().await.unwrap();
    let options = UploadOptions { staging: Staging::Atomic, ..into(&dataset_id) };
    let error = world.upload(options).await.unwrap_err();
    assert!(matches!(error, UploadError::Failed(Error::Refused { .. })), "{error}");
    assert!(world.names(&dataset_id).await.is_empty());
}

#[tokio::test]
async fn a_server_without_staging_refuses_an_atomic_upload_before_a_dataset_is_created() {
    let world = World::with(|router| router).await;
    world.write_some(2);
    let options = UploadOptions { staging: Staging::Atomic, ..UploadOptions::default() };
    let error = world.upload(options).await.unwrap_err();
    assert!(matches!(error, UploadError::Failed(Error::Configuration(_))), "{error}");
    assert!(error.to_string().contains("does not announce that it stages files"), "{error}");
    assert!(world.api.list_datasets().await.unwrap().is_empty());
}

#[tokio::test]
async fn staged_files_are_invisible_until_any_client_with_the_key_commits_them() {
    let (world, _) = world(|_, request, next| Box::pin(next.run(request))).await;
    world.write_some(6);
    let dataset_id = world.api.create_dataset().await.unwrap();
    let staged = stage(&world.api, world.source(), into(&dataset_id), Arc::default()).await;
    let staged = staged.unwrap();
    assert!(world.names(&dataset_id).await.is_empty());
    assert_eq!(staged.iter().map(|file| file.file_name.clone()).collect::<Vec<_>>(), names(6));
    let commit =
        |expected| commit_staged(&world.api, staged.clone(), &dataset_id, expected, Arc::default());
    let report = commit(Some(0)).await.unwrap();
    assert_eq!(statuses(&report), [FileStatus::Uploaded; 6]);
    assert_eq!(world.names(&dataset_id).await, names(6));
    // Whoever lost the response asks again.
    for expected in [Some(0), None] {
        let again = commit(expected).await.unwrap();
        assert_eq!(again.files[5].file_id, report.files[5].file_id);
    }
    let error = commit(Some(3)).await.unwrap_err();
    assert!(!error.to_string().is_empty());
    assert_eq!(world.names(&dataset_id).await, names(6));
    // Their names are in use now.
    let again = stage(&world.api, world.source(), into(&dataset_id), Arc::default()).await;
    let error = again.unwrap_err();
    assert!(matches!(error, UploadError::Failed(Error::NamesTaken { .. })), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_drivers_that_commit_at_once_exactly_one_succeeds() {
    let (world, _) = world(|_, request, next| Box::pin(next.run(request))).await;
    world.write_some(4);
    let dataset_id = world.api.create_dataset().await.unwrap();
    let mut staged = Vec::new();
    for _ in 0..2 {
        let files = stage(&world.api, world.source(), into(&dataset_id), Arc::default()).await;
        staged.push(files.unwrap());
    }
    let commit = |files| commit_staged(&world.api, files, &dataset_id, Some(0), Arc::default());
    let other = staged.pop().unwrap();
    let (one, other) = join(commit(staged.pop().unwrap()), commit(other)).await;
    // Both batches have the same contents, so the loser finds its files there.
    assert!(one.is_ok() || other.is_ok());
    assert_eq!(world.names(&dataset_id).await, names(4));
}

#[tokio::test]
async fn a_resumed_upload_commits_what_is_missing() {
    let (world, _) = world(|_, request, next| Box::pin(next.run(request))).await;
    world.write_some(3);
    let first = world.upload(UploadOptions::default()).await.unwrap();
    world.write_some(7);
    let report = world.upload(into(&first.dataset_id)).await.unwrap();
    let skipped = report.files.iter().filter(|f| f.status == FileStatus::Skipped).count();
    assert_eq!(skipped, 3);
    assert_eq!(world.names(&first.dataset_id).await, names(7));
}

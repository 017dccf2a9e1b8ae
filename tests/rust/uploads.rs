//! Uploads end to end, against the embedded service behind a layer that misbehaves.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::Request,
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use fastrand::Rng;
use serde_json::json;
use sutro::{
    Error,
    service::UploadRecord,
    upload::{FileStatus, Paths, Source, Tracker, UploadError, UploadOptions, upload},
};

use crate::support::{
    parquet_files::{file_of_size, int64_file},
    upload_world::{World, into, name, names, statuses},
};

/// What the layer in front of the service does with the n-th upload request, from 0.
type Layer = Arc<dyn Fn(usize, Request, Next) -> LayerAnswer + Send + Sync>;
type LayerAnswer = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

impl World {
    async fn new() -> Self {
        Self::behind(Arc::new(|_, request, next| Box::pin(next.run(request)))).await
    }

    async fn behind(layer: Layer) -> Self {
        Self::with(|router| misbehaving(router, layer)).await
    }
}

fn misbehaving(router: Router, layer: Layer) -> Router {
    let requests = Arc::new(AtomicUsize::new(0));
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let (layer, requests) = (Arc::clone(&layer), Arc::clone(&requests));
        async move {
            if request.uri().path() != "/upload-to-dataset" {
                return next.run(request).await;
            }
            layer(requests.fetch_add(1, Ordering::Relaxed), request, next).await
        }
    }))
}

fn overlapping(records: &[UploadRecord]) -> usize {
    let overlap = |one: &UploadRecord, other: &UploadRecord| {
        one.first_byte_at < other.last_byte_at && other.first_byte_at < one.last_byte_at
    };
    records.windows(2).filter(|pair| overlap(&pair[0], &pair[1])).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_files_of_all_sizes_are_sent_together_and_committed_in_order() {
    for seed in 0..3 {
        let delays = Arc::new(std::sync::Mutex::new(Rng::with_seed(seed)));
        let world = World::behind(Arc::new(move |_, request, next| {
            let delay = Duration::from_millis(delays.lock().unwrap().u64(0..40));
            Box::pin(async move {
                let answer = next.run(request).await;
                tokio::time::sleep(delay).await;
                answer
            })
        }))
        .await;
        let mut rng = Rng::with_seed(seed);
        for index in 0..40 {
            let largest = *rng.choice([200, 5_000, 400_000, 3_000_000].iter()).unwrap();
            world.write(&name(index), &file_of_size(rng.usize(0..largest)));
        }
        let report = world.upload(UploadOptions::default()).await.unwrap();
        assert_eq!(world.names(&report.dataset_id).await, names(40), "seed {seed}");
        assert_eq!(statuses(&report), [FileStatus::Uploaded; 40]);
        let records = world.service.upload_records(&report.dataset_id).await.unwrap();
        assert!(records.is_sorted_by_key(|record| record.committed_at), "seed {seed}");
        assert!((2..=8).contains(&report.concurrency), "seed {seed}: {}", report.concurrency);
        assert!(overlapping(&records) >= 20, "seed {seed}: {records:?}");
    }
}

#[tokio::test]
async fn the_report_has_the_outcome_of_each_file() {
    let world = World::new().await;
    world.write_some(3);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    let listing = world.api.list_dataset_files(&report.dataset_id).await.unwrap();
    assert_eq!(report.bytes, report.files.iter().map(|file| file.size_bytes).sum::<u64>());
    for (index, (file, listed)) in report.files.iter().zip(listing).enumerate() {
        assert_eq!((file.position, &file.name), (index, &listed.file_name));
        assert_eq!(file.file_id, listed.file_id);
        assert_eq!(
            (Some(file.size_bytes), Some(file.row_count)),
            (listed.size_bytes, listed.row_count)
        );
        assert_eq!((file.attempts, file.row_count), (1, index as u64 + 1));
        assert!(file.started <= file.transferred && file.transferred <= file.committed);
    }
}

#[tokio::test]
async fn a_second_run_skips_committed_files_and_sends_the_rest() {
    let world = World::new().await;
    world.write_some(2);
    let first = world.upload(UploadOptions::default()).await.unwrap();
    world.write_some(4);
    let report = world.upload(into(&first.dataset_id)).await.unwrap();
    let (skipped, uploaded) = (FileStatus::Skipped, FileStatus::Uploaded);
    assert_eq!(statuses(&report), [skipped, skipped, uploaded, uploaded]);
    assert_eq!(report.files[0].file_id, first.files[0].file_id);
    let again = world.upload(into(&first.dataset_id)).await.unwrap();
    assert_eq!((statuses(&again), again.bytes), (vec![skipped; 4], 0));
    assert_eq!(world.names(&first.dataset_id).await, names(4));
}

#[tokio::test]
async fn names_with_other_content_are_rejected_before_anything_is_sent() {
    let world = World::new().await;
    world.write_some(3);
    let dataset_id = world.upload(UploadOptions::default()).await.unwrap().dataset_id;
    fs::remove_file(world.files().join(name(1))).unwrap();
    let error = world.upload(into(&dataset_id)).await.unwrap_err();
    assert!(matches!(error, UploadError::Failed(Error::NamesTaken { .. })), "{error}");
    assert!(error.to_string().contains(&name(0)), "{error}");
}

#[tokio::test]
async fn every_bad_file_is_named_before_anything_is_sent_or_created() {
    let world = World::new().await;
    world.write_some(5);
    world.write("csv.parquet", b"id,name\n1,a\n2,b\n");
    let cut = int64_file(&["id"], 9);
    world.write("cut.parquet", &cut[..cut.len() - 3]);
    world.write("other.parquet", &int64_file(&["id", "score"], 1));
    let error = world.upload(UploadOptions::default()).await.unwrap_err();
    let message = error.to_string();
    for words in ["3 of 8 files", "csv.parquet", "cut.parquet", "other.parquet", "score"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(matches!(error, UploadError::Check(_)));
    assert!(world.api.list_datasets().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_is_no_parquet_file_is_not_asked_for_another_name() {
    let world = World::new().await;
    world.write("notes.bin", b"\x00\x01\x02 not parquet");
    let sources = vec![world.files().join("notes.bin").display().to_string()];
    let refused = upload(
        &world.api,
        Source::Files(Paths { paths: sources, ..Paths::default() }.find().unwrap()),
        UploadOptions::default(),
        Arc::default(),
    )
    .await;
    let message = refused.unwrap_err().to_string();
    assert!(message.starts_with("1 of 1 file cannot be uploaded. Nothing was sent."), "{message}");
    assert_eq!(message.matches("notes.bin:").count(), 1, "{message}");
}

#[tokio::test]
async fn an_unknown_dataset_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    world.write_some(1);
    let error = world.upload(into("dataset-none")).await.unwrap_err();
    assert!(matches!(error, UploadError::Failed(Error::DatasetNotFound { .. })), "{error}");
}

#[tokio::test]
async fn a_lost_response_is_settled_by_the_listing_and_nothing_is_sent_twice() {
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::GATEWAY_TIMEOUT] {
        let world = World::behind(Arc::new(move |index, request, next| {
            Box::pin(async move {
                let answer = next.run(request).await;
                if index == 1 { (status, "<html>").into_response() } else { answer }
            })
        }))
        .await;
        world.write_some(4);
        let report = world.upload(UploadOptions::default()).await.unwrap();
        assert_eq!(world.names(&report.dataset_id).await, names(4));
        assert_eq!(report.files.iter().map(|file| file.attempts).collect::<Vec<_>>(), [1; 4]);
        assert!(report.files[1].file_id.is_some());
    }
}

#[tokio::test]
async fn a_request_to_a_busy_server_is_retried() {
    let world = World::behind(Arc::new(|index, request, next| {
        Box::pin(async move {
            let retry_after = [(header::RETRY_AFTER, "0")];
            let is_busy = index < 3;
            let refusal = (StatusCode::SERVICE_UNAVAILABLE, retry_after);
            if is_busy { refusal.into_response() } else { next.run(request).await }
        })
    }))
    .await;
    world.write_some(4);
    let report = world.upload(UploadOptions::default()).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(4));
    // The last file may be dropped once, to make room for those that were refused.
    assert!(matches!(report.files.iter().map(|file| file.attempts).sum(), 7 | 8_u32));
}

#[tokio::test]
async fn a_refusal_in_the_middle_keeps_the_files_before_it_and_no_file_after_it() {
    let world = World::behind(Arc::new(|index, request, next| {
        Box::pin(async move {
            if index == 3 {
                let refusal = Json(json!({"error": "we do not like this one"}));
                return (StatusCode::UNPROCESSABLE_ENTITY, refusal).into_response();
            }
            next.run(request).await
        })
    }))
    .await;
    world.write_some(8);
    match world.upload(UploadOptions::default()).await.unwrap_err() {
        UploadError::Incomplete { report, source, .. } => {
            assert!(source.to_string().contains("part-3.parquet"), "{source}");
            assert!(source.to_string().contains("we do not like this one"), "{source}");
            assert_eq!(world.names(&report.dataset_id).await, names(3));
            // The next run, with the same files, goes on.
            let report = world.upload(into(&report.dataset_id)).await.unwrap();
            assert_eq!(world.names(&report.dataset_id).await, names(8));
        }
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_file_that_changes_during_its_upload_is_not_committed() {
    let changed = Arc::new(std::sync::Mutex::new(PathBuf::new()));
    let to_change = Arc::clone(&changed);
    let world = World::behind(Arc::new(move |index, request, next| {
        if index == 0 {
            append_to(&to_change.lock().unwrap());
        }
        Box::pin(next.run(request))
    }))
    .await;
    world.write_some(3);
    *changed.lock().unwrap() = world.files().join(name(2));
    // What is sent of a file is read before it waits for its turn: here, none is ahead.
    let options = UploadOptions { concurrency: 1, ..UploadOptions::default() };
    match world.upload(options).await.unwrap_err() {
        UploadError::Incomplete { report, source, .. } => {
            assert!(matches!(*source, UploadError::Failed(Error::FileChanged { .. })), "{source}");
            assert!(source.to_string().contains("part-2.parquet changed"), "{source}");
            assert_eq!(world.names(&report.dataset_id).await, names(2));
        }
        error => panic!("{error}"),
    }
}

fn append_to(path: &Path) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_a_prefix_and_the_next_one_completes_it() {
    let (reached, mut is_reached) = tokio::sync::mpsc::unbounded_channel();
    let world = World::behind(Arc::new(move |index, request, next| {
        let reached = reached.clone();
        Box::pin(async move {
            if index == 5 {
                reached.send(()).unwrap();
                std::future::pending::<()>().await;
            }
            next.run(request).await
        })
    }))
    .await;
    world.write_some(12);
    let dataset_id = world.api.create_dataset().await.unwrap();
    tokio::select! {
        done = world.upload(into(&dataset_id)) => panic!("{done:?}"),
        _ = is_reached.recv() => {}
    }
    let there = world.names(&dataset_id).await;
    assert_eq!(there, names(there.len()));
    let report = world.upload(into(&dataset_id)).await.unwrap();
    assert_eq!(world.names(&report.dataset_id).await, names(12));
}

#[tokio::test]
async fn unordered_uploads_all_arrive_and_the_last_may_be_first() {
    let world = World::behind(Arc::new(|index, request, next| {
        Box::pin(async move {
            if index == 0 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            next.run(request).await
        })
    }))
    .await;
    world.write_some(6);
    let options = UploadOptions { ordered: false, ..UploadOptions::default() };
    let report = world.upload(options).await.unwrap();
    let mut found = world.names(&report.dataset_id).await;
    assert_ne!(found[0], name(0));
    found.sort();
    assert_eq!(found, names(6));
}

#[tokio::test]
async fn progress_counts_bytes_and_files() {
    let world = World::new().await;
    world.write_some(3);
    let tracker = Arc::new(Tracker::default());
    let options = UploadOptions::default();
    let report = upload(&world.api, world.source(), options, Arc::clone(&tracker)).await;
    let (progress, report) = (tracker.progress(), report.unwrap());
    assert_eq!((progress.files_committed, progress.files_total), (3, 3));
    assert_eq!((progress.bytes_sent, progress.bytes_total), (report.bytes, report.bytes));
    assert_eq!((progress.files_in_transfer, progress.files_held), (0, 0));
}

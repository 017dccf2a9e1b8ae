//! Packed files through real uploads, over a gate that fails.

use std::{
    fs::OpenOptions,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::IntoResponse,
};
use sutro::{
    Error,
    upload::{FileStatus, UploadError, UploadOptions},
};

use crate::support::{
    parquet_files::file_of_size,
    upload_world::{World, into, name, statuses},
};

const KIB: usize = 1024;
const FILES: usize = 12;

/// Twelve files of about 64 KiB, and a server whose n-th upload, from 0, gets the status that
/// `refuses` gives it.
async fn world(
    refuses: impl Fn(usize) -> Option<StatusCode> + Clone + Send + Sync + 'static,
) -> World {
    let requests = Arc::new(AtomicUsize::new(0));
    let layer = move |request: Request, next: Next| {
        let (requests, refuses) = (Arc::clone(&requests), refuses.clone());
        async move {
            let is_upload = request.uri().path() == "/upload-to-dataset";
            let status = is_upload.then(|| refuses(requests.fetch_add(1, Ordering::Relaxed)));
            match status.flatten() {
                Some(status) => status.into_response(),
                None => next.run(request).await,
            }
        }
    };
    let world = World::with(|router: Router| router.layer(middleware::from_fn(layer))).await;
    (0..FILES).for_each(|index| world.write(&name(index), &file_of_size(64 * KIB + 8 * index)));
    world
}

fn packed(dataset_id: &str) -> UploadOptions {
    UploadOptions { target_file_size: Some(200_000), concurrency: 1, ..into(dataset_id) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_upload_that_fails_leaves_a_prefix_and_a_second_run_completes_it() {
    for fails_from in 0..4 {
        let world =
            world(move |upload| (upload >= fails_from).then_some(StatusCode::BAD_REQUEST)).await;
        let dataset_id = world.api.create_dataset().await.unwrap();
        let whole = {
            let dry = UploadOptions { dry_run: true, ..packed(&dataset_id) };
            let report = world.upload(dry).await.unwrap();
            report.files.into_iter().map(|file| file.name).collect::<Vec<_>>()
        };
        assert_eq!(whole.len(), 4);
        world.upload(packed(&dataset_id)).await.unwrap_err();
        assert_eq!(world.names(&dataset_id).await, whole[..fails_from]);

        let healthy = world.without_layer().await;
        let report = healthy.upload(packed(&dataset_id)).await.unwrap();
        let mut expected = vec![FileStatus::Skipped; fails_from];
        expected.resize(whole.len(), FileStatus::Uploaded);
        assert_eq!(statuses(&report), expected);
        assert_eq!(healthy.names(&dataset_id).await, whole);
        let sources: usize = report.files.iter().map(|file| file.sources.len()).sum();
        assert_eq!(sources, FILES);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changes_between_two_attempts_is_named_and_its_pack_is_not_committed() {
    let path = Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
    let changed = Arc::clone(&path);
    let world = world(move |upload| {
        let is_first = upload == 0;
        if is_first {
            let path = changed.get().unwrap();
            OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
        }
        is_first.then_some(StatusCode::SERVICE_UNAVAILABLE)
    })
    .await;
    path.set(world.files().join(name(2))).unwrap();
    let dataset_id = world.api.create_dataset().await.unwrap();
    let error = world.upload(packed(&dataset_id)).await.unwrap_err();
    assert!(
        matches!(&error, UploadError::Failed(Error::FileChanged { location, .. })
            if location.path() == path.get().map(|path| &**path)),
        "{error:?}"
    );
    assert!(world.names(&dataset_id).await.is_empty());
}

//! Contents of several pieces, bytes and ranges of sources, through real uploads.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
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
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use sutro::{
    Error,
    client::DownloadOptions,
    location::Location,
    source::{Content, Piece, Source, StorageOptions},
    upload::{self, FileStatus, MadeFile, MadeFiles, UploadError, UploadOptions, UploadReport},
};

use crate::{
    support::parquet_files::{file_of_size, int64_file},
    support::upload_world::World,
};

const MIB: usize = 1024 * 1024;

/// Does something with the n-th upload request, from 0.
async fn world(layer: impl Fn(usize) -> Option<Response> + Clone + Send + Sync + 'static) -> World {
    let requests = Arc::new(AtomicUsize::new(0));
    let layer = move |request: Request, next: Next| {
        let (layer, requests) = (layer.clone(), Arc::clone(&requests));
        async move {
            let is_upload = request.uri().path() == "/upload-to-dataset";
            let response = is_upload.then(|| layer(requests.fetch_add(1, Ordering::Relaxed)));
            match response.flatten() {
                Some(response) => response,
                None => next.run(request).await,
            }
        }
    };
    World::with(|router: Router| router.layer(middleware::from_fn(layer))).await
}

/// A file, cut into: bytes in memory, half of the rest out of one source, the other half out of
/// another one. Both sources hold other bytes, too.
fn in_pieces(file: &[u8], first: &Path, second: &Path) -> Content {
    let middle = file.len() / 2;
    fs::write(first, [b"before", &file[4..middle]].concat()).unwrap();
    fs::write(second, [&file[middle..], b"behind"].concat()).unwrap();
    let [first, second] = [first, second].map(|path| Source::pin(path).unwrap());
    let (end, rest) = (first.size(), (file.len() - middle) as u64);
    Content::new(
        Location::Label("a file of pieces".into()),
        [
            Piece::Bytes(Bytes::copy_from_slice(&file[..4])),
            Piece::Range(first, 6..end),
            Piece::Range(second.clone(), 0..rest - 100),
            Piece::Range(second, rest - 100..rest),
        ],
    )
}

async fn upload(
    world: &World,
    dataset_id: &str,
    contents: Vec<Content>,
) -> Result<UploadReport, UploadError> {
    let (sender, files) = MadeFiles::channel(Some(contents.len()), None);
    tokio::spawn(async move {
        for content in contents {
            let _ = sender.send(MadeFile { name: None, content, partition: Vec::new() }).await;
        }
    });
    let options = UploadOptions { dataset_id: Some(dataset_id.to_owned()), ..Default::default() };
    upload::upload(&world.api, upload::Source::Made(files), options, Arc::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_of_pieces_of_several_sources_arrive_exactly_even_if_they_are_sent_again() {
    let busy = || StatusCode::SERVICE_UNAVAILABLE.into_response();
    let world = world(move |request| [0, 2].contains(&request).then(busy)).await;
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = [200, 3_000, 300_000, 4 * MIB].map(file_of_size).into();
    let content = |(index, file): (usize, &Vec<u8>)| {
        let path = |name| folder.path().join(format!("{index}-{name}"));
        in_pieces(file, &path("first"), &path("second"))
    };
    let contents = files.iter().enumerate().map(content).collect();
    let dataset_id = world.api.create_dataset().await.unwrap();
    let report = upload(&world, &dataset_id, contents).await.unwrap();
    assert!(report.files.iter().all(|file| file.status == FileStatus::Uploaded));
    let options = DownloadOptions {
        files: None,
        output: folder.path().join("back"),
        storage_options: StorageOptions::default(),
        concurrency: 2,
        overwrite: false,
    };
    let back = world.api.download_from_dataset(&report.dataset_id, options).await.unwrap();
    assert_eq!(back.len(), files.len());
    for (path, file) in back.iter().zip(&files) {
        assert!(fs::read(path.path().unwrap()).unwrap() == *file, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changes_under_way_is_refused_and_nothing_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    // Much more than connections hold: most of the body is read after the change.
    let file = file_of_size(32 * MIB);
    for changed in ["first", "second"] {
        let path = |name| folder.path().join(name);
        let content = in_pieces(&file, &path("first"), &path("second"));
        let changed = path(changed);
        let changed_by_layer = changed.clone();
        let world = world(move |_| {
            let mut file = OpenOptions::new().append(true).open(&changed_by_layer).unwrap();
            file.write_all(b"more").unwrap();
            None
        })
        .await;
        let dataset_id = world.api.create_dataset().await.unwrap();
        let last = Content::from(pinned(&path("last"), &int64_file(&["id"], 1)));
        let error = upload(&world, &dataset_id, vec![content, last]).await.unwrap_err();
        let expected = Location::from(changed.as_path());
        assert!(
            matches!(&error, UploadError::Failed(Error::FileChanged { location, .. })
                if *location == expected),
            "{error:?}"
        );
        assert!(world.names(&dataset_id).await.is_empty());
    }
}

fn pinned(path: &Path, bytes: &[u8]) -> Source {
    fs::write(path, bytes).unwrap();
    Source::pin(path).unwrap()
}

//! The body of an upload: whatever comes, a whole file is taken or it is refused in words.
//!
//! The input is made of what a body is made of, so that most of it gets past the first line.
#![no_main]

use std::sync::LazyLock;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use libfuzzer_sys::fuzz_target;
use sutro::{
    credentials::ApiKey,
    service::{Keys, Limits, Place, Service},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const KEY: &str = "key-of-the-fuzzer";

struct Target {
    runtime: Runtime,
    service: Service,
    folder: TempDir,
}

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::shared(&ApiKey::new(KEY).unwrap());
    let place = Place::folder(folder.path());
    let service = runtime.block_on(Service::open(&place, keys, Limits::default())).unwrap();
    let target = Target { runtime, service, folder };
    let create = request("GET", "/create-dataset?dataset_id=fuzz").body(Body::empty()).unwrap();
    assert_eq!(target.answer(create).0, StatusCode::OK);
    target
});

impl Target {
    fn answer(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        self.runtime.block_on(async {
            let answer = self.service.router().oneshot(request).await.unwrap();
            let status = answer.status();
            (status, to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec())
        })
    }

    fn blobs(&self) -> usize {
        self.folder.path().join("blobs").read_dir().unwrap().count()
    }
}

fn request(method: &str, call: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(call)
        .header("host", "localhost")
        .header("authorization", format!("Key {KEY}"))
        .header("content-type", "multipart/form-data; boundary=b")
}

/// A byte from 0x80 on stands for one of these pieces, another one for itself.
const PIECES: [&[u8]; 16] = [
    b"--b\r\n",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"\r\n--b--",
    b"\r\n\r\n",
    b"Content-Disposition: form-data; name=\"dataset_id\"\r\n\r\nfuzz",
    b"Content-Disposition: form-data; name=\"file\"; filename=\"a.parquet\"\r\n\r\n",
    b"Content-Disposition: form-data; name=\"file\"; filename=\"",
    b"Content-Disposition: form-data; name=\"",
    b"Content-Type: application/octet-stream\r\n",
    b".parquet\"\r\n\r\n",
    b"; filename*=UTF-8''%2e%2e%2fa.parquet",
    // A whole file without rows: one required int64 column.
    b"PAR1\x15\x02\x19\x2c\x48\x06schema\x15\x02\x00\x15\x04\x25\x00\x18\x01a\x00\x16\x00\x19\x0c\x00\x1d\x00\x00\x00PAR1",
    b"PAR1",
    b"\r\n--b-",
    b"--",
];

/// The pieces of a body; 0x7f ends one, as the network might.
fn chunks(input: &[u8]) -> Vec<Vec<u8>> {
    let cut = input.split(|byte| *byte == 0x7f);
    cut.map(|chunk| {
        let pieces = chunk.iter().map(|byte| match byte {
            0x80.. => PIECES[usize::from(byte % 16)].to_vec(),
            _ => vec![*byte],
        });
        pieces.flatten().collect()
    })
    .collect()
}

fuzz_target!(|input: &[u8]| {
    let before = TARGET.blobs();
    let chunks = chunks(input);
    let body = chunks.concat();
    let sent = chunks.into_iter().map(Ok::<_, std::io::Error>);
    let body_of_chunks = Body::from_stream(futures_util::stream::iter(sent));
    let upload = request("POST", "/upload-to-dataset").body(body_of_chunks).unwrap();
    let (status, told) = TARGET.answer(upload);
    if status == StatusCode::OK {
        assert!(body.ends_with(b"\r\n--b--\r\n") || body.ends_with(b"\r\n--b--"));
        assert_eq!(TARGET.blobs(), before + 1);
    } else {
        assert!(status.is_client_error(), "{status}");
        assert!(told.starts_with(b"{\"error\":"));
        assert_eq!(TARGET.blobs(), before);
    }
});

//! Failures between a server and its store: results are correct, and nothing is left behind.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt, future::join_all};
use object_store::{
    ObjectStore,
    path::Path,
    signer::{SignedUrlOptions, Signer},
};

use super::{
    blobs::S3Blobs,
    fault_proxy::{Call, Fault, FaultProxy},
    place::S3Place,
    server::{S3Server, SECRET},
};
use crate::service::storage::{blobs::Blobs, error::StorageError, new_blob::new_file_id};

const ALL: [Call; 8] = [
    Call::Put,
    Call::Begin,
    Call::Part,
    Call::Complete,
    Call::Abort,
    Call::Delete,
    Call::Head,
    Call::Get,
];
const ALWAYS: usize = usize::MAX;
const SMALL: usize = 70_000;
/// More than two parts.
const LARGE: usize = 17 << 20;

/// A store behind a proxy, and a way around it.
struct World {
    proxy: FaultProxy,
    blobs: S3Blobs,
    direct: S3Blobs,
}

impl World {
    /// `None` if there is no S3 server. Requests time out after `timeout` seconds.
    async fn start(timeout: &str) -> Option<Self> {
        let server = S3Server::shared()?;
        let url = S3Server::new_place();
        let open = async |options: &[(&str, &str)]| {
            let place = S3Place::parse(&url, &server.options(options)).unwrap();
            S3Blobs::open(&place).await.unwrap()
        };
        let direct = open(&[]).await;
        let proxy = FaultProxy::before(server.endpoint()).await;
        let blobs = open(&[("endpoint", &proxy.url), ("timeout", timeout)]).await;
        Some(Self { proxy, blobs, direct })
    }

    /// Unfinished uploads, and objects.
    async fn left(&self) -> (usize, usize) {
        let store = &self.direct.0;
        let prefix = [("uploads", ""), ("prefix", store.prefix.as_ref())];
        let options = SignedUrlOptions::default().with_query(prefix);
        let (root, time) = (Path::default(), Duration::from_mins(1));
        let url = store.s3.signed_url_opts(http::Method::GET, &root, time, &options).await;
        let listing = reqwest::get(url.unwrap()).await.unwrap().text().await.unwrap();
        assert!(listing.contains("<ListMultipartUploadsResult"), "{listing}");
        let objects: Vec<_> = store.s3.list(Some(&store.prefix)).try_collect().await.unwrap();
        (listing.matches("<Upload>").count(), objects.len())
    }

    async fn nothing_is_left(&self) {
        while self.left().await != (0, 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn content(size: usize) -> Bytes {
    std::iter::repeat_with(|| fastrand::u8(..)).take(size).collect()
}

async fn store(blobs: &S3Blobs, id: &str, content: &Bytes) -> Result<(), StorageError> {
    let mut blob = blobs.create(id, content.len() as u64).await?;
    for at in (0..content.len()).step_by(300_000) {
        let bytes = content.slice(at..content.len().min(at + 300_000));
        if let Err(error) = blob.write(bytes).await {
            blob.abort().await.unwrap();
            return Err(error);
        }
    }
    blob.finish().await
}

async fn read(blobs: &S3Blobs, id: &str, size: usize) -> Result<Bytes, StorageError> {
    let stream = blobs.read(id, size as u64, 0..size as u64).await?;
    Ok(stream.try_collect::<BytesMut>().await?.freeze())
}

#[tokio::test]
async fn a_response_that_is_lost_or_cut_at_any_call_changes_nothing() {
    let Some(world) = World::start("10").await else { return };
    for (call, size) in [
        (Call::Put, SMALL),
        (Call::Begin, LARGE),
        (Call::Part, LARGE),
        (Call::Complete, LARGE),
        (Call::Head, LARGE),
        (Call::Get, LARGE),
    ] {
        let (id, content) = (new_file_id(), content(size));
        world.proxy.plant(&[call], Fault::LostResponse, 1);
        store(&world.blobs, &id, &content).await.unwrap();
        if call == Call::Get {
            world.proxy.plant(&[call], Fault::CutResponse, 2);
        }
        assert_eq!(read(&world.blobs, &id, size).await.unwrap(), content, "{call:?}");
        assert!(world.proxy.has_no_faults_left(), "{call:?}");
        // Nobody knows the upload whose first response was lost; a rule of the bucket ends it.
        world.direct.delete(&id).await.unwrap();
        assert_eq!(world.left().await.1, 0, "{call:?}");
    }
}

#[tokio::test]
async fn a_blob_is_stored_even_if_every_response_is_lost() {
    let Some(world) = World::start("1").await else { return };
    for (call, size) in [(Call::Put, SMALL), (Call::Complete, LARGE)] {
        let (id, content) = (new_file_id(), content(size));
        world.proxy.plant(&[call], Fault::LostResponse, ALWAYS);
        store(&world.blobs, &id, &content).await.unwrap();
        assert_eq!(read(&world.direct, &id, size).await.unwrap(), content, "{call:?}");
        world.proxy.end_faults();
    }
}

#[tokio::test]
async fn a_store_that_acknowledges_writes_that_it_drops_is_detected() {
    let Some(world) = World::start("1").await else { return };
    let lie = "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
    world.proxy.plant(&[Call::Complete], Fault::Instead(200, lie), 1);
    let stored = store(&world.blobs, &new_file_id(), &content(LARGE)).await;
    assert!(matches!(stored, Err(StorageError::BlobFailed(_))), "{stored:?}");
    world.nothing_is_left().await;
}

#[tokio::test]
async fn a_refusal_is_a_failure_and_leaves_nothing() {
    let Some(world) = World::start("1").await else { return };
    let refusal = "<Error><Code>InvalidPart</Code><Message>wrong</Message></Error>";
    for (call, size) in
        [(Call::Put, SMALL), (Call::Begin, LARGE), (Call::Part, LARGE), (Call::Complete, LARGE)]
    {
        for (status, is_away) in [(400, false), (403, true)] {
            world.proxy.plant(&[call], Fault::Instead(status, refusal), ALWAYS);
            let stored = store(&world.blobs, &new_file_id(), &content(size)).await;
            let error = stored.unwrap_err();
            assert!(error.to_string().contains("InvalidPart: wrong"), "{error}");
            assert_eq!(matches!(error, StorageError::StoreAway(_)), is_away, "{call:?}: {error}");
            assert_eq!(matches!(error, StorageError::BlobFailed(_)), !is_away, "{call:?}: {error}");
            world.proxy.end_faults();
            world.blobs.0.look().await.unwrap();
            world.nothing_is_left().await;
        }
    }
}

#[tokio::test]
async fn no_error_contains_a_secret() {
    let Some(world) = World::start("1").await else { return };
    let refusal = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>\
        <CanonicalRequest>x-amz-security-token:hush</CanonicalRequest></Error>";
    world.proxy.plant(&ALL, Fault::Instead(403, refusal), ALWAYS);
    let stored = store(&world.blobs, &new_file_id(), &content(SMALL)).await.unwrap_err();
    world.proxy.end_faults();
    let words = format!("{stored} {stored:?}");
    assert!(words.contains("SignatureDoesNotMatch") && !words.contains("hush"), "{words}");
    assert!(!words.contains(SECRET), "{words}");
}

#[tokio::test]
async fn a_store_that_is_away_is_reported_and_used_again_when_it_is_back() {
    let Some(world) = World::start("1").await else { return };
    let slow_down = Fault::Instead(503, "<Error><Code>SlowDown</Code></Error>");
    let kept = new_file_id();
    store(&world.blobs, &kept, &content(SMALL)).await.unwrap();
    for (fault, size) in [(slow_down, SMALL), (slow_down, LARGE), (Fault::Silence, LARGE)] {
        world.proxy.plant(&ALL, fault, ALWAYS);
        let stored = store(&world.blobs, &new_file_id(), &content(size)).await;
        assert!(matches!(stored, Err(StorageError::StoreAway(_))), "{fault:?}: {stored:?}");
        // The next ones do not wait.
        assert!(world.blobs.create(&new_file_id(), 1 << 30).await.is_err());
        assert!(read(&world.blobs, &kept, SMALL).await.is_err());
        assert!(world.blobs.check_reachable().await.is_err());
        world.proxy.end_faults();
        world.blobs.check_reachable().await.unwrap();
        store(&world.blobs, &new_file_id(), &content(SMALL)).await.unwrap();
        assert!(read(&world.blobs, &kept, SMALL).await.is_ok());
    }
    // One object each, and the parts of those that failed are gone.
    while world.left().await != (0, 4) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_short_outage_of_the_store_is_not_noticed() {
    let Some(world) = World::start("10").await else { return };
    for call in ALL {
        world.proxy.plant(&[call], Fault::Instead(503, ""), 2);
    }
    let (id, content) = (new_file_id(), content(LARGE));
    store(&world.blobs, &id, &content).await.unwrap();
    assert_eq!(read(&world.blobs, &id, LARGE).await.unwrap(), content);
}

#[tokio::test]
async fn an_upload_that_is_aborted_or_dropped_leaves_nothing() {
    let Some(world) = World::start("10").await else { return };
    for size in [0, SMALL, 9 << 20, LARGE] {
        let mut blob = world.blobs.create(&new_file_id(), 1 << 30).await.unwrap();
        blob.write(content(size)).await.unwrap();
        blob.abort().await.unwrap();
        assert_eq!(world.left().await, (0, 0), "{size}");
        let mut blob = world.blobs.create(&new_file_id(), 1 << 30).await.unwrap();
        blob.write(content(size)).await.unwrap();
        drop(blob);
        world.nothing_is_left().await;
    }
}

#[tokio::test]
async fn uploads_share_memory_and_none_waits_for_the_client_of_another() {
    let Some(world) = World::start("10").await else { return };
    let content = content(LARGE);
    let (begun, rest) = (content.slice(..5 << 20), content.slice(5 << 20..));
    let ids: Vec<_> = (0..12).map(|_| new_file_id()).collect();
    let mut held = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let mut blob = world.blobs.create(id, LARGE as u64).await.unwrap();
        blob.write(begun.clone()).await.unwrap();
        // Some clients pause, others only seem to continue.
        if number % 2 == 0 && blob.has_unflushed() {
            blob.begin_flush().await.unwrap();
            assert!(!blob.has_unflushed());
        }
        held.push(blob);
    }
    assert!(held.iter().any(|blob| blob.has_unflushed()));
    let whole = new_file_id();
    store(&world.blobs, &whole, &content).await.unwrap();
    let ended = held.into_iter().map(async |mut blob| {
        blob.write(rest.clone()).await.unwrap();
        blob.finish().await.unwrap();
    });
    join_all(ended).await;
    for id in ids.iter().chain([&whole]) {
        assert_eq!(read(&world.blobs, id, LARGE).await.unwrap(), content);
    }
    assert_eq!(Arc::strong_count(&world.blobs.0), 1, "no upload is left");
}

#[tokio::test]
async fn a_place_that_cannot_be_used_is_reported_at_start() {
    let Some(server) = S3Server::shared() else { return };
    let url = S3Server::new_place();
    for (url, options, says) in [
        (&*url, [("secret_access_key", "hush")], "check AWS_ACCESS_KEY_ID"),
        ("s3://no-such-bucket/a", [("timeout", "5")], "create the bucket"),
        (&*url, [("endpoint", "http://127.0.0.1:9")], "AWS_ENDPOINT_URL"),
    ] {
        let options = [options[0], ("timeout", "1")];
        let place = S3Place::parse(url, &server.options(&options)).unwrap();
        let words = S3Blobs::open(&place).await.err().unwrap().to_string();
        assert!(words.contains(says) && words.contains(url), "{words}");
        assert!(!words.contains("hush") && !words.contains(SECRET), "{words}");
    }
}

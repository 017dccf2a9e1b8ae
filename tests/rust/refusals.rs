//! Refusals over real sockets: how often a request is made, and what it is then.

use std::{
    fs,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sutro::{
    Error,
    client::{ApiClient, ClientOptions, DownloadOptions},
    source::StorageOptions,
    upload::UploadError,
};
use tempfile::TempDir;

use crate::{
    support::{
        fault_proxy::{Fault, FaultProxy},
        parquet_files::file_of_size,
        server::TestServer,
    },
    upload_faults::{address, impatient, upload_folder},
};

const SIZE: usize = 50_000;

/// More than the buffers of a connection take: its tail is not out when a refusal comes.
const LARGE: usize = 8_000_000;

/// The large file, written once.
static LARGE_FILE: LazyLock<TempDir> = LazyLock::new(|| folder_of(LARGE));

fn folder_of(size: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0.parquet"), file_of_size(size)).unwrap();
    folder
}

/// A service behind a proxy that lets so many connections through and breaks the others.
struct Behind {
    service: TestServer,
    dataset_id: String,
    connections: Arc<AtomicUsize>,
    client: ApiClient,
    _proxy: FaultProxy,
}

impl Behind {
    async fn proxy(let_through: usize, fault: Fault, options: ClientOptions) -> Self {
        let service = TestServer::without_staging().await;
        let dataset_id = service.client().create_dataset().await.unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let proxy = FaultProxy::with_faults(address(&service), move |number| {
            count.fetch_add(1, Ordering::SeqCst);
            if number < let_through { Fault::CloseAfterAnswer } else { fault.clone() }
        });
        let proxy = proxy.await;
        let url = format!("http://{}", proxy.address);
        let key = service.server.api_key().unwrap().clone();
        let client = ApiClient::with_options(&url, key, options).unwrap();
        Self { service, dataset_id, connections, client, _proxy: proxy }
    }

    /// Requests that were not let through.
    fn attempts(&self, let_through: usize) -> usize {
        self.connections.load(Ordering::SeqCst) - let_through
    }

    async fn upload(&self) -> Result<(), UploadError> {
        upload_folder(&self.client, &LARGE_FILE, &self.dataset_id, 1).await.map(drop)
    }
}

/// One in which the pause that the service asks for has no room.
fn short_deadline() -> ClientOptions {
    ClientOptions { retry_deadline: Duration::from_millis(1500), ..impatient() }
}

const BUSY: Fault = Fault::EarlyAnswer(1, "503 Service Unavailable\r\nRetry-After: 2\r\n");

#[tokio::test]
async fn calls_are_not_retried_if_retry_after_exceeds_the_deadline() {
    let proxy = Behind::proxy(0, BUSY, short_deadline()).await;
    let client = &proxy.client;
    client.try_authentication().await.unwrap_err();
    client.create_dataset().await.unwrap_err();
    client.list_datasets().await.unwrap_err();
    client.list_dataset_files(&proxy.dataset_id).await.unwrap_err();
    assert_eq!(proxy.attempts(0), 4);
}

#[tokio::test]
async fn files_are_not_retried_if_retry_after_exceeds_the_deadline() {
    let proxy = Behind::proxy(1, BUSY, short_deadline()).await;
    let error = proxy.upload().await.unwrap_err();
    assert!(error.to_string().contains("HTTP 503"), "{error}");
    assert_eq!(proxy.attempts(1), 1);
}

/// It fails within milliseconds of the commit before it, which makes it the head.
#[tokio::test]
async fn the_deadline_holds_for_a_file_that_has_just_become_the_head() {
    let folder = folder_of(SIZE);
    fs::write(folder.path().join("1.parquet"), file_of_size(LARGE)).unwrap();
    let proxy = Behind::proxy(2, BUSY, short_deadline()).await;
    let error = upload_folder(&proxy.client, &folder, &proxy.dataset_id, 1).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 503"), "{error}");
    assert_eq!(proxy.attempts(2), 1);
    assert_eq!(proxy.service.names(&proxy.dataset_id).await, ["0.parquet"]);
}

#[tokio::test]
async fn downloads_are_not_retried_if_retry_after_exceeds_the_deadline() {
    let proxy = Behind::proxy(1, BUSY, short_deadline()).await;
    let folder = folder_of(SIZE);
    upload_folder(&proxy.service.client(), &folder, &proxy.dataset_id, 1).await.unwrap();
    let options = DownloadOptions {
        files: None,
        output: folder.path().join("copy"),
        storage_options: StorageOptions::default(),
        concurrency: 1,
        overwrite: false,
    };
    proxy.client.download_from_dataset(&proxy.dataset_id, options).await.unwrap_err();
    assert_eq!(proxy.attempts(1), 1);
}

#[tokio::test]
async fn a_slow_attempt_counts_for_the_deadline() {
    let options = ClientOptions { retry_deadline: Duration::from_millis(500), ..impatient() };
    let proxy = Behind::proxy(0, Fault::Stall(1), options).await;
    let error = proxy.client.list_datasets().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(proxy.attempts(0), 1, "the first one has taken a second");
}

/// What an upload ends with, and how often the file was sent.
async fn upload_answered(fault: Fault) -> (Result<(), UploadError>, usize, Vec<String>) {
    let options = ClientOptions { max_retries: 1, ..impatient() };
    let proxy = Behind::proxy(1, fault, options).await;
    let outcome = proxy.upload().await;
    let names = proxy.service.names(&proxy.dataset_id).await;
    (outcome, proxy.attempts(1), names)
}

const BODIES: [&str; 3] = [
    "",
    "Content-Length: 20\r\n\r\n<html>refused</html>",
    "Content-Length: 15\r\n\r\n{\"error\": \"no\"}",
];

#[tokio::test]
async fn before_the_tail_a_rejection_is_retried_only_if_that_may_help() {
    // Every status with every body is judged in `client/answer`; these go over the wire.
    let for_good = [400, 404, 405, 407, 409, 411, 413, 414, 415, 431, 451, 501, 505, 511];
    for (status, body) in for_good.into_iter().zip(BODIES.into_iter().cycle()) {
        let answer: &'static str = format!("{status} Refused\r\n{body}").leak();
        let (outcome, attempts, names) = upload_answered(Fault::EarlyAnswer(100, answer)).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(&format!("HTTP {status}")), "{answer}: {error}");
        assert!(!error.contains("html"), "{answer}: {error}");
        assert_eq!(attempts, 1, "{answer}");
        assert!(names.is_empty());
    }
    let for_now = [408, 425, 429, 500, 502, 503, 504, 507, 520, 524, 599];
    for (status, body) in for_now.into_iter().zip(BODIES.into_iter().cycle()) {
        let answer: &'static str = format!("{status} Busy\r\n{body}").leak();
        let (outcome, attempts, _) = upload_answered(Fault::EarlyAnswer(100, answer)).await;
        let error = outcome.unwrap_err();
        let UploadError::Failed(Error::Unavailable { status: told, .. }) = error else {
            panic!("{answer}: {error}");
        };
        assert_eq!((told, attempts), (status, 2), "{answer}");
    }
}

#[tokio::test]
async fn after_the_tail_a_rejection_is_checked_against_the_listing() {
    for status in [400, 405, 411, 413, 429, 451, 500, 501, 503, 504, 511, 524] {
        let answer: &'static str = format!("{status} Refused\r\n").leak();
        let service = TestServer::without_staging().await;
        let dataset_id = service.client().create_dataset().await.unwrap();
        let folder = folder_of(SIZE);
        // The upload alone is answered by somebody else.
        let proxy = FaultProxy::with_faults(address(&service), move |number| match number {
            1 => Fault::OtherAnswer(answer),
            _ => Fault::CloseAfterAnswer,
        });
        let proxy = proxy.await;
        let key = service.server.api_key().unwrap().clone();
        let url = format!("http://{}", proxy.address);
        let client = ApiClient::with_options(&url, key, impatient()).unwrap();
        let report = upload_folder(&client, &folder, &dataset_id, 1).await;
        let report = report.unwrap_or_else(|error| panic!("{answer}: {error}"));
        assert_eq!(report.files[0].attempts, 1, "{answer}");
        assert_eq!(service.names(&dataset_id).await, ["0.parquet"]);
    }
}

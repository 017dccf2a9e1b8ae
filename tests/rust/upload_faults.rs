//! Uploads through broken connections: whatever happens, the dataset is a prefix of the
//! plan, and the same upload again completes it.

use std::{env, fs, net::SocketAddr, sync::Arc, time::Duration};

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use reqwest::Url;
use sutro::{
    client::{ApiClient, ClientOptions, DownloadOptions},
    location::Location,
    source::StorageOptions,
    upload::{
        FileStatus, Paths, Source, Staging, Tracker, UploadError, UploadOptions, UploadReport,
        upload,
    },
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::support::{fault_proxy::FaultProxy, parquet_files::file_of_size, server::TestServer};

/// Runs in `cargo test`; `make soak` asks for more.
const RUNS: &str = "SUTRO_PROXY_RUNS";
/// To run one plan of faults alone: `SUTRO_PROXY_SEED=… cargo test broken_connections`.
const SEED: &str = "SUTRO_PROXY_SEED";
/// So many runs of the same upload must be enough.
const MOST_RUNS: usize = 30;

/// Patient for as long as broken connections on loopback take.
pub(crate) fn impatient() -> ClientOptions {
    ClientOptions {
        connect_timeout: Duration::from_secs(5),
        progress_timeout: Duration::from_millis(500),
        answer_timeout: Duration::from_secs(1),
        max_retries: 5,
        retry_deadline: Duration::from_secs(20),
        first_pause: Duration::from_millis(5),
        grace: Duration::from_millis(200),
        long_grace: Duration::from_millis(200),
        certificates: Vec::new(),
        state_folder: None,
    }
}

pub(crate) fn address(server: &TestServer) -> SocketAddr {
    let url = Url::parse(&server.server.api_url()).unwrap();
    SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()))
}

pub(crate) fn client_at(address: SocketAddr, server: &TestServer) -> ApiClient {
    let key = server.server.api_key().unwrap().clone();
    ApiClient::with_options(&format!("http://{address}"), key, impatient()).unwrap()
}

pub(crate) async fn upload_folder(
    client: &ApiClient,
    folder: &TempDir,
    dataset_id: &str,
    concurrency: usize,
) -> Result<UploadReport, UploadError> {
    let paths = vec![folder.path().display().to_string()];
    let source = Source::Files(Paths { paths, ..Paths::default() }.find().unwrap());
    let dataset_id = Some(dataset_id.to_owned());
    let options = UploadOptions {
        dataset_id,
        concurrency,
        staging: Staging::IfAnnounced,
        ..UploadOptions::default()
    };
    upload(client, source, options, Arc::new(Tracker::default())).await
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_broken_connections_the_dataset_stays_a_prefix_and_is_completed() {
    runs_through_broken_connections(TestServer::without_staging().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_broken_connections_staged_files_stay_a_prefix_and_are_completed() {
    runs_through_broken_connections(TestServer::start().await).await;
}

async fn runs_through_broken_connections(server: TestServer) {
    let seeds = number(SEED).map_or(0..number(RUNS).unwrap_or(200), |seed| seed..seed + 1);
    let mut runs = stream::iter(seeds)
        .map(|seed| {
            let server = &server;
            async move { (seed, timeout(Duration::from_mins(3), run(server, seed)).await) }
        })
        .buffer_unordered(16);
    while let Some((seed, outcome)) = runs.next().await {
        let violation = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(violation)) => violation,
            Err(_) => "it did not end".to_owned(),
        };
        panic!("{violation}\nrun it again with {SEED}={seed}");
    }
}

async fn run(server: &TestServer, seed: u64) -> Result<(), String> {
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let sizes: Vec<_> = (0..rng.usize(1..8))
        .map(|_| *rng.choice(&[800, 5_000, 60_000, 300_000]).unwrap())
        .collect();
    for (place, &size) in sizes.iter().enumerate() {
        fs::write(folder.path().join(format!("{place}.parquet")), file_of_size(size)).unwrap();
    }
    let percent = *rng.choice(&[10, 30, 50]).unwrap();
    let proxy = FaultProxy::start(address(server), seed, percent).await;
    let client = client_at(proxy.address, server);
    let dataset_id = server.client().create_dataset().await.unwrap();
    for _ in 0..MOST_RUNS {
        let concurrency = rng.usize(1..6);
        let watch = async {
            loop {
                check_prefix(server, &dataset_id, &folder, sizes.len()).await?;
                sleep(Duration::from_millis(rng.u64(1..100))).await;
            }
        };
        let outcome = tokio::select! {
            outcome = upload_folder(&client, &folder, &dataset_id, concurrency) => outcome,
            violation = watch => {
                let violation: Result<(), String> = violation;
                return violation;
            }
        };
        check_prefix(server, &dataset_id, &folder, sizes.len()).await?;
        match outcome {
            Ok(report) => {
                agrees(&report, &server.names(&dataset_id).await, sizes.len())?;
                return check_bytes(server, &dataset_id, &folder).await;
            }
            Err(UploadError::Check(error)) => return Err(error.to_string()),
            Err(UploadError::Incomplete { report, .. }) => {
                let there = server.names(&dataset_id).await.len();
                agrees(&report, &server.names(&dataset_id).await, there.min(sizes.len()))?;
            }
            Err(UploadError::Failed(_)) => {}
        }
    }
    Err(format!("not complete after {MOST_RUNS} runs"))
}

/// What the report says to be there is there; the one file in doubt may be, too.
fn agrees(report: &UploadReport, names: &[String], expected: usize) -> Result<(), String> {
    let is_done = |status| status != FileStatus::Pending;
    let done = report.files.iter().filter(|file| is_done(file.status)).count();
    if names.len() == expected && (done == expected || done + 1 == expected) {
        return Ok(());
    }
    Err(format!("{done} reported of {expected}: {names:?}"))
}

async fn check_bytes(server: &TestServer, dataset_id: &str, sent: &TempDir) -> Result<(), String> {
    let copies = tempfile::tempdir().unwrap();
    let client = server.client();
    let paths = client
        .download_from_dataset(
            dataset_id,
            DownloadOptions {
                files: None,
                output: copies.path().to_owned(),
                storage_options: StorageOptions::default(),
                concurrency: 4,
                overwrite: false,
            },
        )
        .await
        .unwrap();
    let is_equal = |copy: &Location| {
        let copy = copy.path().unwrap();
        let original = sent.path().join(copy.file_name().unwrap());
        fs::read(copy).unwrap() == fs::read(original).unwrap()
    };
    if paths.iter().all(is_equal) { Ok(()) } else { Err("other bytes".to_owned()) }
}

/// Names, order and sizes are those of the plan; sizes, because the service keeps no half file.
async fn check_prefix(
    server: &TestServer,
    dataset_id: &str,
    folder: &TempDir,
    planned: usize,
) -> Result<(), String> {
    let files = server.client().list_dataset_files(dataset_id).await.unwrap();
    let is_planned = files.iter().enumerate().all(|(place, file)| {
        let name = format!("{place}.parquet");
        let size = fs::metadata(folder.path().join(&name)).unwrap().len();
        file.file_name == name && file.size_bytes == Some(size)
    });
    if is_planned && files.len() <= planned {
        return Ok(());
    }
    let names: Vec<_> = files.into_iter().map(|file| file.file_name).collect();
    Err(format!("no prefix of the plan: {names:?}"))
}

//! Services whose lists of files lag behind what they have confirmed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::Request,
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use sutro::{
    Error,
    client::{ApiClient, ClientOptions},
    credentials::ApiKey,
    upload::{FileStatus, UploadError, UploadOptions},
};

use crate::{
    support::upload_world::{KEY, World, names},
    upload_faults::impatient,
};

/// How long a file that is committed is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lag {
    Time(Duration),
    Listings(usize),
    ForEver,
}

/// A file of the dataset that was answered.
struct Answered {
    at: Instant,
    hidden: usize,
}

/// A layer whose lists of files lag, for one dataset, and that loses answers to uploads.
struct Laggard {
    lag: Mutex<Lag>,
    /// The committed files, counted from 0, whose answers are lost.
    lost: Vec<usize>,
    answered: Mutex<Vec<Answered>>,
    listings: AtomicUsize,
}

impl Laggard {
    fn new(lag: Lag, lost: &[usize]) -> Arc<Self> {
        Arc::new(Self {
            lag: Mutex::new(lag),
            lost: lost.to_vec(),
            answered: Mutex::default(),
            listings: AtomicUsize::new(0),
        })
    }

    async fn world(self: &Arc<Self>, files: usize) -> World {
        let laggard = Arc::clone(self);
        let layer = move |request: Request, next: Next| {
            let laggard = Arc::clone(&laggard);
            async move { laggard.answer(request, next).await }
        };
        let mut world =
            World::with(|router: Router| router.layer(middleware::from_fn(layer))).await;
        let options = ClientOptions { grace: Duration::from_millis(150), ..impatient() };
        let key = ApiKey::new(KEY).unwrap();
        world.api = ApiClient::with_options(world.api.base_url(), key, options).unwrap();
        world.write_some(files);
        world
    }

    async fn answer(&self, request: Request, next: Next) -> Response {
        match request.uri().path() {
            "/upload-to-dataset" => {
                let answer = next.run(request).await;
                if !answer.status().is_success() {
                    return answer;
                }
                let mut answered = self.answered.lock().unwrap();
                answered.push(Answered { at: Instant::now(), hidden: 0 });
                if self.lost.contains(&(answered.len() - 1)) {
                    return (StatusCode::BAD_GATEWAY, "<html>").into_response();
                }
                answer
            }
            "/list-dataset-files" => {
                self.listings.fetch_add(1, Ordering::Relaxed);
                let bytes =
                    to_bytes(next.run(request).await.into_body(), usize::MAX).await.unwrap();
                let mut listing: Value = serde_json::from_slice(&bytes).unwrap();
                let files = listing["files"].as_array_mut().unwrap();
                files.truncate(self.visible(files.len()));
                Json(listing).into_response()
            }
            _ => next.run(request).await,
        }
    }

    /// How many files of the dataset are listed.
    fn visible(&self, count: usize) -> usize {
        let lag = *self.lag.lock().unwrap();
        let mut answered = self.answered.lock().unwrap();
        let is_visible = |file: &Answered| match lag {
            Lag::Time(time) => file.at.elapsed() >= time,
            Lag::Listings(listings) => file.hidden >= listings,
            Lag::ForEver => false,
        };
        let visible = answered.iter().take_while(|file| is_visible(file)).count();
        answered.iter_mut().for_each(|file| file.hidden += 1);
        visible.min(count)
    }

    fn listings(&self) -> usize {
        self.listings.load(Ordering::Relaxed)
    }
}

const LAGS: [Lag; 3] = [Lag::Time(Duration::from_millis(500)), Lag::Listings(1), Lag::Listings(4)];

/// What `sutro::config::MAX_STALE_LISTINGS` allows, and the first one.
const MOST_LISTINGS: usize = 9;

fn options(ordered: bool) -> UploadOptions {
    UploadOptions { ordered, ..UploadOptions::default() }
}

async fn sorted_names(world: &World, dataset_id: &str, ordered: bool) -> Vec<String> {
    let mut names = world.names(dataset_id).await;
    if !ordered {
        names.sort_unstable();
    }
    names
}

/// Uploads six files. Each must be there once, and be reported with the id that it has there.
async fn completes(lag: Lag, lost: &[usize], ordered: bool) {
    let laggard = Laggard::new(lag, lost);
    let world = laggard.world(6).await;
    let report = world.upload(options(ordered)).await;
    let report = report.unwrap_or_else(|error| panic!("{lag:?}, {lost:?}, {ordered}: {error}"));
    *laggard.lag.lock().unwrap() = Lag::Listings(0);
    let dataset_id = &report.dataset_id;
    assert_eq!(sorted_names(&world, dataset_id, ordered).await, names(6), "{lag:?}, {lost:?}");
    for listed in world.api.list_dataset_files(dataset_id).await.unwrap() {
        let file = report.files.iter().find(|file| file.name == listed.file_name).unwrap();
        assert_eq!((&file.file_id, file.status), (&listed.file_id, FileStatus::Uploaded));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_lags_after_the_upload_is_requested_again() {
    for lag in LAGS {
        for ordered in [true, false] {
            completes(lag, &[], ordered).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_lags_while_a_file_is_in_doubt_is_requested_again() {
    for lag in LAGS {
        for ordered in [true, false] {
            for lost in [[0].as_slice(), &[3], &[0, 1, 2, 3, 4, 5]] {
                completes(lag, lost, ordered).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_never_catches_up_ends_the_upload_with_an_error_that_says_so() {
    for ordered in [true, false] {
        for lost in [[].as_slice(), &[0], &[2], &[5]] {
            let laggard = Laggard::new(Lag::ForEver, lost);
            let world = laggard.world(6).await;
            let error = world.upload(options(ordered)).await.unwrap_err();
            let words = error.to_string();
            assert!(
                words.contains("list of files lacked a file that the server had acknowledged"),
                "{words}"
            );
            assert_eq!(words.matches("Run the same").count(), 1, "{words}");
            assert_eq!(words.contains("in order"), ordered && lost != [0], "{words}");
            let most = if ordered { 2 } else { 6 } * MOST_LISTINGS;
            assert!(laggard.listings() <= most, "{} listings", laggard.listings());
            // The list has caught up.
            *laggard.lag.lock().unwrap() = Lag::Listings(0);
            let datasets = world.api.list_datasets().await.unwrap();
            let dataset_id = datasets[0].dataset_id.clone();
            let again = UploadOptions { dataset_id: Some(dataset_id.clone()), ..options(ordered) };
            world.upload(again).await.unwrap();
            assert_eq!(sorted_names(&world, &dataset_id, ordered).await, names(6), "{lost:?}");
        }
    }
}

/// Nothing tells that a first listing is old. What it lacks is sent again, refused, and compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_first_listing_of_a_resume_stores_no_file_twice() {
    for ordered in [true, false] {
        for hidden in 1..=3 {
            let laggard = Laggard::new(Lag::Listings(0), &[]);
            let world = laggard.world(3).await;
            let dataset_id = world.upload(options(ordered)).await.unwrap().dataset_id;
            world.write_some(6);
            for file in &mut laggard.answered.lock().unwrap()[3 - hidden..] {
                file.hidden = 0;
            }
            *laggard.lag.lock().unwrap() = Lag::Listings(1);
            let again =
                || UploadOptions { dataset_id: Some(dataset_id.clone()), ..options(ordered) };
            let outcome = world.upload(again()).await;
            if ordered && hidden > 1 {
                let error = outcome.unwrap_err();
                let is_foreign = matches!(error, UploadError::Failed(Error::ForeignWriter { .. }));
                assert!(is_foreign, "{error}");
                assert!(error.to_string().contains("was its list of files stale"), "{error}");
                *laggard.lag.lock().unwrap() = Lag::Listings(0);
                assert_eq!(world.names(&dataset_id).await, names(3));
                world.upload(again()).await.unwrap();
            } else {
                outcome.unwrap();
            }
            *laggard.lag.lock().unwrap() = Lag::Listings(0);
            assert_eq!(sorted_names(&world, &dataset_id, ordered).await, names(6));
        }
    }
}

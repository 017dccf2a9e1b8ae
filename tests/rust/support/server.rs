//! A real service on loopback, and raw requests to it.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sutro::{
    client::ApiClient,
    credentials::ApiKey,
    service::{LocalServer, ServerConfig},
};
use tempfile::TempDir;

use super::place::TestPlace;

pub(crate) struct TestServer {
    pub(crate) server: LocalServer,
    pub(crate) http: reqwest::Client,
    pub(crate) place: TestPlace,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_at(TestPlace::folder()).await
    }

    pub(crate) async fn start_at(place: TestPlace) -> Self {
        Self::start_at_with(place, |_| {}).await
    }

    /// A server that stages no files, so that clients commit by the gate.
    pub(crate) async fn without_staging() -> Self {
        Self::start_with(|config| config.limits.max_staged_files = 0).await
    }

    pub(crate) async fn start_on(folder: TempDir) -> Self {
        Self::start_at(TestPlace::in_folder(folder)).await
    }

    pub(crate) async fn start_with(set: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start_at_with(TestPlace::folder(), set).await
    }

    async fn start_at_with(place: TestPlace, set: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::loopback(place.folder.path());
        config.place = place.place();
        set(&mut config);
        let server = LocalServer::start(config).await.unwrap();
        // The client installs what HTTPS needs; plain reqwest asks for it, too.
        let _ = client(&server.api_url(), server.api_key().unwrap());
        Self { server, http: reqwest::Client::new(), place }
    }

    pub(crate) fn client(&self) -> ApiClient {
        client(&self.server.api_url(), self.server.api_key().unwrap())
    }

    pub(crate) fn url(&self, call: &str) -> String {
        format!("{}/{call}", self.server.api_url())
    }

    pub(crate) fn request(&self, method: Method, call: &str) -> reqwest::RequestBuilder {
        let key = self.server.api_key().unwrap().header_value();
        self.http.request(method, self.url(call)).header("authorization", key)
    }

    pub(crate) async fn upload(&self, parts: &[Part<'_>]) -> (StatusCode, Value) {
        self.send_multipart(multipart(parts)).await
    }

    pub(crate) async fn send_multipart(&self, body: Vec<u8>) -> (StatusCode, Value) {
        let request = self
            .request(Method::POST, "upload-to-dataset")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(body);
        answer(request).await
    }

    /// Names in a dataset, in its order.
    pub(crate) async fn names(&self, dataset_id: &str) -> Vec<String> {
        let files = self.client().list_dataset_files(dataset_id).await.unwrap();
        files.into_iter().map(|file| file.file_name).collect()
    }

    /// Uploads that have not ended.
    pub(crate) async fn in_progress(&self) -> Vec<Value> {
        let (_, listing) = answer(self.request(Method::GET, "uploads")).await;
        listing["uploads"].as_array().unwrap().clone()
    }

    /// Files in the service's storage, whether they belong to a dataset or not.
    pub(crate) fn blobs(&self) -> usize {
        self.place.blobs()
    }

    /// The folder of the datasets is `service` in it.
    pub(crate) fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    /// Stops the server. Another one can then start at the same place.
    pub(crate) async fn stop(self) -> TestPlace {
        self.server.stop().await;
        self.place
    }
}

pub(crate) fn client(url: &str, key: &ApiKey) -> ApiClient {
    ApiClient::new(url, key.clone()).unwrap()
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(json!(null)))
}

pub(crate) fn count_files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

pub(crate) const BOUNDARY: &str = "test-boundary";

pub(crate) enum Part<'a> {
    Text(&'a str, &'a str),
    File(&'a str, &'a [u8]),
}

/// A body as `requests` and curl write it.
pub(crate) fn multipart(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let (head, content) = match part {
            Part::Text(name, text) => (format!("name=\"{name}\"\r\n\r\n"), text.as_bytes()),
            Part::File(name, bytes) => {
                (format!("name=\"file\"; filename=\"{name}\"\r\n\r\n"), *bytes)
            }
        };
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}").bytes());
        body.extend(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

//! Who may ask for what, and how much: keys, hosts, limits, and a stop.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sutro::{
    credentials::ApiKey,
    service::{Limits, LocalServer, ServerConfig},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    parquet_files::{file_of_size, int64_file},
    raw_client::RawClient,
    server::{BOUNDARY, Part, TestServer, answer, client, multipart},
};

async fn with_limits(limits: Limits) -> TestServer {
    TestServer::start_with(|config| config.limits = limits).await
}

#[tokio::test]
async fn each_key_sees_its_own_datasets_only() {
    let keys = ["first-key", "second-key"].map(|key| ApiKey::new(key).unwrap());
    let server = TestServer::start_with(|config| config.api_keys = keys.to_vec()).await;
    let [first, second] = keys.map(|key| client(&server.server.api_url(), &key));
    let id = first.create_dataset().await.unwrap();
    let file = int64_file(&["a"], 3);
    let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);

    assert_eq!(second.list_datasets().await.unwrap().len(), 0);
    assert_eq!(first.list_datasets().await.unwrap().len(), 1);
    let body = json!({"dataset_id": id, "file_name": "a.parquet"});
    let nobodys = json!({"dataset_id": "dataset-none", "file_name": "a.parquet"});
    let told = |body: Value, call: &'static str| {
        let request = server.http.post(server.url(call)).header("authorization", "Key second-key");
        answer(request.json(&body))
    };
    for call in ["list-dataset-files", "download-from-dataset", "legacy/list-dataset-files"] {
        let (status, refusal) = told(body.clone(), call).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        // The same words as for a dataset that is nobody's.
        let (_, unknown) = told(nobodys.clone(), call).await;
        assert_eq!(
            refusal["error"].as_str().unwrap().replace(&id, ""),
            unknown["error"].as_str().unwrap().replace("dataset-none", "")
        );
    }
    let upload = server
        .http
        .post(server.url("upload-to-dataset"))
        .header("authorization", "Key second-key")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(multipart(&[Part::Text("dataset_id", &id), Part::File("b.parquet", &file)]));
    assert_eq!(answer(upload).await.0, StatusCode::NOT_FOUND);
    assert_eq!(first.list_dataset_files(&id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn keys_are_stored_as_hashes_and_a_server_without_keys_sees_all() {
    let key = ApiKey::new("a-secret-key").unwrap();
    let server = TestServer::start_with(|config| config.api_keys = vec![key]).await;
    server.client().create_dataset().await.unwrap();
    server.server.stop().await;
    let catalog = std::fs::read(server.folder().join("service/catalog.sqlite")).unwrap();
    assert!(!catalog.windows(12).any(|bytes| bytes == b"a-secret-key"));
    let server = TestServer::start_at(server.place).await;
    assert_eq!(server.client().list_datasets().await.unwrap().len(), 1);
}

#[tokio::test]
async fn requests_of_other_web_pages_and_for_foreign_hosts_are_rejected() {
    let server = TestServer::start_with(|c| c.allowed_hosts = vec!["data.team".into()]).await;
    let own = server.server.api_url();
    let port = own.rsplit_once(':').unwrap().1;
    for (host, origin, expected) in [
        (None, None, 200),
        (None, Some(own.clone()), 200),
        (Some(format!("localhost:{port}")), None, 200),
        (Some("data.team".to_owned()), Some("https://data.team".to_owned()), 200),
        (None, Some("https://evil.example".to_owned()), 403),
        (None, Some("null".to_owned()), 403),
        (Some(format!("evil.example:{port}")), None, 403),
        (Some("evil.example".to_owned()), Some("http://evil.example".to_owned()), 403),
    ] {
        let mut request = server.request(Method::GET, "create-dataset");
        if let Some(host) = &host {
            request = request.header("host", host);
        }
        if let Some(origin) = &origin {
            request = request.header("origin", origin);
        }
        let (status, told) = answer(request).await;
        assert_eq!(status.as_u16(), expected, "{host:?} {origin:?}: {told}");
    }
}

#[tokio::test]
async fn a_file_above_the_limit_gets_a_413_and_leaves_nothing() {
    let server = with_limits(Limits { max_file_bytes: 100_000, ..Limits::default() }).await;
    let id = server.client().create_dataset().await.unwrap();
    // The second one can be refused before its body; the client, who sends on, is told.
    for size in [120_000, 8 << 20] {
        let file = file_of_size(size);
        let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
        for _ in 0..5 {
            let (status, refusal) = server.upload(&parts).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
            assert!(refusal["error"].as_str().unwrap().contains("100000 bytes"), "{refusal}");
        }
    }
    assert_eq!((server.blobs(), server.names(&id).await.len()), (0, 0));
}

#[tokio::test]
async fn a_file_whose_declared_length_is_above_the_limit_is_refused_before_its_body() {
    let server = with_limits(Limits { max_file_bytes: 100_000, ..Limits::default() }).await;
    let length = format!("Content-Length: {}", 8 << 20);
    let mut upload = RawClient::start_upload(&server, &length).await;
    assert_eq!(upload.status().await, "HTTP/1.1 413");
}

const JSON_CALLS: [&str; 3] =
    ["list-dataset-files", "legacy/list-dataset-files", "download-from-dataset"];

#[tokio::test]
async fn json_whose_declared_length_is_above_the_limit_is_rejected_before_its_body() {
    let server = with_limits(Limits { max_json_bytes: 100, ..Limits::default() }).await;
    for call in JSON_CALLS {
        let mut request = RawClient::start_with(&server, call, "Content-Length: 101").await;
        assert_eq!(request.status().await, "HTTP/1.1 413", "{call}");
    }
}

#[tokio::test]
async fn json_without_a_length_is_rejected_at_the_limit_with_a_413() {
    let server = with_limits(Limits { max_json_bytes: 1_000, ..Limits::default() }).await;
    let chunk = format!("{:x}\r\n{}\r\n", 600, " ".repeat(600));
    for call in JSON_CALLS {
        let chunked = "Transfer-Encoding: chunked";
        let mut request = RawClient::start_with(&server, call, chunked).await;
        // More than lies in buffers, all of it before anything is read.
        for _ in 0..2_000 {
            request.send(chunk.as_bytes()).await;
        }
        assert_eq!(request.status().await, "HTTP/1.1 413", "{call}");
    }
}

#[tokio::test]
async fn json_that_breaks_off_is_not_reported_as_too_large() {
    let server = TestServer::start().await;
    for call in JSON_CALLS {
        let mut request = RawClient::start_with(&server, call, "Content-Length: 20").await;
        request.send(b"{").await;
        let answer = request.answer().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{call}: {answer}");
    }
}

#[tokio::test]
async fn datasets_and_json_have_their_limits() {
    let limits = Limits { max_datasets: 2, max_json_bytes: 100, ..Limits::default() };
    let server = with_limits(limits).await;
    for expected in [200, 200, 403] {
        let (status, told) = answer(server.request(Method::GET, "create-dataset")).await;
        assert_eq!(status.as_u16(), expected, "{told}");
    }
    let long = json!({"dataset_id": "x".repeat(200)});
    let request = server.request(Method::POST, "list-dataset-files").json(&long);
    let (status, refusal) = answer(request).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{refusal}");
    let call = format!("create-dataset?name={}", "x".repeat(300));
    assert_eq!(answer(server.request(Method::GET, &call)).await.0, StatusCode::BAD_REQUEST);
}

/// An upload whose last bytes are kept back.
struct HeldUpload {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl HeldUpload {
    async fn begin(server: &TestServer, body: &[u8]) -> Self {
        let url = server.server.api_url();
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        let request_head = format!(
            "POST /upload-to-dataset HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\
             Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
            server.server.api_key().unwrap().header_value(),
            body.len()
        );
        let (most, rest) = body.split_at(body.len() - 50);
        stream.write_all(&[request_head.as_bytes(), most].concat()).await.unwrap();
        let held = Self { stream, rest: rest.to_vec() };
        while server.in_progress().await.is_empty() {
            tokio::task::yield_now().await;
        }
        held
    }

    async fn end(mut self) -> String {
        self.stream.write_all(&self.rest).await.unwrap();
        self.answer().await
    }

    async fn answer(mut self) -> String {
        let mut answer = vec![0; 4096];
        let length = self.stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }
}

#[tokio::test]
async fn uploads_in_progress_are_shown_and_those_above_the_limit_get_a_503() {
    let server = with_limits(Limits { max_uploads: 1, ..Limits::default() }).await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let body = |name| multipart(&[Part::Text("dataset_id", &id), Part::File(name, &file)]);
    let held = HeldUpload::begin(&server, &body("held.parquet")).await;
    let upload = loop {
        // Its fields are read soon after its head.
        let upload = server.in_progress().await.remove(0);
        if upload["received_bytes"].as_u64() > Some(0) {
            break upload;
        }
    };
    assert_eq!(upload["file_name"], "held.parquet");
    assert_eq!(upload["dataset_id"], id.as_str());
    assert_eq!(upload["state"], "receiving");

    let request = server
        .request(Method::POST, "upload-to-dataset")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let refused = request.body(body("b.parquet")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");

    assert!(held.end().await.starts_with("HTTP/1.1 200"));
    assert_eq!(server.in_progress().await.len(), 0);
    assert_eq!(server.send_multipart(body("b.parquet")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_stalled_body_gets_a_408_and_leaves_nothing() {
    let limits = Limits { body_timeout: Duration::from_millis(200), ..Limits::default() };
    let server = with_limits(limits).await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let body = multipart(&[Part::Text("dataset_id", &id), Part::File("a.parquet", &file)]);
    let held = HeldUpload::begin(&server, &body).await;
    let told = held.answer().await;
    assert!(told.starts_with("HTTP/1.1 408") && told.contains("timed out waiting"), "{told}");
    assert_eq!((server.blobs(), server.names(&id).await.len()), (0, 0));
}

#[tokio::test]
async fn a_stalled_request_head_is_cut_off() {
    let limits = Limits { head_timeout: Duration::from_millis(200), ..Limits::default() };
    let server = with_limits(limits).await;
    let url = server.server.api_url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: local").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn shutdown_finishes_running_uploads_and_rejects_new_ones() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let body = |name| multipart(&[Part::Text("dataset_id", &id), Part::File(name, &file)]);
    let held = HeldUpload::begin(&server, &body("held.parquet")).await;
    let late = async {
        // A stop closes connections that are idle, also one that was just chosen to ask on.
        let health = async || server.http.get(server.url("health")).send().await;
        while health().await.is_ok_and(|answer| answer.status() != 503) {
            tokio::task::yield_now().await;
        }
        let (status, refusal) = server.send_multipart(body("late.parquet")).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{refusal}");
        held.end().await
    };
    let (told, ()) = tokio::join!(late, server.server.stop());
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let server = TestServer::start_at(server.place).await;
    assert_eq!(server.names(&id).await, ["held.parquet"]);
}

#[tokio::test]
async fn health_and_metrics_need_no_key() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 3);
    let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    let get = async |call| {
        let answer = server.http.get(server.url(call)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{call}");
        answer.text().await.unwrap()
    };
    assert_eq!(get("health").await, r#"{"status":"ok"}"#);
    let metrics = get("metrics").await;
    for line in [
        "sutro_committed_files_total 1".to_owned(),
        format!("sutro_committed_bytes_total {}", file.len()),
        r#"sutro_requests_total{call="/upload-to-dataset",status="200"} 1"#.to_owned(),
        "sutro_uploads_in_progress 0".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    let document: Value = serde_json::from_str(&get("openapi.json").await).unwrap();
    for call in ["/upload-to-dataset", "/list-dataset-files", "/legacy/list-dataset-files"] {
        assert!(document["paths"][call]["post"].is_object(), "{call}");
    }
    let page = get("").await;
    assert!(page.contains("<title>sutro</title>"));
    for elsewhere in ["http://", "https://", "src=", "href="] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[tokio::test]
async fn many_clients_lose_nothing_and_keep_their_own_order() {
    const CLIENTS: usize = 64;
    const UPLOADS: usize = 50;
    const DATASETS: usize = 8;
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for _ in 0..DATASETS {
        ids.push(server.client().create_dataset().await.unwrap());
    }
    let file = int64_file(&["a"], 3);
    let one = async |client: usize| {
        for upload in 0..UPLOADS {
            let name = format!("{client:02}-{upload:02}.parquet");
            let id = Part::Text("dataset_id", &ids[client % DATASETS]);
            let (status, told) = server.upload(&[id, Part::File(&name, &file)]).await;
            assert_eq!(status, StatusCode::OK, "{told}");
        }
    };
    futures_util::future::join_all((0..CLIENTS).map(one)).await;
    for (index, id) in ids.iter().enumerate() {
        let names = server.names(id).await;
        assert_eq!(names.len(), CLIENTS * UPLOADS / DATASETS);
        for client in (index..CLIENTS).step_by(DATASETS) {
            let prefix = format!("{client:02}-");
            let own = names.iter().filter(|name| name.starts_with(&prefix));
            assert!(own.is_sorted_by(|one, next| one < next), "{names:?}");
        }
    }
    assert_eq!(server.blobs(), CLIENTS * UPLOADS);
}

#[tokio::test]
async fn a_read_only_folder_is_reported_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file").unwrap();
    let refused = LocalServer::start(ServerConfig::loopback(&taken)).await;
    assert!(refused.err().unwrap().to_string().contains("taken"));
}

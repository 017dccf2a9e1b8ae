//! Deletion over HTTP: `POST /delete-dataset`, `POST /delete-dataset-file`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sutro::{Error, credentials::ApiKey};

use crate::support::{
    parquet_files::{enlarged, file_of_size, int64_file},
    raw_client::{RawClient, content_length, eventually},
    server::{BOUNDARY, Part, TestServer, answer, client, multipart},
};

impl TestServer {
    /// Files whose names begin with `a` are small, and others are blobs.
    async fn upload_named(&self, id: &str, name: &str) {
        let small = int64_file(&["a"], 3);
        let file = if name.starts_with('a') { small } else { enlarged(&small) };
        let parts = [Part::Text("dataset_id", id), Part::File(name, &file)];
        assert_eq!(self.upload(&parts).await.0, StatusCode::OK);
    }

    async fn delete(&self, body: Value) -> (StatusCode, Value) {
        let call =
            if body["file_name"].is_string() { "delete-dataset-file" } else { "delete-dataset" };
        answer(self.request(Method::POST, call).json(&body)).await
    }
}

#[tokio::test]
async fn a_deleted_file_leaves_the_rest_in_order_and_its_bytes_are_removed() {
    let server = TestServer::start().await;
    let (client, id) = (server.client(), server.create().await);
    for name in ["a.parquet", "b.parquet", "c.parquet"] {
        server.upload_named(&id, name).await;
    }
    for name in ["a.parquet", "b.parquet"] {
        client.delete_dataset_file(&id, name).await.unwrap();
        eventually("its bytes are removed", || server.blobs() == 2).await;
        let again = client.delete_dataset_file(&id, name).await.unwrap_err();
        let Error::Refused { file_name, status, .. } = again else { panic!("{again}") };
        assert_eq!((file_name.as_deref(), status), (Some(name), 404));
        server.upload_named(&id, name).await;
    }
    let server = server.restart().await;
    assert_eq!(server.names(&id).await, ["c.parquet", "a.parquet", "b.parquet"]);
}

#[tokio::test]
async fn a_deleted_dataset_is_answered_for_as_one_that_never_existed() {
    let server = TestServer::start().await;
    let (client, id) = (server.client(), server.create().await);
    server.upload_named(&id, "a.parquet").await;
    server.stage_all(&id, &["b.parquet"]).await;
    client.delete_dataset(&id).await.unwrap();
    eventually("its bytes are removed", || server.blobs() == 0).await;
    let file = json!({"dataset_id": id, "file_name": "a.parquet"});
    for (call, body) in [
        ("delete-dataset", json!({"dataset_id": id})),
        ("delete-dataset-file", file.clone()),
        ("list-dataset-files", json!({"dataset_id": id})),
        ("list-dataset-files", json!({"dataset_id": id, "compact": true})),
        ("download-from-dataset", file.clone()),
    ] {
        let (status, refusal) = answer(server.request(Method::POST, call).json(&body)).await;
        let expected = (StatusCode::NOT_FOUND, json!({"error": format!("Dataset {id} not found")}));
        assert_eq!((status, refusal), expected, "{call}");
    }
    assert!(client.list_datasets().await.unwrap().is_empty());
    let again = client.delete_dataset(&id).await.unwrap_err();
    assert!(matches!(again, Error::DatasetNotFound { .. }), "{again}");
    let (_, listed) = answer(server.request(Method::GET, "uploads")).await;
    assert_eq!(listed["staged"]["file_count"], 0);
}

#[tokio::test]
async fn nobody_can_delete_what_belongs_to_another_key() {
    let keys = ["first-key", "second-key"].map(|key| ApiKey::new(key).unwrap());
    let server = TestServer::start_with(|config| config.api_keys = keys.to_vec()).await;
    let id = server.create().await;
    server.upload_named(&id, "a.parquet").await;
    let stranger = client(&server.server.api_url(), &keys[1]);
    for unknown in [id.as_str(), "dataset-none"] {
        for error in [
            stranger.delete_dataset(unknown).await.unwrap_err(),
            stranger.delete_dataset_file(unknown, "a.parquet").await.unwrap_err(),
        ] {
            assert_eq!(error.to_string(), format!("Dataset {unknown} not found"));
        }
    }
    assert_eq!(server.names(&id).await, ["a.parquet"]);
    assert_eq!(server.blobs(), 1);
}

#[tokio::test]
async fn running_uploads_into_a_deleted_dataset_are_rejected_and_leave_nothing() {
    let server = TestServer::start().await;
    for call in ["upload-to-dataset", "stage-file"] {
        let (id, file) = (server.create().await, enlarged(&int64_file(&["a"], 3)));
        server.upload_named(&id, "first.parquet").await;
        let body = multipart(&[Part::Text("dataset_id", &id), Part::File("a.parquet", &file)]);
        let framing = format!("{}\r\nConnection: close", content_length(&body));
        let mut upload = RawClient::start(&server, call, &framing).await;
        upload.send(&body[..body.len() - BOUNDARY.len()]).await;
        while server.in_progress().await.is_empty() || server.blobs() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.delete(json!({"dataset_id": id})).await.0, StatusCode::OK);
        upload.send(&body[body.len() - BOUNDARY.len()..]).await;
        let answer = upload.read_answer().await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{call}: {answer}");
        assert!(answer.contains(&format!("Dataset {id} not found")), "{call}: {answer}");
        eventually("nothing is left", || server.blobs() == 0).await;
    }
}

#[tokio::test]
async fn a_running_download_completes_although_its_dataset_is_deleted() {
    let server = TestServer::start().await;
    let (id, file) = (server.create().await, file_of_size(32 << 20));
    let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    let what = json!({"dataset_id": id, "file_name": "a.parquet"});
    let request = server.request(Method::POST, "download-from-dataset").json(&what);
    let mut download = request.send().await.unwrap();
    let mut read = download.chunk().await.unwrap().unwrap().to_vec();
    server.client().delete_dataset(&id).await.unwrap();
    eventually("its bytes are removed", || server.blobs() == 0).await;
    while let Some(chunk) = download.chunk().await.unwrap() {
        read.extend(chunk);
    }
    assert!(read == file, "{} bytes", read.len());
}

/// As after a kill between the catalog and the bytes.
#[tokio::test]
async fn blobs_that_a_deletion_has_left_are_removed_by_the_next_start() {
    let server = TestServer::start().await;
    let id = server.create().await;
    server.upload_named(&id, "b.parquet").await;
    let blobs = server.folder().join("service/blobs");
    let entry = std::fs::read_dir(&blobs).unwrap().next().unwrap().unwrap();
    let bytes = std::fs::read(entry.path()).unwrap();
    server.client().delete_dataset(&id).await.unwrap();
    eventually("its bytes are removed", || server.blobs() == 0).await;
    std::fs::write(entry.path(), bytes).unwrap();
    let server = server.restart().await;
    assert_eq!(server.blobs(), 0);
}

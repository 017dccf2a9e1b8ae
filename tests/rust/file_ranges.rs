//! Readers use a file of the service in place: they ask for its size and for ranges of its bytes.

use std::fs;

use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::support::{
    parquet_files::{enlarged, int64_file},
    server::{Part, TestServer, answer},
};

const NAME: &str = "größe 50%.parquet";
const PATH: &str = "files/gr%C3%B6%C3%9Fe%2050%25.parquet";

/// A server, the path of a file, its content, and the `ETag` that it must have.
async fn served(content: Vec<u8>) -> (TestServer, String, Vec<u8>, String) {
    let server = TestServer::start().await;
    let dataset = server.client().create_dataset().await.unwrap();
    let parts = [Part::Text("dataset_id", &dataset), Part::File(NAME, &content)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    let listing = server.request(Method::POST, "list-dataset-files");
    let (_, listing) = answer(listing.json(&json!({"dataset_id": dataset}))).await;
    let tag = format!("\"{}\"", listing["files"][0]["sha256"].as_str().unwrap());
    (server, format!("datasets/{dataset}/{PATH}"), content, tag)
}

/// A file that the catalog stores.
fn small() -> Vec<u8> {
    int64_file(&["a", "b"], 2_000)
}

fn head<'a>(response: &'a reqwest::Response, name: &header::HeaderName) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_file_is_read_whole_or_in_ranges_and_its_tag_is_its_hash() {
    for content in [small(), enlarged(&small())] {
        is_read_whole_or_in_ranges(content).await;
    }
}

async fn is_read_whole_or_in_ranges(content: Vec<u8>) {
    let (server, path, content, tag) = served(content).await;
    let size = content.len();
    for (range, expected) in [
        (None, 0..size),
        (Some("bytes=0-3"), 0..4),
        (Some("bytes=100-4099"), 100..4100),
        (Some("bytes=-8"), size - 8..size),
    ] {
        let mut request = server.request(Method::GET, &path);
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        let response = request.send().await.unwrap();
        let is_range = range.is_some();
        assert_eq!(response.status(), if is_range { 206 } else { 200 });
        assert_eq!(head(&response, &header::ETAG), tag);
        assert_eq!(head(&response, &header::ACCEPT_RANGES), "bytes");
        assert_eq!(head(&response, &header::CONTENT_LENGTH), expected.len().to_string());
        let shown = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(head(&response, &header::CONTENT_RANGE), if is_range { &*shown } else { "" });
        assert_eq!(response.bytes().await.unwrap(), content[expected], "{range:?}");
    }
    let response = server.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(head(&response, &header::CONTENT_LENGTH), size.to_string());
    assert_eq!(head(&response, &header::ETAG), tag);
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn conditions_and_ranges_outside_of_the_file_are_answered_without_it() {
    let (server, path, content, tag) = served(small()).await;
    for (name, value, status) in [
        (header::IF_NONE_MATCH, &*tag, 304),
        (header::IF_MATCH, "\"other\"", 412),
        (header::RANGE, "bytes=1000000-", 416),
    ] {
        let request = server.request(Method::GET, &path).header(&name, value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        if status == 416 {
            let shown = format!("bytes */{}", content.len());
            assert_eq!(head(&response, &header::CONTENT_RANGE), shown);
        }
    }
    for path in
        ["datasets/none/files/a.parquet", &path.replace("gr", "no"), "datasets/a/files/%FF.parquet"]
    {
        let (status, refusal) = answer(server.request(Method::GET, path)).await;
        let is_expected = [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&status);
        assert!(is_expected && refusal["error"].is_string(), "{path}: {status} {refusal}");
    }
}

#[tokio::test]
async fn a_range_of_a_stored_file_that_has_another_size_is_an_error() {
    let (server, path, content, _) = served(enlarged(&small())).await;
    let blobs = server.folder().join("service/blobs");
    let blob = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    for bytes in [&content[..content.len() - 1], &[&*content, b"x"].concat()] {
        fs::write(&blob, bytes).unwrap();
        for range in ["bytes=0-3", "bytes=-8"] {
            let request = server.request(Method::GET, &path).header(header::RANGE, range);
            let (status, refusal) = answer(request).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(refusal["error"].as_str().unwrap().contains("damaged"), "{refusal}");
        }
    }
}

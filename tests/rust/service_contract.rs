//! The service keeps the rules of the API by itself, whoever speaks to it.

use std::{path::Path, process::Command, sync::Arc};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sutro::{
    client::DownloadOptions,
    service::{Keys, Limits, LocalServer, Place, ServerConfig, Service},
    source::StorageOptions,
};

use crate::support::{
    parquet_files::{enlarged, file_of_size, file_with_fields, int64_file},
    place::{TestPlace, in_every_place},
    server::{BOUNDARY, Part, TestServer, answer, multipart},
};

fn words(answer: &Value) -> &str {
    answer["error"].as_str().unwrap_or_else(|| panic!("no error in {answer}"))
}

in_every_place! {
    no_key_and_a_wrong_key_are_rejected_on_every_call
    every_rule_of_an_upload_is_kept_and_the_dataset_stays_as_it_was
    curl_may_send_the_fields_in_either_order
    a_download_equals_its_upload
    a_damaged_stored_file_is_reported_and_the_others_are_served
    a_body_that_ends_early_leaves_nothing
    concurrent_uploads_of_one_name_store_one_file
    concurrent_first_uploads_with_different_schemas_store_one_file
    datasets_are_listed_newest_first_with_sizes_and_columns
    unknown_calls_get_a_json_error
    a_restart_keeps_everything
    a_held_upload_blocks_nobody
}

async fn no_key_and_a_wrong_key_are_rejected_on_every_call(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    for (method, call) in [
        (Method::GET, "try-authentication"),
        (Method::GET, "create-dataset"),
        (Method::POST, "list-datasets"),
        (Method::POST, "list-dataset-files"),
        (Method::POST, "upload-to-dataset"),
        (Method::POST, "download-from-dataset"),
        (Method::POST, "stage-file"),
        (Method::POST, "commit-files"),
        (Method::POST, "delete-dataset"),
        (Method::POST, "delete-dataset-file"),
        (Method::GET, "datasets/d/files/a.parquet"),
    ] {
        for key in [None, Some("Key wrong"), Some("wrong"), Some("")] {
            let mut request = server.http.request(method.clone(), server.url(call));
            if let Some(key) = key {
                request = request.header("authorization", key);
            }
            let (status, refusal) = answer(request.body(vec![b'x'; 100_000])).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{call}");
            assert!(words(&refusal).contains("API key"), "{refusal}");
        }
    }
}

async fn every_rule_of_an_upload_is_kept_and_the_dataset_stays_as_it_was(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let client = server.client();
    let dataset = client.create_dataset().await.unwrap();
    let (id, file) = (dataset.as_str(), int64_file(&["a", "b"], 5));
    let id_field = Part::Text("dataset_id", id);
    let (status, stored) = server.upload(&[id_field, Part::File("a.parquet", &file)]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(stored["file_id"].as_str().unwrap().starts_with("file_"));

    let other_schema = int64_file(&["a", "c"], 5);
    let gzip = b"\x1f\x8b not parquet";
    let csv = b"id,name\n1,a\n".repeat(10);
    let id_field = || Part::Text("dataset_id", id);
    for (parts, expected, says) in [
        (
            vec![Part::Text("dataset_id", "dataset-none"), Part::File("b.parquet", &file)],
            404,
            "not found",
        ),
        (vec![id_field(), Part::File("a.parquet", &file)], 409, "already exists"),
        (vec![Part::File("a.parquet", &file), id_field()], 409, "already exists"),
        (vec![id_field(), Part::File("b.parquet", &csv)], 400, "it looks like CSV"),
        (vec![id_field(), Part::File("b.parquet", gzip)], 400, "not a valid Parquet file"),
        (vec![id_field(), Part::File("b.parquet", &file[..file.len() - 5])], 400, "PAR1"),
        (vec![id_field(), Part::File("b.parquet", b"")], 400, "empty"),
        (vec![id_field(), Part::File("b.parquet", &other_schema)], 422, "'b' (int64) is missing"),
        (vec![id_field()], 400, "'file' is missing"),
        (vec![Part::File("b.parquet", &file)], 400, "'dataset_id' is missing"),
        (vec![id_field(), id_field(), Part::File("b.parquet", &file)], 400, "twice"),
        (vec![Part::Text("what", "x"), Part::File("b.parquet", &file)], 400, "'what'"),
        (vec![id_field(), Part::File("../b.parquet", &file)], 400, "the file name"),
        (vec![id_field(), Part::File("b.csv", &file)], 400, "the file name"),
    ] {
        let (status, refusal) = server.upload(&parts).await;
        assert_eq!(status.as_u16(), expected, "{refusal}");
        assert!(words(&refusal).contains(says), "{says}: {refusal}");
        assert_eq!(server.names(id).await, ["a.parquet"]);
        assert_eq!(server.blobs(), 1, "{says}");
    }
}

async fn curl_may_send_the_fields_in_either_order(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["data.parquet", "swapped.parquet"] {
        std::fs::write(folder.path().join(name), int64_file(&["a"], 3)).unwrap();
    }
    let key = format!("Authorization: {}", server.server.api_key().unwrap().header_value());
    let (id_field, url) = (format!("dataset_id={id}"), server.url("upload-to-dataset"));
    let curl = |fields: [String; 2]| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "-H", &key]);
        curl.args(fields.iter().flat_map(|field| ["-F", field]));
        curl.arg(&url).current_dir(folder.path());
        tokio::task::spawn_blocking(move || curl.output())
    };
    for fields in [
        [id_field.clone(), "file=@data.parquet".to_owned()],
        ["file=@swapped.parquet".to_owned(), id_field.clone()],
    ] {
        let output = curl(fields).await.unwrap().expect("curl is installed");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(answer.starts_with("{\"file_id\":\"file_"), "{answer} {output:?}");
    }
    assert_eq!(server.names(&id).await, ["data.parquet", "swapped.parquet"]);
}

async fn a_download_equals_its_upload(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let (client, file) = (server.client(), file_of_size(300_000));
    let id = client.create_dataset().await.unwrap();
    let parts = [Part::Text("dataset_id", &id), Part::File("größe 1.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    let folder = tempfile::tempdir().unwrap();
    let into = |folder: &Path, files| {
        let (output, storage_options) = (folder.to_owned(), StorageOptions::default());
        DownloadOptions { files, output, storage_options, concurrency: 4, overwrite: false }
    };
    let paths = client.download_from_dataset(&id, into(folder.path(), None)).await.unwrap();
    let path = folder.path().join("größe 1.parquet");
    assert_eq!(paths, [path.clone().into()]);
    assert_eq!(std::fs::read(path).unwrap(), file);

    let unknown = vec!["größe 1.parquet".to_owned(), "none.parquet".to_owned()];
    let none = folder.path().join("none");
    let error = client.download_from_dataset(&id, into(&none, Some(unknown.clone()))).await;
    let message = error.unwrap_err().to_string();
    assert_eq!(message, format!("the dataset {id} has no file \"none.parquet\""));
    assert!(!none.exists());
    let error = client.download_from_dataset("dataset-none", into(&none, Some(unknown))).await;
    assert!(matches!(error, Err(sutro::Error::DatasetNotFound { .. })));
    assert_eq!(crate::support::server::count_files(folder.path()), 1);
}

async fn a_damaged_stored_file_is_reported_and_the_others_are_served(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let file = enlarged(&int64_file(&["a"], 20));
    for name in ["cut.parquet", "gone.parquet", "good.parquet"] {
        let parts = [Part::Text("dataset_id", &id), Part::File(name, &file)];
        let (_, stored) = server.upload(&parts).await;
        let blob = stored["file_id"].as_str().unwrap();
        match name {
            "cut.parquet" => server.place.replace_blob(blob, &file[..50]),
            "gone.parquet" => server.place.remove_blob(blob),
            _ => {}
        }
    }
    for (name, expected) in [("cut.parquet", 500), ("gone.parquet", 500), ("good.parquet", 200)] {
        let body = json!({"dataset_id": id, "file_name": name});
        let request = server.request(Method::POST, "download-from-dataset").json(&body);
        let (status, told) = answer(request).await;
        assert_eq!(status.as_u16(), expected, "{name}");
        assert!(expected == 200 || words(&told).contains("damaged"), "{told}");
    }
}

async fn a_body_that_ends_early_leaves_nothing(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let body = multipart(&[Part::Text("dataset_id", &id), Part::File("a.parquet", &file)]);
    // Two bytes end the closing line and carry nothing.
    for length in (0..body.len() - 2).step_by(7) {
        let (status, refusal) = server.send_multipart(body[..length].to_vec()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "cut at {length}: {refusal}");
    }
    let (status, _) = server.send_multipart([&body[..], b"more"].concat()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(server.names(&id).await, Vec::<String>::new());
    assert_eq!(server.blobs(), 0);
}

async fn concurrent_uploads_of_one_name_store_one_file(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    for (count, name, file) in [(1, "a.parquet", &enlarged(&file)), (2, "b.parquet", &file)] {
        let body = multipart(&[Part::Text("dataset_id", &id), Part::File(name, file)]);
        let answers = join_all((0..20).map(|_| server.send_multipart(body.clone()))).await;
        let statuses = |wanted| answers.iter().filter(|(status, _)| *status == wanted).count();
        assert_eq!((statuses(StatusCode::OK), statuses(StatusCode::CONFLICT)), (1, 19));
        assert_eq!(server.blobs(), count);
    }
}

async fn concurrent_first_uploads_with_different_schemas_store_one_file(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let files = [int64_file(&["a"], 2), int64_file(&["b"], 2)];
    let uploads = (0..10).map(|index| {
        let name = format!("{index}.parquet");
        let file = &files[index % 2];
        server.send_multipart(multipart(&[Part::Text("dataset_id", &id), Part::File(&name, file)]))
    });
    let answers = join_all(uploads).await;
    let accepted = answers.iter().filter(|(status, _)| status.is_success()).count();
    assert_eq!(accepted, 5, "{answers:?}");
}

async fn datasets_are_listed_newest_first_with_sizes_and_columns(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let client = server.client();
    let (first, second) =
        (client.create_dataset().await.unwrap(), client.create_dataset().await.unwrap());
    let file = file_with_fields("optional binary title (STRING); optional int64 year;");
    let parts = [Part::Text("dataset_id", &first), Part::File("a.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    let datasets = client.list_datasets().await.unwrap();
    assert_eq!(datasets.iter().map(|d| &d.dataset_id).collect::<Vec<_>>(), [&second, &first]);
    assert_eq!((datasets[1].file_count, datasets[1].total_size_bytes), (1, file.len() as u64));
    let schema = serde_json::to_value(datasets[1].schema.as_ref().unwrap()).unwrap();
    assert_eq!(
        schema,
        json!({"fields": [{"name": "title", "type": "string"}, {"name": "year", "type": "int64"}]})
    );
}

async fn unknown_calls_get_a_json_error(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    for (method, call, body, expected) in [
        (Method::GET, "no-such-call", "", 404),
        (Method::DELETE, "list-datasets", "", 405),
        (Method::POST, "list-dataset-files", "no json", 400),
        (Method::POST, "list-dataset-files", "{\"dataset_id\": \"../x\"}", 404),
        (Method::GET, "create-dataset?dataset_id=../x", "", 400),
    ] {
        let (status, refusal) = answer(server.request(method, call).body(body)).await;
        assert_eq!(status.as_u16(), expected, "{call}: {refusal}");
        assert!(!words(&refusal).is_empty());
    }
    let long = vec![b' '; 100_000];
    let (status, _) = answer(server.request(Method::POST, "list-dataset-files").body(long)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

async fn a_restart_keeps_everything(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let small = int64_file(&["a"], 3);
    for (name, file) in [("b.parquet", enlarged(&small)), ("a.parquet", small)] {
        let parts = [Part::Text("dataset_id", &id), Part::File(name, &file)];
        assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    }
    let server = TestServer::start_at(server.stop().await).await;
    assert_eq!(server.names(&id).await, ["b.parquet", "a.parquet"]);
    assert_eq!(server.blobs(), 2);
}

#[tokio::test]
async fn a_start_in_a_folder_sweeps_what_was_not_finished() {
    let place = TestServer::start().await.stop().await;
    let unfinished = format!("file_{}", "0123456789abcdef".repeat(2));
    place.replace_blob(&unfinished, b"x");
    place.replace_blob(&(unfinished + "#1"), b"x");
    assert_eq!(TestServer::start_at(place).await.blobs(), 0);
}

#[tokio::test]
async fn a_second_server_on_a_folder_fails_and_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first =
        Service::open(&Place::folder(folder.path()), Keys::separate(&[]), Limits::default())
            .await
            .unwrap();
    let refused =
        Service::open(&Place::folder(folder.path()), Keys::separate(&[]), Limits::default()).await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("open in this process"), "{error}");
    drop(first);
    assert!(
        Service::open(&Place::folder(folder.path()), Keys::separate(&[]), Limits::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn without_a_key_it_listens_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::loopback(folder.path());
    config.address.set_ip([0, 0, 0, 0].into());
    let refused = LocalServer::start(config).await.err().unwrap().to_string();
    assert!(refused.contains("API key"), "{refused}");
}

#[tokio::test]
async fn clients_of_one_process_share_the_service_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let open = || sutro::service::shared(folder.path().join("data"));
    let (one, other) = tokio::join!(open(), open());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(Arc::ptr_eq(&one, &other));
    drop((one, other));
    assert!(open().await.is_ok());
}

async fn a_held_upload_blocks_nobody(place: TestPlace) {
    let server = TestServer::start_at(place).await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let body = multipart(&[Part::Text("dataset_id", &id), Part::File("held.parquet", &file)]);
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (Ok::<_, std::io::Error>(chunk), receiver))
    });
    let held = server
        .request(Method::POST, "upload-to-dataset")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(reqwest::Body::wrap_stream(chunks));
    let held = tokio::spawn(answer(held));
    sender.send(body[..body.len() - 50].to_vec()).unwrap();
    for name in ["a.parquet", "b.parquet"] {
        let parts = [Part::Text("dataset_id", &id), Part::File(name, &file)];
        assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    }
    sender.send(body[body.len() - 50..].to_vec()).unwrap();
    drop(sender);
    assert_eq!(held.await.unwrap().0, StatusCode::OK);
    assert_eq!(server.names(&id).await, ["a.parquet", "b.parquet", "held.parquet"]);
}

//! Clients that hang up, dawdle or flood: the service keeps its promises, cleans up, and can
//! always be stopped.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::StatusCode;
use sutro::service::{LocalServer, ServerConfig};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::support::{
    parquet_files::{enlarged, file_of_size, int64_file},
    raw_client::{PATIENCE, RawClient, address, content_length, eventually},
    server::{BOUNDARY, Part, TestServer, multipart},
};

#[tokio::test]
async fn the_end_of_a_body_may_come_in_pieces() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    for (index, last) in (1..=8).enumerate() {
        let name = format!("{index}.parquet");
        let body = multipart(&[Part::Text("dataset_id", &id), Part::File(&name, &file)]);
        let (most, end) = body.split_at(body.len() - last);
        let mut client = RawClient::start_upload(&server, &content_length(&body)).await;
        client.send(most).await;
        // Long enough for the service to have seen all but the end.
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.send(end).await;
        assert_eq!(client.status().await, "HTTP/1.1 200", "the last {last} bytes apart");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_anywhere_leaves_nothing() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let small = int64_file(&["a"], 20);
    for (file, step) in [(enlarged(&small), 2_001), (small, 11)] {
        let id_field = || Part::Text("dataset_id", &id);
        let file_field = || Part::File("a.parquet", &file);
        for body in [multipart(&[id_field(), file_field()]), multipart(&[file_field(), id_field()])]
        {
            for length in (0..body.len() - 1).step_by(step) {
                let mut client = RawClient::start_upload(&server, &content_length(&body)).await;
                client.send(&body[..length]).await;
                client.answer().await;
            }
        }
    }
    eventually("no blob is left", || server.blobs() == 0).await;
    assert_eq!(server.names(&id).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_client_that_hangs_up_after_the_last_byte_leaves_a_file_or_nothing() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let large = enlarged(&file);
    for index in 0..40 {
        let name = format!("{index}.parquet");
        let file = if index % 2 == 0 { &file } else { &large };
        let body = multipart(&[Part::File(&name, file), Part::Text("dataset_id", &id)]);
        let mut client = RawClient::start_upload(&server, &content_length(&body)).await;
        client.send(&body).await;
        drop(client);
    }
    // What comes through a complete connection comes after all that.
    let last = [Part::Text("dataset_id", &id), Part::File("last.parquet", &file)];
    assert_eq!(server.upload(&last).await.0, StatusCode::OK);
    let mut counts = (usize::MAX, 0);
    for _ in 0..1000 {
        counts = (server.blobs(), server.names(&id).await.len());
        if counts.0 == counts.1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} blobs for {} files", counts.0, counts.1);
}

#[tokio::test]
async fn a_chunked_body_without_its_last_chunk_is_no_upload() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 20);
    let body = multipart(&[Part::Text("dataset_id", &id), Part::File("a.parquet", &file)]);
    let mut clients = Vec::new();
    for end in ["\r\n", "\r\n0\r\n\r\n"] {
        let mut client = RawClient::start_upload(&server, "Transfer-Encoding: chunked").await;
        client.send(format!("{:x}\r\n", body.len()).as_bytes()).await;
        client.send(&body).await;
        client.send(end.as_bytes()).await;
        clients.push(client);
    }
    let (mut complete, unfinished) = (clients.remove(1), clients.remove(0));
    // Both have the same name: it is the complete one's only if the other has not got it.
    assert_eq!(complete.status().await, "HTTP/1.1 200");
    assert!(!unfinished.answer().await.starts_with("HTTP/1.1 200"));
    eventually("one blob is left", || server.blobs() == 1).await;
    assert_eq!(server.names(&id).await, ["a.parquet"]);
}

#[tokio::test]
async fn a_flood_before_a_part_is_rejected_early() {
    let server = TestServer::start().await;
    let header = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; x=");
    for start in ["", &header] {
        let mut client = RawClient::start_upload(&server, "Content-Length: 1000000000").await;
        client.send(start.as_bytes()).await;
        let flood = vec![b'x'; 64 * 1024];
        // 64 MiB of it are more than the service may read before it says no.
        for _ in 0..1024 {
            if client.0.write_all(&flood).await.is_err() {
                break;
            }
        }
        assert_eq!(client.status().await, "HTTP/1.1 400", "{start}");
    }
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = TestServer::start().await;
    let file = file_of_size(8 << 20);
    let body = multipart(&[Part::Text("dataset_id", "none"), Part::File("a.parquet", &file)]);
    for _ in 0..20 {
        let (status, _) = server.send_multipart(body.clone()).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn path_like_names_stay_data() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = int64_file(&["a"], 3);
    let long = format!("{}.parquet", "x".repeat(10_000));
    for name in [
        "../a.parquet",
        "..\\a.parquet",
        "/etc/a.parquet",
        "a/../../b.parquet",
        "C:\\a.parquet",
        ".a.parquet",
        "..",
        "",
        "a\0.parquet",
        "a.parquet ",
        &long,
    ] {
        let parts = [Part::Text("dataset_id", &id), Part::File(name, &file)];
        assert_eq!(server.upload(&parts).await.0, StatusCode::BAD_REQUEST, "{name:?}");
    }
    // Odd, and harmless: the blob has the service's name for it.
    let odd = ["file_0123456789abcdef0123456789abcdef.parquet", "CON.parquet", "%2e%2e.parquet"];
    let large = enlarged(&file);
    for name in odd {
        let parts = [Part::Text("dataset_id", &id), Part::File(name, &large)];
        assert_eq!(server.upload(&parts).await.0, StatusCode::OK, "{name:?}");
    }
    assert_eq!(server.names(&id).await, odd);
    for entry in std::fs::read_dir(server.folder().join("service/blobs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("file_") && name.len() == 37, "{name}");
    }
    assert_eq!(crate::support::server::count_files(server.folder()), 1);
}

/// Most memory that this process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_file_costs_no_memory() {
    // Other tests use memory as they like, so this is measured in a process of its own.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "service_faults::memory_of_large_uploads", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_large_file_costs_no_memory, alone"]
async fn memory_of_large_uploads() {
    const UPLOADS: usize = 4;
    const BYTES: usize = 64 << 20;
    const PIECE: bytes::Bytes = bytes::Bytes::from_static(&[0; 256 * 1024]);
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let before = peak_memory();
    let uploads = (0..UPLOADS).map(|index| {
        let name = format!("{index}.parquet");
        let body = multipart(&[Part::Text("dataset_id", &id), Part::File(&name, b"PAR1")]);
        let body = bytes::Bytes::from(body);
        let end = body.len() - format!("\r\n--{BOUNDARY}--\r\n").len();
        let pieces = std::iter::once(body.slice(..end))
            .chain(std::iter::repeat_n(PIECE, BYTES / PIECE.len()))
            .chain(std::iter::once(body.slice(end..)));
        let body = futures_util::stream::iter(pieces.map(Ok::<_, std::io::Error>));
        let request = server
            .request(reqwest::Method::POST, "upload-to-dataset")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(reqwest::Body::wrap_stream(body));
        crate::support::server::answer(request)
    });
    for (status, refusal) in futures_util::future::join_all(uploads).await {
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(refusal["error"].as_str().unwrap().contains("PAR1"), "{refusal}");
    }
    let grown = (peak_memory() - before) / 1024;
    println!("{grown} MiB for {UPLOADS} uploads of {} MiB", BYTES >> 20);
    assert!(grown < 64, "{grown} MiB");
}

#[tokio::test]
async fn shutdown_releases_the_folder_regardless_of_clients() {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = file_of_size(32 << 20);
    let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);

    let silent = RawClient::connect(&server).await;
    let mut held = RawClient::start_upload(&server, "Content-Length: 1000").await;
    held.send(b"--").await;
    let request = format!(r#"{{"dataset_id": "{id}", "file_name": "a.parquet"}}"#);
    let length = content_length(request.as_bytes());
    let mut reader_that_stalls = RawClient::start(&server, "download-from-dataset", &length).await;
    reader_that_stalls.send(request.as_bytes()).await;
    assert_eq!(reader_that_stalls.status().await, "HTTP/1.1 200");

    timeout(PATIENCE, server.server.stop()).await.expect("a stop");
    // The stopped server is still there, and holds nothing.
    let again = LocalServer::start(ServerConfig::loopback(&server.folder().join("service")));
    assert_eq!(address(&again.await.unwrap()).ip(), Ipv4Addr::LOCALHOST);
    drop((silent, held, reader_that_stalls));
}

#[tokio::test]
async fn foreign_files_in_the_folder_are_never_swept() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = folder.path().join("service/blobs");
    std::fs::create_dir_all(blobs.join("photos")).unwrap();
    std::fs::write(blobs.join("thesis.parquet"), "x").unwrap();
    let unfinished = format!("file_{}#1", "0123456789abcdef".repeat(2));
    std::fs::write(blobs.join(&unfinished), "x").unwrap();
    let _server = TestServer::start_on(folder).await;
    assert!(blobs.join("photos").exists() && blobs.join("thesis.parquet").exists());
    assert!(!blobs.join(unfinished).exists());
}

#[tokio::test]
async fn a_broken_catalog_is_reported_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("catalog.sqlite"), "not a database ".repeat(100)).unwrap();
    let refused = LocalServer::start(ServerConfig::loopback(folder.path())).await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("the catalog in"), "{error}");
}

/// What is stored where nobody looks for it is lost at the next start.
#[tokio::test]
async fn a_folder_that_is_removed_or_replaced_while_it_is_served_accepts_nothing() {
    for part in ["blobs", "catalog.sqlite", "catalog.lock", ""] {
        for is_replaced in [false, true] {
            let server = TestServer::start().await;
            let id = server.client().create_dataset().await.unwrap();
            let file = int64_file(&["a"], 3);
            let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
            let folder = server.folder();
            let (path, away) = (folder.join("service").join(part), folder.join("away"));
            std::fs::rename(&path, &away).unwrap();
            if is_replaced {
                copy_recursively(&away, &path);
            }

            let (status, refusal) = server.upload(&parts).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{part}: {refusal}");
            assert!(refusal["error"].as_str().unwrap().contains("restore it"), "{refusal}");
            assert_eq!(path.exists(), is_replaced, "{part} was made anew");
            let health = server.http.get(server.url("health")).send().await.unwrap();
            assert_eq!(health.status(), StatusCode::INTERNAL_SERVER_ERROR);

            if is_replaced {
                std::fs::rename(&path, folder.join("copy")).unwrap();
            }
            std::fs::rename(&away, &path).unwrap();
            assert_eq!(server.upload(&parts).await.0, StatusCode::OK, "{part}");
        }
    }
}

fn copy_recursively(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy_recursively(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_stored_files() {
    use std::os::unix::fs::PermissionsExt;
    fn modes(path: &Path, found: &mut Vec<(PathBuf, u32)>) {
        let metadata = std::fs::metadata(path).unwrap();
        found.push((path.to_owned(), metadata.permissions().mode() & 0o777));
        if metadata.is_dir() {
            let entries = std::fs::read_dir(path).unwrap();
            entries.for_each(|entry| modes(&entry.unwrap().path(), found));
        }
    }
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    let file = file_of_size(3 << 20);
    let body = multipart(&[Part::Text("dataset_id", &id), Part::File("b.parquet", &file)]);
    let parts = [Part::Text("dataset_id", &id), Part::File("a.parquet", &file)];
    assert_eq!(server.upload(&parts).await.0, StatusCode::OK);
    let mut held = RawClient::start_upload(&server, &content_length(&body)).await;
    held.send(&body[..2 << 20]).await;
    eventually("a second blob", || server.blobs() == 2).await;

    let mut found = Vec::new();
    modes(&server.folder().join("service"), &mut found);
    assert!(found.len() >= 6, "{found:?}");
    for (path, mode) in found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
}

//! One fault, at one place, and what is right then: the rows of `docs/faults.md` that a
//! broken connection shows.

use std::{fs, time::Duration};

use sutro::upload::{FileStatus, UploadError, UploadReport};
use tempfile::TempDir;

use crate::{
    support::{
        fault_proxy::{Fault, FaultProxy},
        parquet_files::file_of_size,
        server::TestServer,
    },
    upload_faults::{address, client_at, upload_folder},
};

const SIZE: usize = 300_000;

/// Uploads two files, with a fault on the first request of the first one.
async fn upload_with(fault: Fault) -> (Result<UploadReport, UploadError>, Vec<String>) {
    let server = TestServer::without_staging().await;
    let folder = two_files();
    let dataset_id = server.client().create_dataset().await.unwrap();
    // Connection 0 lists the dataset, 1 sends the first file.
    let proxy = FaultProxy::with_faults(address(&server), move |connection| {
        if connection == 1 { fault.clone() } else { Fault::None }
    });
    let proxy = proxy.await;
    let client = client_at(proxy.address, &server);
    // One at a time, so that connections have numbers.
    let outcome = upload_folder(&client, &folder, &dataset_id, 1).await;
    (outcome, server.names(&dataset_id).await)
}

fn two_files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["0.parquet", "1.parquet"] {
        fs::write(folder.path().join(name), file_of_size(SIZE)).unwrap();
    }
    folder
}

async fn completes_after(fault: Fault, attempts: u32) {
    let what = format!("{fault:?}");
    let (outcome, names) = upload_with(fault).await;
    let report = outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(names, ["0.parquet", "1.parquet"], "{what}");
    assert!(report.files.iter().all(|file| file.status == FileStatus::Uploaded), "{what}");
    assert_eq!(report.files[0].attempts, attempts, "{what}");
}

#[tokio::test]
async fn a_request_that_broke_before_the_tail_is_resent() {
    for fault in [
        Fault::Reset,
        Fault::CutRequest(10),
        Fault::CutRequest(SIZE / 2),
        Fault::HalfClose(SIZE / 2),
        Fault::Stall(SIZE / 2),
        Fault::EarlyAnswer(SIZE / 2, "408 Request Timeout\r\n"),
        Fault::EarlyAnswer(SIZE / 2, "429 Too Many Requests\r\nRetry-After: 0\r\n"),
        Fault::EarlyAnswer(100, "503 Service Unavailable\r\nRetry-After: 0\r\n"),
        Fault::EarlyAnswer(100, "500 Internal Server Error\r\n"),
    ] {
        completes_after(fault, 2).await;
    }
}

#[tokio::test]
async fn a_file_committed_before_its_response_broke_is_not_resent() {
    for fault in [
        Fault::CutAnswer(0),
        Fault::CutAnswer(60),
        Fault::SwallowAnswer,
        Fault::Flood,
        Fault::OtherAnswer("500 Internal Server Error\r\n"),
        Fault::OtherAnswer("502 Bad Gateway\r\n"),
        Fault::OtherAnswer("503 Service Unavailable\r\nRetry-After: 0\r\n"),
        Fault::OtherAnswer("504 Gateway Timeout\r\n"),
        Fault::OtherAnswer("524 A Timeout Occurred\r\n"),
        Fault::OtherAnswer("200 OK\r\nContent-Type: text/html\r\n"),
        Fault::OtherAnswer("302 Found\r\nLocation: http://127.0.0.1:1/login\r\n"),
        Fault::OtherAnswer("307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"),
        Fault::OtherAnswer("501 Not Implemented\r\n"),
    ] {
        completes_after(fault, 1).await;
    }
}

#[tokio::test]
async fn a_request_that_arrives_late_is_not_stored_twice() {
    completes_after(Fault::Late(Duration::from_millis(20)), 1).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_ends_the_upload_with_where_it_leads() {
    let redirect = "302 Found\r\nLocation: http://login.example.com/secret?key=1\r\n";
    let (outcome, names) = upload_with(Fault::EarlyAnswer(100, redirect)).await;
    let message = outcome.unwrap_err().to_string();
    assert!(message.contains("login.example.com"), "{message}");
    assert!(!message.contains("secret"), "{message}");
    assert!(names.is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_the_api_ends_the_upload() {
    let page = "200 OK\r\nContent-Type: text/html\r\n";
    let (outcome, names) = upload_with(Fault::EarlyAnswer(SIZE * 2, page)).await;
    let message = outcome.unwrap_err().to_string();
    assert!(message.contains("dataset API"), "{message}");
    assert!(names.is_empty());
}

#[tokio::test]
async fn an_unreachable_server_ends_the_upload_with_a_partial_report() {
    let server = TestServer::without_staging().await;
    let folder = two_files();
    let dataset_id = server.client().create_dataset().await.unwrap();
    // The second file finds nobody any more.
    let proxy = FaultProxy::with_faults(address(&server), |connection| {
        if connection < 2 { Fault::None } else { Fault::Reset }
    });
    let proxy = proxy.await;
    let client = client_at(proxy.address, &server);
    match upload_folder(&client, &folder, &dataset_id, 1).await.unwrap_err() {
        UploadError::Incomplete { report, source, .. } => {
            let statuses: Vec<_> = report.files.iter().map(|file| file.status).collect();
            assert_eq!(statuses, [FileStatus::Uploaded, FileStatus::Pending]);
            assert!(source.to_string().contains("cannot reach"), "{source}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(server.names(&dataset_id).await, ["0.parquet"]);
}

#[tokio::test]
async fn an_error_suggests_a_size_limit_if_the_server_closes_while_a_file_is_sent() {
    let server = TestServer::without_staging().await;
    let folder = two_files();
    let dataset_id = server.client().create_dataset().await.unwrap();
    let proxy = FaultProxy::with_faults(address(&server), |connection| {
        if connection == 0 { Fault::None } else { Fault::CutRequest(SIZE / 2) }
    });
    let proxy = proxy.await;
    let client = client_at(proxy.address, &server);
    let error = upload_folder(&client, &folder, &dataset_id, 1).await.unwrap_err();
    assert!(error.to_string().contains("does 0.parquet exceed a size limit"), "{error}");
    assert!(server.names(&dataset_id).await.is_empty());
}

#[tokio::test]
async fn without_a_listing_the_outcome_is_unknown_and_a_later_run_settles_it() {
    let server = TestServer::without_staging().await;
    let folder = two_files();
    let dataset_id = server.client().create_dataset().await.unwrap();
    let proxy = FaultProxy::with_faults(address(&server), |connection| match connection {
        0 => Fault::CloseAfterAnswer,
        1 => Fault::CutAnswer(0),
        _ => Fault::Reset,
    });
    let proxy = proxy.await;
    let client = client_at(proxy.address, &server);
    let error = upload_folder(&client, &folder, &dataset_id, 1).await.unwrap_err();
    assert!(error.to_string().contains("outcome unknown for 0.parquet"), "{error}");
    let report = upload_folder(&server.client(), &folder, &dataset_id, 1).await.unwrap();
    assert_eq!(report.files[0].status, FileStatus::Skipped);
    assert_eq!(server.names(&dataset_id).await.len(), 2);
}

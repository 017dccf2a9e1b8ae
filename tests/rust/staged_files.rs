//! How long files stay staged, how many, and where they are shown.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use sutro::service::Limits;

use crate::{
    staging::with_limits,
    support::{
        parquet_files::{enlarged, int64_file},
        raw_client::eventually,
        server::{TestServer, answer},
    },
};

#[tokio::test]
async fn staged_files_survive_a_restart_and_are_committed_after_it() {
    let server = TestServer::start().await;
    let id = server.create().await;
    let ids = server.stage_all(&id, &["a.parquet", "b.parquet"]).await;
    let unfinished = format!("file_{}", "0123456789abcdef".repeat(2));
    std::fs::write(server.folder().join("service/blobs").join(unfinished), "x").unwrap();
    let server = server.restart().await;
    assert_eq!(server.blobs(), 2);
    server.commit(&id, 0, &ids).await;
    assert_eq!(server.names(&id).await, ["a.parquet", "b.parquet"]);
}

#[tokio::test]
async fn a_file_that_was_not_committed_in_time_is_unknown_and_removed_while_the_server_runs() {
    let limits = Limits { stage_expiry: Duration::from_secs(3), ..Limits::default() };
    let server = with_limits(limits).await;
    let id = server.create().await;
    let committed = server.stage(&id, "kept.parquet").await.staged_id;
    server.commit(&id, 0, std::slice::from_ref(&committed)).await;
    let late = server.stage(&id, "late.parquet").await.staged_id;
    let large = enlarged(&int64_file(&["a"], 3));
    assert_eq!(server.try_stage(&id, "large.parquet", &large).await.0, StatusCode::OK);
    assert_eq!(server.blobs(), 3);
    eventually("the staged files are removed", || server.blobs() == 1).await;
    let (status, refusal) = server.refuse(&id, 1, std::slice::from_ref(&late)).await;
    assert_eq!((status, refusal.staged_id), (404, Some(late)));
    assert_eq!(server.names(&id).await, ["kept.parquet"]);
    // The name is free again, and the commit that went through is known for good.
    let again = server.stage(&id, "late.parquet").await.staged_id;
    server.commit(&id, 1, &[again]).await;
    server.commit(&id, 0, &[committed]).await;
    assert_eq!(server.blobs(), 2);
}

#[tokio::test]
async fn a_file_that_expired_while_the_server_was_down_is_removed_after_the_start() {
    let limits = Limits { stage_expiry: Duration::from_hours(1), ..Limits::default() };
    let server = with_limits(limits).await;
    let id = server.create().await;
    let staged = server.stage(&id, "a.parquet").await.staged_id;
    let large = enlarged(&int64_file(&["a"], 3));
    assert_eq!(server.try_stage(&id, "large.parquet", &large).await.0, StatusCode::OK);
    server.server.stop().await;
    let catalog = server.folder().join("service/catalog.sqlite");
    let expire = "UPDATE staged SET expires_at = 1";
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(catalog);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query(expire).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let server = TestServer::start_at(server.place).await;
    eventually("the staged files are removed", || server.blobs() == 0).await;
    assert_eq!(server.refuse(&id, 0, &[staged]).await.0, 404);
}

#[tokio::test]
async fn a_key_stages_up_to_its_quota_and_more_after_a_commit() {
    let size = int64_file(&["a"], 3).len() as u64;
    for limits in [
        Limits { max_staged_files: 2, ..Limits::default() },
        Limits { max_staged_bytes: 2 * size + 1, ..Limits::default() },
    ] {
        let server = with_limits(limits).await;
        let id = server.create().await;
        let ids = server.stage_all(&id, &["a.parquet", "b.parquet"]).await;
        let (status, refusal) = server.try_stage(&id, "c.parquet", &int64_file(&["a"], 3)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let words = refusal["error"].as_str().unwrap();
        assert!(words.contains("commit staged files") && words.contains("the key has"), "{words}");
        assert_eq!(server.blobs(), 2);
        server.commit(&id, 0, &ids).await;
        server.stage(&id, "c.parquet").await;
    }
}

#[tokio::test]
async fn staged_files_and_commits_are_shown() {
    let server = TestServer::start().await;
    let id = server.create().await;
    let ids = server.stage_all(&id, &["a.parquet", "b.parquet", "c.parquet"]).await;
    server.commit(&id, 0, &ids[..2]).await;
    let size = int64_file(&["a"], 3).len() as u64;
    let (_, uploads) = answer(server.request(Method::GET, "uploads")).await;
    let staged = &uploads["staged"];
    assert_eq!(
        (staged["file_count"].as_u64(), staged["total_size_bytes"].as_u64()),
        (Some(1), Some(size))
    );
    assert_eq!(staged["files"][0]["file_name"], "c.parquet");
    assert_eq!(staged["files"][0]["dataset_id"], id.as_str());
    assert!(staged["files"][0]["expires_at"].is_string());
    let metrics = server.http.get(server.url("metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "sutro_staged_files 1".to_owned(),
        format!("sutro_staged_bytes {size}"),
        "sutro_commit_files_count 1".to_owned(),
        "sutro_commit_files_sum 2.0".to_owned(),
        "sutro_committed_files_total 2".to_owned(),
        format!("sutro_committed_bytes_total {}", 2 * size),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

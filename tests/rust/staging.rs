//! Files that are staged first and committed together: `POST /stage-file`, `POST /commit-files`.

use futures_util::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sutro::{
    credentials::ApiKey,
    service::Limits,
    wire::{
        deletion::DELETION,
        extensions::{EXTENSIONS_HEADER, is_announced},
        staging::{CommitAnswer, CommitRefusal, STAGING, StagedFile},
    },
};

use crate::support::{
    parquet_files::{enlarged, int64_file},
    raw_client::{RawClient, content_length, eventually},
    server::{BOUNDARY, Part, TestServer, answer, client, multipart},
};

impl TestServer {
    pub(crate) async fn create(&self) -> String {
        self.client().create_dataset().await.unwrap()
    }

    fn stage_request(&self, id: &str, name: &str, file: &[u8]) -> reqwest::RequestBuilder {
        self.request(Method::POST, "stage-file")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(multipart(&[Part::Text("dataset_id", id), Part::File(name, file)]))
    }

    pub(crate) async fn try_stage(&self, id: &str, name: &str, file: &[u8]) -> (StatusCode, Value) {
        answer(self.stage_request(id, name, file)).await
    }

    pub(crate) async fn stage(&self, id: &str, name: &str) -> StagedFile {
        let (status, staged) = self.try_stage(id, name, &int64_file(&["a"], 3)).await;
        assert_eq!(status, StatusCode::OK, "{staged}");
        serde_json::from_value(staged).unwrap()
    }

    /// Ids of files that were staged at the same time.
    pub(crate) async fn stage_all(&self, id: &str, names: &[&str]) -> Vec<String> {
        let staged = join_all(names.iter().map(|name| self.stage(id, name))).await;
        staged.into_iter().map(|staged| staged.staged_id).collect()
    }

    async fn try_commit(&self, id: &str, expected: u64, ids: &[String]) -> (StatusCode, Value) {
        let request = json!({"dataset_id": id, "expected_file_count": expected, "staged_ids": ids});
        answer(self.request(Method::POST, "commit-files").json(&request)).await
    }

    pub(crate) async fn commit(&self, id: &str, expected: u64, ids: &[String]) -> CommitAnswer {
        let (status, committed) = self.try_commit(id, expected, ids).await;
        assert_eq!(status, StatusCode::OK, "{committed}");
        serde_json::from_value(committed).unwrap()
    }

    pub(crate) async fn refuse(
        &self,
        id: &str,
        expected: u64,
        ids: &[String],
    ) -> (u16, CommitRefusal) {
        let (status, refusal) = self.try_commit(id, expected, ids).await;
        assert!(!status.is_success(), "{refusal}");
        (status.as_u16(), serde_json::from_value(refusal).unwrap())
    }

    pub(crate) async fn restart(self) -> Self {
        Self::start_at(self.stop().await).await
    }
}

pub(crate) async fn with_limits(limits: Limits) -> TestServer {
    TestServer::start_with(|config| config.limits = limits).await
}

#[tokio::test]
async fn a_commit_answers_without_its_files_if_that_is_preferred_also_when_repeated() {
    let server = TestServer::start().await;
    let id = server.create().await;
    let ids = server.stage_all(&id, &["a.parquet", "b.parquet"]).await;
    let commit = json!({"dataset_id": id, "expected_file_count": 0, "staged_ids": ids});
    for _ in 0..2 {
        let request = server.request(Method::POST, "commit-files").json(&commit);
        let short = request.header("Prefer", "wait=9, return=minimal").send().await.unwrap();
        assert_eq!(short.headers()["preference-applied"], "return=minimal");
        assert_eq!(short.json::<Value>().await.unwrap(), json!({"file_count": 2}));
        let full = server.commit(&id, 0, &ids).await;
        let file_ids: Vec<_> = full.files.unwrap().into_iter().map(|file| file.file_id).collect();
        assert_eq!((file_ids, full.file_count), (ids.clone(), 2));
    }
}

#[tokio::test]
async fn a_page_of_a_listing_has_as_many_files_as_it_is_limited_to() {
    let server = TestServer::start().await;
    let id = server.create().await;
    let ids = server.stage_all(&id, &["a.parquet", "b.parquet", "c.parquet"]).await;
    server.commit(&id, 0, &ids).await;
    let page = async |limit: Value, after: Option<&str>| {
        let mut question = json!({"dataset_id": id, "compact": true, "limit": limit});
        if let Some(after) = after {
            question["after"] = json!(after);
        }
        answer(server.request(Method::POST, "list-dataset-files").json(&question)).await
    };
    let (_, first) = page(json!(1), None).await;
    assert_eq!(first["files"].as_array().unwrap().len(), 1);
    assert!(first["dataset_schema"].is_string());
    let (_, rest) = page(json!(2), first["next"].as_str()).await;
    assert_eq!(rest["files"].as_array().unwrap().len(), 2);
    assert_eq!(rest.get("next"), None);
    for wrong in [json!(0), json!(-1), json!("1")] {
        assert_eq!(page(wrong.clone(), None).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn every_response_announces_the_extensions() {
    let server = TestServer::start().await;
    let stranger = server.http.post(server.url("list-datasets"));
    let foreign = server.request(Method::GET, "create-dataset").header("origin", "null");
    for request in [
        server.request(Method::GET, "try-authentication"),
        server.request(Method::GET, "legacy/create-dataset"),
        server.request(Method::GET, "health"),
        server.request(Method::GET, "no-such-call"),
        server.request(Method::DELETE, "list-datasets"),
        server.stage_request("none", "a.parquet", b""),
        stranger,
        foreign,
    ] {
        let response = request.send().await.unwrap();
        let header = response.headers()[EXTENSIONS_HEADER].to_str().unwrap();
        assert!(is_announced(header, STAGING), "{response:?}");
        assert!(is_announced(header, DELETION), "{response:?}");
    }
}

#[tokio::test]
async fn staged_files_are_invisible_until_a_commit_appends_them_in_its_order() {
    let server = TestServer::start().await;
    let (id, file) = (server.create().await, int64_file(&["a"], 3));
    let staged = server.stage(&id, "a.parquet").await;
    assert_eq!((staged.size_bytes, staged.row_count), (file.len() as u64, 3));
    assert!(staged.expires_at.is_some());
    let others = server.stage_all(&id, &["b.parquet", "c.parquet"]).await;
    assert_eq!(server.names(&id).await, Vec::<String>::new());

    let ids = [others[1].clone(), staged.staged_id.clone()];
    let committed = server.commit(&id, 0, &ids).await;
    assert_eq!(committed.file_count, 2);
    let files = committed.files.unwrap();
    let names: Vec<_> = files.iter().map(|file| file.file_name.as_str()).collect();
    assert_eq!(names, ["c.parquet", "a.parquet"]);
    server.commit(&id, 2, &others[..1]).await;
    assert_eq!(server.names(&id).await, ["c.parquet", "a.parquet", "b.parquet"]);
    let listed = server.client().list_dataset_files(&id).await.unwrap();
    assert_eq!(listed[1].file_id.as_ref(), Some(&staged.staged_id));
    assert_eq!(listed[1].sha256, Some(staged.sha256));
    assert!(listed[1].uploaded_at.is_some());
    let what = json!({"dataset_id": id, "file_name": "a.parquet"});
    let download = server.request(Method::POST, "download-from-dataset").json(&what);
    assert_eq!(download.send().await.unwrap().bytes().await.unwrap(), file);
    assert_eq!(server.blobs(), 3);
}

#[tokio::test]
async fn files_that_cannot_be_committed_are_not_staged() {
    let server = TestServer::start().await;
    let (id, file) = (server.create().await, int64_file(&["a"], 3));
    let taken = [Part::Text("dataset_id", &id), Part::File("taken.parquet", &file)];
    assert_eq!(server.upload(&taken).await.0, StatusCode::OK);
    let other = int64_file(&["b"], 3);
    for (id, name, file, expected, says) in [
        ("dataset-none", "a.parquet", &*file, 404, "not found"),
        (&id, "taken.parquet", &file, 409, "already exists"),
        (&id, "TAKEN.parquet", &file, 409, "already exists"),
        (&id, "a.csv", &file, 400, "the file name"),
        (&id, "a.parquet", b"", 400, "empty"),
        (&id, "a.parquet", &file[..file.len() - 5], 400, "PAR1"),
        (&id, "a.parquet", &other, 422, "'a' (int64) is missing"),
    ] {
        let (status, refusal) = server.try_stage(id, name, file).await;
        assert_eq!(status.as_u16(), expected, "{refusal}");
        assert!(refusal["error"].as_str().unwrap().contains(says), "{says}: {refusal}");
        assert_eq!(server.blobs(), 1, "{says}");
    }
}

#[tokio::test]
async fn a_staged_body_that_ends_early_leaves_nothing() {
    let server = TestServer::start().await;
    let (id, file) = (server.create().await, int64_file(&["a"], 20));
    for file in [enlarged(&file), file] {
        let body = multipart(&[Part::Text("dataset_id", &id), Part::File("a.parquet", &file)]);
        for length in [0, body.len() / 2, body.len() - 30, body.len() - 3] {
            let mut client = RawClient::start(&server, "stage-file", &content_length(&body)).await;
            client.send(&body[..length]).await;
            assert!(!client.answer().await.starts_with("HTTP/1.1 200"), "cut at {length}");
        }
    }
    eventually("nothing is left", || server.blobs() == 0).await;
    assert_eq!(server.in_progress().await.len(), 0);
}

#[tokio::test]
async fn a_rejected_commit_says_why_and_appends_nothing() {
    let server = TestServer::start().await;
    let id = server.create().await;
    let ids = server.stage_all(&id, &["a.parquet", "b.parquet", "A.parquet"]).await;
    let (_, other) = server.try_stage(&id, "other.parquet", &int64_file(&["b"], 3)).await;
    let other = other["staged_id"].as_str().unwrap().to_owned();

    let (status, refusal) = server.refuse(&id, 1, &ids[..1]).await;
    assert_eq!((status, refusal.file_count), (412, Some(0)));
    assert!(refusal.error.contains("0 files, not 1"), "{refusal:?}");
    let (status, refusal) = server.refuse(&id, 0, &[ids[0].clone(), "file_none".into()]).await;
    assert_eq!((status, refusal.staged_id.as_deref()), (404, Some("file_none")));
    let (status, refusal) = server.refuse(&id, 0, &ids).await;
    assert_eq!((status, refusal.file_name.as_deref()), (409, Some("A.parquet")));
    let (status, refusal) = server.refuse(&id, 0, &[ids[0].clone(), other.clone()]).await;
    assert_eq!((status, refusal.file_name.as_deref()), (422, Some("other.parquet")));
    assert!(refusal.error.contains("that of a.parquet: column 'a'"), "{refusal:?}");
    let (status, refusal) = server.refuse("dataset-none", 0, &ids[..1]).await;
    assert_eq!((status, refusal.staged_id), (404, None));
    for (wrong, says) in [
        (vec![], "1 to 10000 ids, got 0"),
        (vec![ids[0].clone(); 2], "twice"),
        ((0..10_001).map(|number| number.to_string()).collect(), "got 10001"),
    ] {
        let (status, refusal) = server.refuse(&id, 0, &wrong).await;
        assert_eq!(status, 400);
        assert!(refusal.error.contains(says), "{refusal:?}");
    }

    assert_eq!(server.names(&id).await, Vec::<String>::new());
    server.commit(&id, 0, &ids[..2]).await;
    let (status, refusal) = server.refuse(&id, 2, &[other]).await;
    assert_eq!((status, refusal.file_name.as_deref()), (422, Some("other.parquet")));
    assert!(refusal.error.contains("the dataset's: column 'a'"), "{refusal:?}");
    let (status, refusal) = server.refuse(&id, 2, &ids[2..]).await;
    assert_eq!((status, refusal.file_name.as_deref()), (409, Some("A.parquet")));
    assert_eq!(server.names(&id).await, ["a.parquet", "b.parquet"]);
}

#[tokio::test]
async fn a_commit_of_ten_thousand_ids_is_read_and_a_request_above_its_limit_is_not() {
    let server = with_limits(Limits { max_json_bytes: 1_000, ..Limits::default() }).await;
    let id = server.create().await;
    let ids: Vec<_> = (0..10_000).map(|number| format!("file_{number:032}")).collect();
    assert_eq!(server.refuse(&id, 0, &ids).await.0, 404);
    assert_eq!(server.refuse(&id, 0, &["x".repeat(1 << 20)]).await.0, 413);
}

#[tokio::test]
async fn if_two_drivers_commit_one_succeeds_and_the_other_learns_the_count() {
    let server = TestServer::start().await;
    for _ in 0..20 {
        let id = server.create().await;
        let one = server.stage_all(&id, &["a.parquet", "b.parquet"]).await;
        let other = server.stage_all(&id, &["c.parquet"]).await;
        let (one, other) =
            tokio::join!(server.try_commit(&id, 0, &one), server.try_commit(&id, 0, &other));
        let (winner, loser) = if one.0 == 200 { (one, other) } else { (other, one) };
        assert_eq!((winner.0.as_u16(), loser.0.as_u16()), (200, 412));
        assert_eq!(loser.1["file_count"], winner.1["file_count"]);
        let names: Vec<_> = winner.1["files"].as_array().unwrap().iter().collect();
        assert_eq!(server.names(&id).await.len(), names.len());
    }
}

#[tokio::test]
async fn a_commit_that_is_sent_many_times_at_once_happens_once() {
    let server = TestServer::start().await;
    let id = server.create().await;
    let ids = server.stage_all(&id, &["a.parquet", "b.parquet", "c.parquet"]).await;
    let answers = join_all((0..10).map(|_| server.commit(&id, 0, &ids))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(server.names(&id).await, ["a.parquet", "b.parquet", "c.parquet"]);
}

/// Which files each commit has, and after how many others it is asked for again.
fn any_commits() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((1..5_usize, 0..4_usize), 1..6)
}

#[test]
fn a_repeated_commit_has_the_same_response_after_other_commits_and_a_restart() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&any_commits(), |commits| {
            runtime.block_on(async {
                let server = TestServer::start().await;
                let id = server.create().await;
                let (mut count, mut done) = (0, Vec::new());
                for (number, (files, again)) in commits.into_iter().enumerate() {
                    let names: Vec<_> =
                        (0..files).map(|file| format!("{number}-{file}.parquet")).collect();
                    let names: Vec<_> = names.iter().map(String::as_str).collect();
                    let ids = server.stage_all(&id, &names).await;
                    let committed = server.commit(&id, count, &ids).await;
                    done.push((count, ids, committed));
                    count += files as u64;
                    let (expected, ids, committed) = &done[again % done.len()];
                    assert_eq!(server.commit(&id, *expected, ids).await, *committed);
                }
                let server = server.restart().await;
                for (expected, ids, committed) in &done {
                    assert_eq!(server.commit(&id, *expected, ids).await, *committed);
                    let mut backwards = ids.clone();
                    backwards.reverse();
                    let is_other = backwards != *ids;
                    if is_other {
                        assert_eq!(server.refuse(&id, *expected, &backwards).await.0, 412);
                    }
                }
                assert_eq!(server.names(&id).await.len() as u64, count);
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn another_key_cannot_tell_a_staged_file_from_one_that_does_not_exist() {
    let keys = ["first-key", "second-key"].map(|key| ApiKey::new(key).unwrap());
    let server = TestServer::start_with(|config| config.api_keys = keys.to_vec()).await;
    let id = server.create().await;
    let staged = server.stage(&id, "a.parquet").await.staged_id;
    let second = client(&server.server.api_url(), &keys[1]);
    let own = second.create_dataset().await.unwrap();
    let told = async |dataset_id: &str, staged_id: &str| {
        let body = json!({
            "dataset_id": dataset_id, "expected_file_count": 0, "staged_ids": [staged_id],
        });
        let request = server.http.post(server.url("commit-files"));
        let request = request.header("authorization", "Key second-key").json(&body);
        let (status, refusal) = answer(request).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        refusal["error"].as_str().unwrap().replace(staged_id, "ID").replace(dataset_id, "ID")
    };
    assert_eq!(told(&own, &staged).await, told(&own, "file_none").await);
    assert_eq!(told(&id, &staged).await, told("dataset-none", "file_none").await);
    let uploads = server.http.get(server.url("uploads")).header("authorization", "Key second-key");
    assert_eq!(answer(uploads).await.1["staged"]["file_count"], 0);
    server.commit(&id, 0, &[staged]).await;
}

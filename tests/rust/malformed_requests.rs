//! Requests that are not what they should be are refused, and nothing is left of them.

use tokio::io::AsyncWriteExt;

use crate::support::{
    parquet_files::int64_file,
    raw_client::{RawClient, eventually},
    server::{BOUNDARY, Part, TestServer, multipart},
};

/// A request that must not change anything: what is wrong, headers, body, and the status and
/// some words of its refusal. Where there are no words, it is the HTTP library that refuses.
type Case<'a> = (&'a str, String, Vec<u8>, u16, &'a str);

async fn assert_refused(server: &TestServer, call: &str, cases: Vec<Case<'_>>) {
    let mut failures = Vec::new();
    for (what, headers, body, status, words) in cases {
        let headers = format!("Connection: close\r\n{headers}");
        let mut client = RawClient::start_with(server, call, &headers).await;
        // The service may have seen enough before the end.
        let _ = client.0.write_all(&body).await;
        let told = client.read_answer().await;
        let is_expected = told.starts_with(&format!("HTTP/1.1 {status} ")) && told.contains(words);
        if !is_expected || words.is_empty() == told.contains(r#"{"error":""#) {
            failures.push(format!("{what}: {told}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// A service with an empty dataset, and its id.
async fn server_with_dataset() -> (TestServer, String) {
    let server = TestServer::start().await;
    let id = server.client().create_dataset().await.unwrap();
    (server, id)
}

async fn assert_nothing_is_left(server: &TestServer, dataset_id: &str) {
    eventually("no blob is left", || server.blobs() == 0).await;
    assert_eq!(server.names(dataset_id).await, Vec::<String>::new());
    let file = int64_file(&["a"], 3);
    let good = [Part::Text("dataset_id", dataset_id), Part::File("good.parquet", &file)];
    assert_eq!(server.upload(&good).await.0, 200);
}

fn good_body(dataset_id: &str) -> Vec<u8> {
    let file = int64_file(&["a"], 3);
    multipart(&[Part::Text("dataset_id", dataset_id), Part::File("a.parquet", &file)])
}

#[tokio::test]
async fn malformed_http_is_rejected_and_leaves_nothing() {
    let (server, id) = server_with_dataset().await;
    let body = good_body(&id);
    let length = body.len();
    let too_short = length - 3;
    let many_headers: String = (0..200).map(|index| format!("X-{index}: y\r\n")).collect();
    let long = "y".repeat(1 << 20);
    let cases = [
        ("two lengths", format!("Content-Length: {length}\r\nContent-Length: 5"), 400, ""),
        ("a list of lengths", format!("Content-Length: {length}, 5"), 400, ""),
        ("a length with a sign", format!("Content-Length: +{length}"), 400, ""),
        ("a negative length", "Content-Length: -1".to_owned(), 400, ""),
        ("a length beyond all numbers", format!("Content-Length: {length}{length:020}"), 400, ""),
        ("a length of no number", "Content-Length: many".to_owned(), 400, ""),
        ("no length", "X: y".to_owned(), 400, "ended before"),
        ("a length that is too short", format!("Content-Length: {too_short}"), 400, "ended before"),
        ("another coding", "Transfer-Encoding: gzip".to_owned(), 400, ""),
        ("chunks in another coding", "Transfer-Encoding: chunked, gzip".to_owned(), 400, ""),
        ("no chunks", "Transfer-Encoding: chunked".to_owned(), 400, "ended before"),
        ("many headers", format!("{many_headers}Content-Length: {length}"), 431, ""),
        ("a long header", format!("X: {long}\r\nContent-Length: {length}"), 431, ""),
        ("NUL in a header", format!("X: a\0b\r\nContent-Length: {length}"), 400, ""),
        ("a blank before the colon", format!("X : y\r\nContent-Length: {length}"), 400, ""),
        ("a header without a colon", format!("X\r\nContent-Length: {length}"), 400, ""),
    ];
    let form = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
    let cases = cases.map(|(what, framing, status, words)| {
        (what, format!("{form}\r\n{framing}"), body.clone(), status, words)
    });
    assert_refused(&server, "upload-to-dataset", cases.into()).await;
    assert_nothing_is_left(&server, &id).await;
}

/// A proxy may go by the first of two headers and the service by the last.
#[tokio::test]
async fn decisive_headers_must_occur_once_and_be_readable() {
    let server = TestServer::start().await;
    let key = server.server.api_key().unwrap().header_value();
    let authority = server.server.api_url().replace("http://", "");
    let (own, long) = (format!("Host: {authority}"), "x".repeat(5000));
    let own_origin = format!("Origin: http://{authority}");
    let get = "GET /create-dataset HTTP/1.1";
    for (first_line, headers, status, words) in [
        (get, own.clone(), 200, ""),
        (get, format!("{own}\r\n{own_origin}"), 200, ""),
        (get, "X: y".to_owned(), 400, "no host"),
        ("GET /create-dataset HTTP/1.0", "X: y".to_owned(), 200, ""),
        (get, format!("{own}\r\n{own}"), 400, "two host"),
        (get, format!("{own}\r\nHost: evil.example"), 400, "two host"),
        (get, format!("Host: evil.example\r\n{own}"), 400, "two host"),
        (get, format!("{own}\r\n{own_origin}\r\n{own_origin}"), 400, "two origin"),
        (get, format!("{own}\r\n{own_origin}\r\nOrigin: http://evil.example"), 400, "two origin"),
        (get, format!("{own}\r\nAuthorization: Key other"), 400, "two authorization"),
        (get, format!("{own}\r\nContent-Type: a/b\r\nContent-Type: a/b"), 400, "two content-type"),
        (get, "Host:".to_owned(), 400, "header host cannot be read"),
        (get, "Host: local host".to_owned(), 400, "header host cannot be read"),
        (get, "Host: localhost:port".to_owned(), 400, "header host cannot be read"),
        (get, "Host: localhost:8000:9".to_owned(), 400, "header host cannot be read"),
        (get, "Host: evil.example@localhost".to_owned(), 400, "header host cannot be read"),
        (get, "Host: localhost/x".to_owned(), 400, "header host cannot be read"),
        (get, "Host: \u{e9}.example".to_owned(), 400, "header host cannot be read"),
        (get, format!("Host: local host {long}"), 400, "header host cannot be read"),
        (get, format!("{own}\r\nOrigin: {authority}"), 400, "header origin cannot be read"),
        (get, format!("{own}\r\nOrigin:"), 400, "header origin cannot be read"),
        (get, format!("{own}\r\nOrigin: ://{authority}"), 400, "header origin cannot be read"),
        (
            get,
            format!("{own}\r\nOrigin: http://a/://{authority}"),
            400,
            "header origin cannot be read",
        ),
        (
            get,
            format!("{own}\r\nOrigin: http://a@{authority}"),
            400,
            "header origin cannot be read",
        ),
        (get, format!("{own}\r\nOrigin: null"), 403, "other web pages"),
        (
            "GET http://evil.example/create-dataset HTTP/1.1",
            own.clone(),
            403,
            "requests for this host",
        ),
        ("GET http://localhost/create-dataset HTTP/1.1", own.clone(), 200, ""),
    ] {
        let mut client = RawClient::connect(&server).await;
        let head =
            format!("{first_line}\r\nConnection: close\r\nAuthorization: {key}\r\n{headers}");
        client.send(format!("{head}\r\n\r\n").as_bytes()).await;
        let told = client.read_answer().await;
        let is_expected = told.contains(&format!(" {status} ")) && told.contains(words);
        assert!(is_expected && told.len() < 1000, "{first_line} {headers}: {told}");
    }
}

#[tokio::test]
async fn malformed_chunks_are_rejected_and_leave_nothing() {
    let (server, id) = server_with_dataset().await;
    let body = good_body(&id);
    let headers = format!(
        "Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nTransfer-Encoding: chunked"
    );
    let cases = ["fffffffffffffffff", "many", "-1", "", "5", "5 5"].map(|size| {
        let chunked = [size.as_bytes(), b"\r\n", &body, b"\r\n0\r\n\r\n"].concat();
        (size, headers.clone(), chunked, 400, "ended before")
    });
    assert_refused(&server, "upload-to-dataset", cases.into()).await;
    assert_nothing_is_left(&server, &id).await;
}

#[tokio::test]
async fn malformed_multipart_is_rejected_and_leaves_nothing() {
    let (server, id) = server_with_dataset().await;
    let good = good_body(&id);
    let text = multipart(&[Part::Text("dataset_id", &id)]);
    let text = String::from_utf8_lossy(&text);
    let no_end = good[..good.len() - format!("--{BOUNDARY}--\r\n").len()].to_vec();
    let (form, own) = ("multipart/form-data", format!("boundary={BOUNDARY}"));
    let long = format!("boundary={}", "b".repeat(71));
    let cases = [
        ("no boundary", form.to_owned(), good.clone(), form),
        ("an empty boundary", format!("{form}; boundary="), good.clone(), ""),
        ("another boundary", format!("{form}; boundary=other"), good.clone(), "ended before"),
        ("a long boundary", format!("{form}; {long}"), good.clone(), "at most 70"),
        ("JSON", "application/json".to_owned(), b"{}".to_vec(), form),
        ("mixed parts", format!("multipart/mixed; {own}"), good.clone(), form),
        ("an empty body", format!("{form}; {own}"), Vec::new(), "ended before"),
        ("no end", format!("{form}; {own}"), no_end, "ended before"),
        ("bytes behind the end", format!("{form}; {own}"), [&good[..], b"x"].concat(), "does not"),
        ("a form behind the end", format!("{form}; {own}"), good.repeat(2), "does not end"),
        ("line feeds", format!("{form}; {own}"), text.replace("\r\n", "\n").into(), "ended before"),
    ];
    let cases = cases.map(|(what, content_type, body, words)| {
        let length = body.len();
        let headers = format!("Content-Type: {content_type}\r\nContent-Length: {length}");
        (what, headers, body, 400, if words.is_empty() { "ended before" } else { words })
    });
    assert_refused(&server, "upload-to-dataset", cases.into()).await;
    assert_nothing_is_left(&server, &id).await;
}

#[tokio::test]
async fn unexpected_parts_are_rejected_and_leave_nothing() {
    let (server, id) = server_with_dataset().await;
    let good = good_body(&id);
    let end = format!("--{BOUNDARY}--\r\n");
    // The whole file has come when they come.
    let with = |part: &[u8], times: usize| {
        let part = [b"--", BOUNDARY.as_bytes(), b"\r\n", part, b"\r\n\r\nx\r\n"].concat();
        [&good[..good.len() - end.len()], &part.repeat(times), end.as_bytes()].concat()
    };
    let field = |head: &str| format!("Content-Disposition: form-data{head}").into_bytes();
    let long_header = format!("X: {}", "y".repeat(100_000)).into_bytes();
    let no_utf8 = [&field("; name=\"")[..], b"\xff\xfe\""].concat();
    let cases = [
        ("no head", with(b"", 1), ""),
        ("no name", with(&field(""), 1), "without a name"),
        ("another name", with(&field("; name=\"more\""), 1), "'more' is not expected"),
        ("dataset_id again", with(&field("; name=\"dataset_id\""), 1), "twice"),
        ("a second file", with(&field("; name=\"file\"; filename=\"b.parquet\""), 1), "twice"),
        ("100,000 parts", with(&field("; name=\"more\""), 100_000), "not expected"),
        ("1,000 headers", with(&b"X: y\r\n".repeat(1_000), 1), ""),
        ("a long header", with(&long_header, 1), ""),
        ("no UTF-8", with(&no_utf8, 1), ""),
    ];
    let cases = cases.map(|(what, body, words)| {
        let length = body.len();
        let form = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
        let words = if words.is_empty() { "{\"error\":" } else { words };
        (what, format!("{form}\r\nContent-Length: {length}"), body, 400, words)
    });
    assert_refused(&server, "upload-to-dataset", cases.into()).await;
    assert_nothing_is_left(&server, &id).await;
}

#[tokio::test]
async fn malformed_names_and_ids_are_rejected_and_leave_nothing() {
    let (server, id) = server_with_dataset().await;
    let file = int64_file(&["a"], 3);
    let named = |id: &str, head: &str| {
        let text = multipart(&[Part::Text("dataset_id", id)]);
        let text = &text[..text.len() - format!("--{BOUNDARY}--\r\n").len()];
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"{head}");
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        [text, head.as_bytes(), b"\r\n\r\n", &file, end.as_bytes()].concat()
    };
    let plain = "; filename=\"a.parquet\"";
    let long_name = format!("; filename=\"{}.parquet\"", "y".repeat(1_000));
    let cases = [
        ("no file name", named(&id, ""), 400, "the file name is empty"),
        ("an empty file name", named(&id, "; filename=\"\""), 400, "the file name is empty"),
        ("a long file name", named(&id, &long_name), 400, "longer than 255 bytes"),
        ("a path", named(&id, "; filename=\"../a.parquet\""), 400, "the file name contains"),
        ("NUL in a name", named(&id, "; filename=\"a\0.parquet\""), 400, "not valid multipart"),
        ("an empty dataset_id", named("", plain), 404, "not found"),
        ("a path as dataset_id", named("../../catalog.sqlite", plain), 404, "not found"),
        ("SQL as dataset_id", named("' OR 1=1 --", plain), 404, "not found"),
        ("NUL in dataset_id", named(&format!("{id}\0"), plain), 404, "not found"),
        ("a long dataset_id", named(&"y".repeat(300), plain), 400, "'dataset_id' is too long"),
    ];
    let cases = cases.map(|(what, body, status, words)| {
        let length = body.len();
        let form = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
        (what, format!("{form}\r\nContent-Length: {length}"), body, status, words)
    });
    assert_refused(&server, "upload-to-dataset", cases.into()).await;
    assert_nothing_is_left(&server, &id).await;
}

#[tokio::test]
async fn malformed_json_is_refused() {
    let server = TestServer::start().await;
    let deep = "[".repeat(60_000);
    for call in ["list-dataset-files", "download-from-dataset"] {
        let cases = ["", "{", "null", "{}", r#"{"dataset_id": 5, "file_name": []}"#, &deep];
        let cases = cases.map(|body| {
            (body, format!("Content-Length: {}", body.len()), body.into(), 400, "expected JSON")
        });
        assert_refused(&server, call, cases.into()).await;
    }
}

#[tokio::test]
async fn a_chunked_body_ignores_its_content_length() {
    // RFC 9112, section 6.3: what a proxy in front must have read, too.
    let (server, id) = server_with_dataset().await;
    let file = int64_file(&["a"], 3);
    for (name, framing) in [
        ("first.parquet", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        ("second.parquet", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
    ] {
        let body = multipart(&[Part::Text("dataset_id", &id), Part::File(name, &file)]);
        let mut client = RawClient::start_upload(&server, framing).await;
        client.send(format!("{:x}\r\n", body.len()).as_bytes()).await;
        client.send(&[&body[..], b"\r\n0\r\n\r\n"].concat()).await;
        assert_eq!(client.status().await, "HTTP/1.1 200");
    }
    assert_eq!(server.names(&id).await, ["first.parquet", "second.parquet"]);
}

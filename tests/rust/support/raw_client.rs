//! Requests to the service whose every byte the test chooses.

use std::{net::SocketAddr, time::Duration};

use sutro::service::LocalServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::server::{BOUNDARY, TestServer};

/// Far more than anything here takes; a test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A connection whose bytes the test chooses.
pub(crate) struct RawClient(pub(crate) TcpStream);

impl RawClient {
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self(TcpStream::connect(address(&server.server)).await.unwrap())
    }

    /// Sends the head of an upload; `framing` says how the body ends.
    pub(crate) async fn start_upload(server: &TestServer, framing: &str) -> Self {
        Self::start(server, "upload-to-dataset", framing).await
    }

    pub(crate) async fn start(server: &TestServer, call: &str, framing: &str) -> Self {
        let content_type = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}");
        Self::start_with(server, call, &format!("{content_type}\r\n{framing}")).await
    }

    /// Sends the head of a request with these lines of headers.
    pub(crate) async fn start_with(server: &TestServer, call: &str, headers: &str) -> Self {
        let mut client = Self::connect(server).await;
        let head = format!(
            "POST /{call} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n{headers}\r\n\r\n",
            server.server.api_key().unwrap().header_value()
        );
        client.send(head.as_bytes()).await;
        client
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Ends the sending side and reads what the service has to say, if anything.
    pub(crate) async fn answer(mut self) -> String {
        // A connection that the service has reset has nothing more to say.
        let _ = self.0.shutdown().await;
        self.read_answer().await
    }

    /// Reads what the service has to say until it closes.
    pub(crate) async fn read_answer(mut self) -> String {
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut answer)).await.expect("an end");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn status(&mut self) -> String {
        let mut answer = vec![0; 12];
        timeout(PATIENCE, self.0.read_exact(&mut answer)).await.expect("an answer").unwrap();
        String::from_utf8(answer).unwrap()
    }
}

pub(crate) fn address(server: &LocalServer) -> SocketAddr {
    server.api_url().strip_prefix("http://").unwrap().parse().unwrap()
}

pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "never: {what}");
}

pub(crate) fn content_length(body: &[u8]) -> String {
    format!("Content-Length: {}", body.len())
}

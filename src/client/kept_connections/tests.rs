use std::{
    future::poll_fn,
    io::{BufRead, BufReader, Write},
    mem::replace,
    net::TcpListener,
    sync::mpsc,
    task::Poll,
    thread,
    time::Instant,
};

use http::{Request, Response};
use hyper::body::Incoming;
use reqwest::{Body, Url};

use super::{Broken, KeptConnections};
use crate::{
    client::ClientOptions,
    config::{IDLE_TIMEOUT, USER_AGENT},
};

/// How a server ends each response.
#[derive(Clone, Copy)]
enum After {
    Keeps,
    /// With `Connection: close`.
    SaysThatItCloses,
    /// Without a word, as soon as the response is complete.
    Closes,
}

/// Starts a server, and returns its URL and the number of each connection that it accepts. A number
/// is sent again when that connection is closed.
fn server(after: After) -> (Url, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let (news, received) = mpsc::channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (stream, news) = (stream.unwrap(), news.clone());
            news.send(number).unwrap();
            thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let mut lines = BufReader::new(stream).lines();
                while lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
                    let header = match after {
                        After::SaysThatItCloses => "connection: close\r\n",
                        After::Keeps | After::Closes => "",
                    };
                    let response =
                        format!("HTTP/1.1 200 OK\r\n{header}content-length: 2\r\n\r\n{{}}");
                    writer.write_all(response.as_bytes()).unwrap();
                    if !matches!(after, After::Keeps) {
                        break;
                    }
                }
                drop((writer, lines));
                // The test may be over.
                let _ = news.send(number);
            });
        }
    });
    (url.parse().unwrap(), received)
}

fn kept(url: &Url) -> KeptConnections {
    KeptConnections::to(url, false, &ClientOptions::default()).unwrap()
}

async fn call(connections: &KeptConnections, url: &Url) -> Result<Vec<u8>, Broken> {
    let request = Request::get(url.as_str()).body(Body::default()).unwrap();
    let read = |response: Result<Response<Incoming>, Broken>| async {
        let body = Body::wrap(response?.into_body());
        Ok(reqwest::Response::from(Response::new(body)).bytes().await?.to_vec())
    };
    connections.exchange(request, read).await
}

/// Waits until something wakes this task: an idle connection does so when its end has arrived.
async fn woken() {
    let mut was_polled = false;
    poll_fn(|_| if replace(&mut was_polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other_and_is_closed_at_the_end() {
    let (url, connections) = server(After::Keeps);
    let kept = kept(&url);
    for _ in 0..5 {
        assert_eq!(call(&kept, &url).await.unwrap(), b"{}");
    }
    assert_eq!(connections.try_iter().collect::<Vec<_>>(), [0]);

    kept.end();
    assert_eq!(connections.recv().unwrap(), 0, "the server sees its end");
    assert_eq!(call(&kept, &url).await.unwrap(), b"{}");
    assert_eq!(connections.iter().take(2).collect::<Vec<_>>(), [1, 1], "this one is not kept");
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_replaced() {
    for after in [After::SaysThatItCloses, After::Closes] {
        let (url, connections) = server(after);
        let kept = kept(&url);
        for number in 0..5 {
            assert_eq!(call(&kept, &url).await.unwrap(), b"{}");
            let ended: Vec<_> = connections.iter().take(2).collect();
            assert_eq!(ended, [number, number]);
            if !kept.idle.lock().as_ref().unwrap().is_empty() {
                woken().await;
            }
        }
    }
}

#[tokio::test]
async fn a_request_names_the_host_and_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        head
    });
    let url: Url = format!("http://{address}/api").parse().unwrap();
    call(&kept(&url), &url).await.unwrap();
    let mut head = server.join().unwrap();
    head[1..].sort();
    let host = format!("host: {address}");
    let agent = format!("user-agent: {USER_AGENT}");
    assert_eq!(head, ["GET /api HTTP/1.1", "accept: */*", &host, &agent]);
}

#[tokio::test]
async fn a_connection_that_nothing_uses_is_closed() {
    let (url, connections) = server(After::Keeps);
    let kept = kept(&url);
    call(&kept, &url).await.unwrap();
    let was_used = |time| kept.idle.lock().as_mut().unwrap()[0].used = time;
    was_used(Instant::now() + IDLE_TIMEOUT);
    assert_eq!(kept.close_unused(), 1);
    was_used(Instant::now().checked_sub(IDLE_TIMEOUT).unwrap());
    assert_eq!(kept.close_unused(), 0);
    assert_eq!(connections.iter().take(2).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_has_the_cause() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url: Url = format!("http://{closed}").parse().unwrap();
    let error = call(&kept(&url), &url).await.unwrap_err();
    let causes = std::iter::successors(Some(&*error as &dyn std::error::Error), |it| it.source());
    let refused = |cause: &dyn std::error::Error| cause.to_string().contains("refused");
    assert!(causes.into_iter().any(refused), "{error:?}");
}

#[test]
fn encrypted_connections_are_left_to_the_http_library() {
    let url = "https://127.0.0.1".parse().unwrap();
    assert!(KeptConnections::to(&url, false, &ClientOptions::default()).is_none());
}

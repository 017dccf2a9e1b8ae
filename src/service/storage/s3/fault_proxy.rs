//! A proxy before the store, in which tests plant faults.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Put,
    Begin,
    Part,
    Complete,
    Abort,
    Delete,
    Head,
    Get,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The store performs the request, and its response is lost.
    LostResponse,
    /// The response ends after a third of its body.
    CutResponse,
    /// The request does not reach the store.
    Instead(u16, &'static str),
    /// Nothing happens.
    Silence,
}

/// Applies to the next requests of some kinds.
struct Rule {
    calls: Vec<Call>,
    fault: Fault,
    times: usize,
}

pub(super) struct FaultProxy {
    pub(super) url: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    _serving: AbortOnDropHandle<()>,
}

type Body = BoxBody<Bytes, io::Error>;

impl FaultProxy {
    pub(super) async fn before(store: String) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let rules = Arc::<Mutex<Vec<Rule>>>::default();
        let (planted, http) = (Arc::clone(&rules), reqwest::Client::new());
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (store, rules, http) = (store.clone(), Arc::clone(&planted), http.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let fault = fault_of(&rules, &request);
                    answer(http.clone(), format!("{store}{}", request.uri()), request, fault)
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, rules, _serving: AbortOnDropHandle::new(serving) }
    }

    /// Plants a fault for the next requests of these kinds.
    pub(super) fn plant(&self, calls: &[Call], fault: Fault, times: usize) {
        self.rules.lock().unwrap().push(Rule { calls: calls.to_vec(), fault, times });
    }

    pub(super) fn end_faults(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// Whether all faults have happened.
    pub(super) fn has_no_faults_left(&self) -> bool {
        self.rules.lock().unwrap().iter().all(|rule| rule.times == 0)
    }
}

fn fault_of(rules: &Mutex<Vec<Rule>>, request: &Request<Incoming>) -> Option<Fault> {
    let call = call_of(request);
    let mut rules = rules.lock().unwrap();
    let rule = rules.iter_mut().find(|rule| rule.times > 0 && rule.calls.contains(&call))?;
    rule.times -= 1;
    Some(rule.fault)
}

fn call_of(request: &Request<Incoming>) -> Call {
    let query = request.uri().query().unwrap_or_default();
    match *request.method() {
        Method::PUT if query.contains("partNumber") => Call::Part,
        Method::PUT => Call::Put,
        Method::POST if query.contains("uploadId") => Call::Complete,
        Method::POST => Call::Begin,
        Method::DELETE if query.contains("uploadId") => Call::Abort,
        Method::DELETE => Call::Delete,
        Method::HEAD => Call::Head,
        _ => Call::Get,
    }
}

/// An error closes the connection without a response.
async fn answer(
    http: reqwest::Client,
    url: String,
    request: Request<Incoming>,
    fault: Option<Fault>,
) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match fault {
        Some(Fault::Instead(status, words)) => {
            let status = StatusCode::from_u16(status).unwrap();
            return Ok(Response::builder().status(status).body(whole(words.into())).unwrap());
        }
        Some(Fault::Silence) => std::future::pending().await,
        _ => {}
    }
    let is_of_head = head.method == Method::HEAD;
    let request = http.request(head.method, url).headers(head.headers).body(body);
    let response = request.send().await.map_err(io::Error::other)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(io::Error::other)?;
    if let Some(Fault::LostResponse) = fault {
        return Err(io::Error::other("lost"));
    }
    let mut response = Response::new(match fault {
        Some(Fault::CutResponse) => cut(body.slice(..body.len() / 3)),
        _ if is_of_head => whole(Bytes::new()),
        _ => whole(body),
    });
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed()
}

fn cut(bytes: Bytes) -> Body {
    let end = async {
        // What was sent before must not be taken back by the reset.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::other("cut"))
    };
    let frames = stream::iter([Ok(Frame::data(bytes))]);
    StreamBody::new(futures_util::StreamExt::chain(frames, stream::once(end))).boxed()
}

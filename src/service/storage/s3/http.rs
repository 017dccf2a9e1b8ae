//! HTTP for the store.

use std::{error::Error as StdError, io, path::Path, time::Duration};

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use reqwest::{Certificate, Client, ClientBuilder, redirect};

use super::errors::shortened;
use crate::error::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Stores close idle connections, some of them after 20 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest error response that is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Connects to the store, and to services for credentials.
#[derive(Debug)]
pub(super) struct Connector(Client);

#[derive(Debug)]
struct Http(Client);

impl Connector {
    /// `timeout` limits each wait for the store: for the response to a request with all of its
    /// body, and for the next bytes of a response.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the certificates in `AWS_CA_BUNDLE` cannot be used.
    pub(super) fn new(timeout: Duration) -> Result<Self> {
        // A second call is refused, which is as good as the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .user_agent(concat!("sutro/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(timeout)
                .pool_idle_timeout(IDLE_TIMEOUT)
        };
        let built = match std::env::var_os("AWS_CA_BUNDLE").filter(|file| !file.is_empty()) {
            Some(file) => with_certificates(builder(), Path::new(&file))?.build(),
            // A machine without authorities can still reach http://.
            None => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
        };
        let client =
            built.map_err(|error| Error::configuration(format!("cannot set up HTTP: {error}")))?;
        Ok(Self(client))
    }
}

fn with_certificates(builder: ClientBuilder, file: &Path) -> Result<ClientBuilder> {
    let pem = std::fs::read(file).map_err(Error::in_file(file))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| {
        let file = file.display();
        Error::configuration(format!("{file} of AWS_CA_BUNDLE cannot be used: {error}"))
    })?;
    Ok(builder.tls_certs_merge(certificates))
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Http(self.0.clone())))
    }
}

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = request.map(reqwest::Body::wrap);
        let request = request
            .try_into()
            .map_err(|error: reqwest::Error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let response = self.0.execute(request).await.map_err(failed)?;
        let is_error = response.status().is_client_error() || response.status().is_server_error();
        let (head, body) = http::Response::from(response).into_parts();
        let body = body.map_err(failed);
        let body = if is_error {
            HttpResponseBody::new(words_only(body).await)
        } else {
            HttpResponseBody::new(body)
        };
        Ok(HttpResponse::from_parts(head, body))
    }
}

/// Replaces the body of an error response. S3 repeats the signed request in it, with the session
/// token.
async fn words_only(
    body: impl http_body::Body<Data = bytes::Bytes, Error = HttpError> + Send + 'static,
) -> impl http_body::Body<Data = bytes::Bytes, Error = HttpError> + Send + Sync + 'static {
    let read = Limited::new(body, MAX_ERROR_BYTES).collect().await;
    let text = read.map(|read| String::from_utf8_lossy(&read.to_bytes()).into_owned());
    let words = shortened(&text.unwrap_or_default());
    Full::new(words.into()).map_err(|never| match never {})
}

fn failed(error: reqwest::Error) -> HttpError {
    HttpError::new(kind(&error), error.without_url())
}

/// Decides whether the request is repeated.
fn kind(error: &reqwest::Error) -> HttpErrorKind {
    if error.is_timeout() {
        return HttpErrorKind::Timeout;
    }
    if error.is_connect() {
        return HttpErrorKind::Connect;
    }
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let is_broken = causes.any(|cause| {
        let is_of_hyper = cause.downcast_ref::<hyper::Error>().is_some_and(|error| {
            error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted()
        });
        is_of_hyper || cause.downcast_ref::<io::Error>().is_some()
    });
    // All requests may be repeated: each has an object of its own.
    if is_broken { HttpErrorKind::Request } else { HttpErrorKind::Unknown }
}

//! HTTP for stores.

use std::{error::Error as StdError, io, net::IpAddr, path::Path, time::Duration};

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use reqwest::{Certificate, Client, ClientBuilder, StatusCode, header::CONTENT_RANGE, redirect};

use super::words::shortened;
use crate::error::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Stores close idle connections, some of them after 20 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 10;
/// The longest error response that is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Connects to the store, and to services for credentials.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    client: Client,
    /// Uses no proxy.
    direct: Client,
}

impl Connector {
    /// `timeout` limits each wait for the store: for the response to a request with all of its
    /// body, and for the next bytes of a response.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the certificates in `AWS_CA_BUNDLE` cannot be used.
    pub(crate) fn new(timeout: Duration) -> Result<Self> {
        let none = redirect::Policy::none;
        let direct = builder(timeout, none()).no_proxy().tls_certs_only([]).build();
        Ok(Self {
            client: client(timeout, none, "AWS_CA_BUNDLE", |builder| builder)?,
            direct: direct.map_err(|error| cannot_set_up(&error))?,
        })
    }
}

/// A client for files on the web. Unlike stores, their servers may redirect. A direct one uses no
/// proxy.
///
/// # Errors
/// [`Error::Configuration`] if the certificates in `SSL_CERT_FILE` cannot be used.
pub(crate) fn web_client(timeout: Duration, is_direct: bool) -> Result<Client> {
    let limited = || redirect::Policy::limited(MAX_REDIRECTS);
    if is_direct {
        return client(timeout, limited, "SSL_CERT_FILE", ClientBuilder::no_proxy);
    }
    client(timeout, limited, "SSL_CERT_FILE", |builder| builder)
}

/// Also trusts the certificates in the file that the variable names.
fn client(
    timeout: Duration,
    policy: fn() -> redirect::Policy,
    variable: &str,
    change: fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client> {
    let builder = || change(builder(timeout, policy()));
    let built = match std::env::var_os(variable).filter(|file| !file.is_empty()) {
        Some(file) => with_certificates(builder(), variable, Path::new(&file))?.build(),
        // A machine without authorities can still reach http://.
        None => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
    };
    built.map_err(|error| cannot_set_up(&error))
}

fn builder(timeout: Duration, policy: redirect::Policy) -> ClientBuilder {
    // A second call fails, which does no harm: the provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("sutro/", env!("CARGO_PKG_VERSION")))
        .redirect(policy)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
}

fn cannot_set_up(error: &reqwest::Error) -> Error {
    Error::configuration(format!("cannot set up HTTP: {error}"))
}

fn with_certificates(builder: ClientBuilder, variable: &str, file: &Path) -> Result<ClientBuilder> {
    let pem = std::fs::read(file).map_err(Error::in_file(file))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| {
        let file = file.display();
        Error::configuration(format!("{file} of {variable} cannot be used: {error}"))
    })?;
    Ok(builder.tls_certs_merge(certificates))
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let client = match request.uri().scheme_str() {
            Some("http") if is_local(request.uri().host().unwrap_or_default()) => &self.direct,
            _ => &self.client,
        };
        let request = request.map(reqwest::Body::wrap);
        let request = request
            .try_into()
            .map_err(|error: reqwest::Error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let response = client.execute(request).await.map_err(failed)?;
        let is_error = response.status().is_client_error() || response.status().is_server_error();
        let (mut head, body) = http::Response::from(response).into_parts();
        // Some stores return the range without its status.
        if head.status == StatusCode::OK && head.headers.contains_key(CONTENT_RANGE) {
            head.status = StatusCode::PARTIAL_CONTENT;
        }
        let body = body.map_err(failed);
        let body = if is_error {
            HttpResponseBody::new(words_only(body).await)
        } else {
            HttpResponseBody::new(body)
        };
        Ok(HttpResponse::from_parts(head, body))
    }
}

/// Whether a host is this machine, or the service of a cloud that gives credentials to it.
pub(crate) fn is_local(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback(),
        Err(_) => matches!(host, "localhost" | "metadata.google.internal"),
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
    // All requests may be repeated: no two of them write the same object.
    if is_broken { HttpErrorKind::Request } else { HttpErrorKind::Unknown }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn no_proxy_is_used_for_this_machine_and_its_credentials() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "169.254.169.254",
            "169.254.170.2",
            "metadata.google.internal",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in ["s3.amazonaws.com", "10.0.0.1", "localhost.example.com", ""] {
            assert!(!is_local(host), "{host}");
        }
    }
}

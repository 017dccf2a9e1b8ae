//! Connections, without the defaults of the HTTP library that would break an upload: redirects,
//! shared connections, client-wide timeouts.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::{Client, ClientBuilder, RequestBuilder, Url, header, redirect};
use rustls::ClientConfig;

use super::{
    answer::{Peer, root_cause},
    kept_connections::KeptConnections,
    options::ClientOptions,
    tls,
};
use crate::{
    config::{IDLE_TIMEOUT, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, KEEPALIVE_TIME, USER_AGENT},
    credentials::ApiKey,
    error::{Error, Result},
};

/// A client of the dataset API: one base URL and the key that belongs to it.
///
/// Cheap to clone. `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct ApiClient {
    base_url: Url,
    api_key: ApiKey,
    options: ClientOptions,
    tls: ClientConfig,
    pub(super) peer: Arc<Peer>,
    calls: Client,
    uploads: Client,
    /// The connections of uploads, if this client keeps them itself.
    pub(super) kept: Option<KeptConnections>,
    /// Whether the server has reported hashes of files.
    tells_hashes: Arc<AtomicBool>,
}

impl ApiClient {
    /// A client for the API at `base_url`, such as `https://api.sutro.sh`.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the URL is not http or https, or contains a user, a query or a
    /// fragment; or if a file of certificates cannot be used, unless the server is on this machine
    /// and the URL is http.
    pub fn new(base_url: &str, api_key: ApiKey) -> Result<Self> {
        Self::with_options(base_url, api_key, ClientOptions::default())
    }

    /// As [`ApiClient::new`], with other timeouts and retries than the default ones.
    ///
    /// # Errors
    /// [`Error::Configuration`] as for [`ApiClient::new`].
    pub fn with_options(base_url: &str, api_key: ApiKey, options: ClientOptions) -> Result<Self> {
        let base_url = parse_base_url(base_url)?;
        // A second call fails, which does no harm: the provider is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let usage = match base_url.scheme() {
            "https" => tls::Usage::Always,
            _ if is_loopback(&base_url) => tls::Usage::Never,
            _ => tls::Usage::ForProxies,
        };
        let tls = tls::config(&options.certificates, usage)?;
        Ok(Self {
            calls: build(builder(&base_url, &options), &tls)?,
            uploads: build(builder(&base_url, &options).pool_max_idle_per_host(0), &tls)?,
            tls,
            kept: None,
            peer: Arc::new(Peer::new(host_of(&base_url), &api_key, options.certificates.clone())),
            base_url,
            api_key,
            options,
            tells_hashes: Arc::default(),
        })
    }

    /// Host and port, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.peer.host
    }

    /// The same client with its own connections: those of a process cannot be used after a fork.
    ///
    /// # Errors
    /// [`Error::Configuration`] where HTTP cannot be set up.
    pub fn reconnected(&self) -> Result<Self> {
        Self::with_options(self.base_url.as_str(), self.api_key.clone(), self.options.clone())
    }

    /// The same client, but uploads reuse connections until [`ApiClient::end_connections`].
    ///
    /// # Errors
    /// [`Error::Configuration`] where HTTP cannot be set up.
    pub(crate) fn keeping_connections(&self) -> Result<Self> {
        let has_proxies = !is_loopback(&self.base_url);
        let kept = KeptConnections::to(&self.base_url, has_proxies, &self.options);
        if kept.is_some() {
            return Ok(Self { kept, ..self.clone() });
        }
        let uploads = build(builder(&self.base_url, &self.options), &self.tls)?;
        Ok(Self { uploads, ..self.clone() })
    }

    /// Whether requests drive the connections of uploads, which have no tasks of their own.
    pub(crate) fn drives_connections(&self) -> bool {
        self.kept.is_some()
    }

    /// Closes connections of uploads that have been idle for a while. Returns how many are idle
    /// now; `None` if the HTTP library keeps them, which closes them itself.
    pub(crate) fn close_unused_connections(&self) -> Option<usize> {
        self.kept.as_ref().map(KeptConnections::close_unused)
    }

    /// Reuses connections no longer, and closes idle ones.
    pub(crate) fn end_connections(&self) {
        if let Some(kept) = &self.kept {
            kept.end();
        }
    }

    /// Whether connections are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// The URL of the API.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.base_url.as_str()
    }

    /// Whether the server is known to report hashes of files in its listings.
    #[must_use]
    pub fn tells_hashes(&self) -> bool {
        self.tells_hashes.load(Ordering::Relaxed)
    }

    /// Records that the server reports hashes.
    pub fn has_told_hashes(&self) {
        self.tells_hashes.store(true, Ordering::Relaxed);
    }

    /// Whether the server is known to stage files: it said so in its last response.
    #[must_use]
    pub fn stages(&self) -> bool {
        self.peer.stages()
    }

    /// Its timeouts and retries.
    #[must_use]
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(super) fn get(&self, call: &str) -> RequestBuilder {
        self.authorized(self.calls.get(self.url(call)))
    }

    pub(super) fn get_with(&self, call: &str, parameters: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url(call);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.authorized(self.calls.get(url))
    }

    /// The URL of one file; servers that support it also send a range of it.
    pub(super) fn get_file(&self, dataset_id: &str, file_name: &str) -> RequestBuilder {
        let mut url = self.url("datasets");
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend([dataset_id, "files", file_name]);
        }
        self.authorized(self.calls.get(url))
    }

    pub(super) fn post(&self, call: &str) -> RequestBuilder {
        self.authorized(self.calls.post(self.url(call)))
    }

    /// A request on a new connection, unless this client reuses connections.
    pub(super) fn post_upload(&self, call: &str) -> RequestBuilder {
        self.authorized(self.uploads.post(self.url(call)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        let mut value = header::HeaderValue::try_from(self.api_key.header_value())
            .unwrap_or_else(|_| header::HeaderValue::from_static(""));
        value.set_sensitive(true);
        request.header(header::AUTHORIZATION, value)
    }

    fn url(&self, call: &str) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/{call}", url.path().trim_end_matches('/')));
        url
    }
}

fn build(builder: ClientBuilder, tls: &ClientConfig) -> Result<Client> {
    builder.tls_backend_preconfigured(tls.clone()).build().map_err(|error| {
        Error::configuration(format!("cannot set up HTTP: {}", root_cause(&error)))
    })
}

fn builder(base_url: &Url, options: &ClientOptions) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .http1_only()
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_keepalive(KEEPALIVE_TIME)
        .tcp_keepalive_interval(KEEPALIVE_INTERVAL)
        .tcp_keepalive_retries(KEEPALIVE_RETRIES);
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(crate::config::TCP_USER_TIMEOUT);
    if is_loopback(base_url) { builder.no_proxy() } else { builder }
}

fn parse_base_url(base_url: &str) -> Result<Url> {
    let refuse = |why: &str| Err(Error::configuration(format!("the API URL {why}: {base_url}")));
    let Ok(url) = Url::parse(base_url) else {
        return refuse("is not a URL (https://HOST)");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("is neither http:// nor https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The URL itself is not repeated: it holds a password.
        return Err(Error::configuration(
            "the API URL contains a user name; pass the API key on its own instead",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or fragment");
    }
    Ok(url)
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::ApiClient;
    use crate::credentials::ApiKey;

    fn client(url: &str) -> crate::Result<ApiClient> {
        ApiClient::new(url, ApiKey::new("secret-key").unwrap())
    }

    #[test]
    fn calls_go_below_the_base_url_with_or_without_a_slash() {
        for base in ["http://localhost:1/api", "http://localhost:1/api/"] {
            let url = client(base).unwrap().url("list-datasets");
            assert_eq!(url.as_str(), "http://localhost:1/api/list-datasets");
        }
    }

    #[test]
    fn a_file_has_its_own_url_whatever_its_name() {
        let client = client("http://localhost:1/api/").unwrap();
        let request = client.get_file("dataset-1", "a b/%20?.parquet").build().unwrap();
        let expected = "http://localhost:1/api/datasets/dataset-1/files/a%20b%2F%2520%3F.parquet";
        assert_eq!(request.url().as_str(), expected);
    }

    #[test]
    fn a_url_that_cannot_be_the_api_is_refused() {
        for url in ["api.sutro.sh", "ftp://x", "http://user:password@x", "http://x/?q=1"] {
            let error = client(url).unwrap_err().to_string();
            assert!(!error.contains("password"), "{error}");
        }
    }

    #[test]
    fn neither_the_client_nor_a_request_shows_the_key() {
        let client = client("http://localhost:1").unwrap();
        let request = client.get("x");
        assert!(!format!("{client:?} {request:?}").contains("secret-key"));
    }
}

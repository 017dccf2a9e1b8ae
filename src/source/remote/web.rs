//! Files on the web, read in ranges.

use std::{io, ops::Range};

use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{
    error::{Body, ReadError},
    identity::Identity,
    options::TIMEOUT,
};
use crate::{
    error::{Error, Result},
    object_stores::{is_local, web_client},
    wire::content_range::{first_byte, total_size},
};

/// A file at a URL. Its query may be secret, as that of a presigned URL is.
pub(super) struct WebFile {
    client: Client,
    url: Url,
    token: Option<SecretString>,
}

pub(super) fn client(is_direct: bool) -> Result<Client> {
    web_client(TIMEOUT, is_direct)
}

pub(super) fn is_on_this_machine(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_local))
}

/// A URL without what may be secret.
pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

impl WebFile {
    pub(super) fn new(client: Client, url: &str, token: Option<SecretString>) -> Result<Self> {
        let shown = without_query(url);
        let url = Url::parse(url)
            .map_err(|error| Error::configuration(format!("{shown} is not a URL: {error}")))?;
        if url.path().trim_matches('/').is_empty() || url.path().contains('*') {
            return Err(Error::configuration(format!(
                "{shown} does not name a file; a web server cannot list its files, so each URL \
                 must name one"
            )));
        }
        Ok(Self { client, url, token })
    }

    /// The present state of the file. Asks for one byte: a presigned URL does not allow HEAD.
    pub(super) async fn look(&self) -> Result<Identity, ReadError> {
        let response = self.send(self.request(0..1)).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            let size = total_size(response.headers());
            let empty = size.filter(|size| *size == 0).map(|_| identity(0, response.headers()));
            return empty.ok_or_else(no_ranges);
        }
        let response = expect_part(response)?;
        let size = total_size(response.headers()).ok_or_else(no_ranges)?;
        Ok(identity(size, response.headers()))
    }

    pub(super) async fn get(
        &self,
        range: Range<u64>,
        pinned: &Identity,
    ) -> Result<Body, ReadError> {
        let mut request = self.request(range.clone());
        if let Some(etag) = pinned.if_match() {
            request = request.header(header::IF_MATCH, etag);
        }
        let response = self.send(request).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(ReadError::Changed("it shrank"));
        }
        let response = expect_part(response)?;
        let headers = response.headers();
        let size = total_size(headers).unwrap_or(pinned.size);
        if let Some(change) = pinned.change(&identity(size, headers)) {
            return Err(ReadError::Changed(change));
        }
        if first_byte(headers) != Some(range.start) {
            let words = "the server returned another range of bytes than was requested";
            return Err(ReadError::Failed(io::ErrorKind::InvalidData, words.to_owned()));
        }
        Ok(response.bytes_stream().map_err(broken).boxed())
    }

    fn request(&self, range: Range<u64>) -> RequestBuilder {
        let last = range.end.saturating_sub(1);
        let request = self.client.get(self.url.clone());
        let request = request
            .header(header::RANGE, format!("bytes={}-{last}", range.start))
            .header(header::ACCEPT_ENCODING, "identity");
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ReadError> {
        request.send().await.map_err(broken)
    }
}

pub(super) fn broken(error: reqwest::Error) -> ReadError {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    if error.is_redirect() || error.is_builder() {
        return ReadError::Failed(io::ErrorKind::Other, words);
    }
    ReadError::Broken(words)
}

fn no_ranges() -> ReadError {
    let words = "the server does not return ranges of bytes, so a part of the file cannot be read; \
                 download it first";
    ReadError::Failed(io::ErrorKind::Unsupported, words.to_owned())
}

/// The response with a part of the file.
fn expect_part(response: Response) -> Result<Response, ReadError> {
    let status = response.status();
    let failed = |kind, words: &str| {
        Err(ReadError::Failed(kind, format!("{words} (HTTP {})", status.as_u16())))
    };
    match status {
        StatusCode::PARTIAL_CONTENT => Ok(response),
        StatusCode::OK => Err(no_ranges()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(ReadError::Missing),
        StatusCode::PRECONDITION_FAILED => Err(ReadError::Changed("it was replaced")),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failed(
            io::ErrorKind::PermissionDenied,
            "the server refused access; a signed URL may have expired",
        ),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(ReadError::Broken(format!("HTTP {}", status.as_u16())))
        }
        _ if status.is_server_error() => {
            Err(ReadError::Broken(format!("HTTP {}", status.as_u16())))
        }
        _ => failed(io::ErrorKind::Other, "the server did not return the file"),
    }
}

fn identity(size: u64, headers: &HeaderMap) -> Identity {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let modified = text(header::LAST_MODIFIED);
    let modified = modified.and_then(|time| chrono::DateTime::parse_from_rfc2822(time).ok());
    Identity::new(size, text(header::ETAG), modified.map(|time| time.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::without_query;

    #[test]
    fn the_signature_of_a_url_is_not_shown() {
        assert_eq!(without_query("https://h/a.parquet?sig=hush"), "https://h/a.parquet");
    }
}

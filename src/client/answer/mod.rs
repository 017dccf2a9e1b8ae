//! Interprets responses: what each means for the caller.

#[cfg(test)]
mod tests;

use std::{
    error::Error as StdError,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use reqwest::{Body, RequestBuilder, Response, ResponseBuilderExt, StatusCode, header};
use serde::de::DeserializeOwned;

use super::{
    kept_connections::{Broken, KeptConnections},
    redactor::{RedactedStream, Redactor},
    tls_words::{self, TlsFailure},
};
use crate::{
    config::{MAX_ANSWER_BYTES, RETRY_AFTER_MAX},
    credentials::ApiKey,
    error::{Error, Result, without_number},
    message::{QUOTED_CHARS, cut},
    wire::{
        extensions::{EXTENSIONS_HEADER, is_announced},
        messages::ErrorAnswer,
        staging::STAGING,
    },
};

/// What is known about the server.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// Host and port, for messages.
    pub(super) host: String,
    redactor: Redactor,
    /// Files with additional trusted certificates.
    certificates: Vec<PathBuf>,
    /// Whether the dataset API has responded at this URL, so that the URL is right.
    has_answered: AtomicBool,
    /// Whether the last response announced staging.
    stages: AtomicBool,
}

impl Peer {
    pub(super) fn new(host: String, key: &ApiKey, certificates: Vec<PathBuf>) -> Self {
        let redactor = Redactor::new(key);
        Self { host, redactor, certificates, ..Self::default() }
    }

    /// Whether the server is known to stage files.
    pub(super) fn stages(&self) -> bool {
        self.stages.load(Ordering::Relaxed)
    }

    /// Returns text of others as messages may show it: without the key, and shortened. Everything
    /// that a server, a proxy or a library says in a message passes through here.
    pub(super) fn quoted(&self, words: &str) -> String {
        let words = self.redactor.text(words);
        let plain = |char: char| if char.is_control() && char != '\n' { ' ' } else { char };
        cut(&words, QUOTED_CHARS).chars().map(plain).collect()
    }
}

/// What a call is about, for messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) peer: Arc<Peer>,
    pub(crate) dataset_id: Option<String>,
    pub(crate) file_name: Option<String>,
    /// The size of the file, for an upload.
    pub(crate) size_bytes: Option<u64>,
}

impl Subject {
    /// Sends a request, and returns the response before its body is read.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let begun = Instant::now();
        let answer = request.send().await.map_err(|error| self.broken(&error))?;
        self.answered(&answer, begun);
        Ok(answer)
    }

    /// Sends a request on a kept connection, and reads the JSON response of at most `limit` bytes.
    pub(super) async fn exchange<T: DeserializeOwned>(
        &self,
        connections: &KeptConnections,
        request: RequestBuilder,
        limit: usize,
    ) -> Result<T> {
        let begun = Instant::now();
        let request = request.build().map_err(|error| self.broken(&error))?;
        let url = request.url().clone();
        let request = http::Request::try_from(request).map_err(|error| self.broken(&error))?;
        let read = |response: Result<http::Response<Incoming>, Broken>| async {
            let (parts, body) = response.map_err(|error| self.broken(&*error))?.into_parts();
            let answer = http::Response::builder().url(url).body(Body::wrap(body));
            let mut answer = answer.map_err(|error| self.broken(&error))?;
            (*answer.status_mut(), *answer.headers_mut()) = (parts.status, parts.headers);
            let answer = Response::from(answer);
            self.answered(&answer, begun);
            self.read(answer, limit).await
        };
        connections.exchange(request, read).await
    }

    fn answered(&self, answer: &Response, begun: Instant) {
        let (path, status) = (answer.url().path(), answer.status().as_u16());
        let file_name = self.file_name.as_deref();
        self.peer.stages.store(announces(answer, STAGING), Ordering::Relaxed);
        tracing::debug!(path, status, ms = begun.elapsed().as_millis(), file_name, "answered");
    }

    /// Reads a JSON response of at most `limit` bytes.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        answer: Response,
        limit: usize,
    ) -> Result<T> {
        let status = answer.status();
        if !status.is_success() {
            return Err(self.error_of(answer).await);
        }
        let body = self.collect(answer, limit).await?;
        if let Ok(value) = serde_json::from_slice(&body) {
            self.has_answered();
            return Ok(value);
        }
        // Seen in the field: 200 with {"error"}.
        match serde_json::from_slice::<ErrorAnswer>(&body) {
            Ok(refusal) => Err(self.refused_with_success(&refusal.error)),
            Err(_) => Err(self.not_the_api(format!("HTTP {status} without the expected JSON"))),
        }
    }

    /// Removes the key from a response that is read in pieces.
    pub(super) fn redacted(&self) -> RedactedStream {
        self.peer.redactor.stream()
    }

    /// Notes that the API has responded: its URL is right.
    pub(super) fn has_answered(&self) {
        self.peer.has_answered.store(true, Ordering::Relaxed);
    }

    /// The error for a response with status 200 and an error message.
    pub(super) fn refused_with_success(&self, words: &str) -> Error {
        self.refused(200, self.peer.quoted(words))
    }

    /// The error for an unsuccessful response.
    pub(crate) async fn error_of(&self, answer: Response) -> Error {
        if answer.status().is_redirection() {
            return self.redirected(&answer);
        }
        let (status, retry_after) = (answer.status(), retry_after(&answer));
        match self.collect(answer, MAX_ANSWER_BYTES).await {
            Ok(body) => self.refusal(status, &body, retry_after),
            // Without the text, the status says enough.
            Err(_) => self.refusal(status, b"", retry_after),
        }
    }

    /// The body of a response, without the key if it repeats the key.
    pub(super) async fn collect(&self, mut answer: Response, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut redacted = self.peer.redactor.stream();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(self.not_the_api(format!("a response of more than {limit} bytes")));
            }
            body.extend(redacted.push(&chunk));
        }
        body.extend(redacted.end());
        Ok(body)
    }

    pub(super) fn refusal(
        &self,
        status: StatusCode,
        body: &[u8],
        retry_after: Option<Duration>,
    ) -> Error {
        let words = serde_json::from_slice::<ErrorAnswer>(body).ok();
        let is_from_the_api = words.is_some();
        let message = words.map_or_else(
            || status.canonical_reason().unwrap_or("no reason given").to_owned(),
            |answer| self.peer.quoted(&answer.error),
        );
        let (host, file_name) = (self.peer.host.clone(), self.file_name.clone());
        match status.as_u16() {
            status @ (401 | 403) if is_from_the_api => {
                Error::Authentication { host, status, message }
            }
            status @ (401 | 403) => {
                let message = format!(
                    "{message}. This is not a response of the dataset API: it may come from a proxy, \
                     or from another service"
                );
                Error::Authentication { host, status, message }
            }
            status if is_temporary(status) => {
                Error::Unavailable { file_name, status, message, retry_after }
            }
            404 if is_from_the_api && self.file_name.is_none() && self.dataset_id.is_some() => {
                let dataset_id = self.dataset_id.clone().unwrap_or_default();
                Error::DatasetNotFound { dataset_id, message }
            }
            status if is_from_the_api && status != 407 => self.refused(status, message),
            status
                if is_of_an_intermediary(status)
                    || self.peer.has_answered.load(Ordering::Relaxed) =>
            {
                self.intermediary(status)
            }
            status => self.not_the_api(format!("HTTP {status} {message}")),
        }
    }

    /// An error that the API reported. It uses 409 if the dataset already has a file of that name;
    /// some servers use another status and say so in their message.
    fn refused(&self, status: u16, message: String) -> Error {
        let file_name = self.file_name.clone();
        let is_name_taken = status == 409 || message.contains("already exists");
        if file_name.is_some() && is_name_taken {
            Error::NameTaken { file_name, status, message }
        } else {
            Error::Refused { file_name, status, message }
        }
    }

    fn intermediary(&self, status: u16) -> Error {
        Error::Intermediary {
            host: self.peer.host.clone(),
            file_name: self.file_name.clone(),
            size_bytes: self.size_bytes,
            status,
        }
    }

    /// The error of a request without a complete response.
    pub(crate) fn broken(&self, error: &(dyn StdError + 'static)) -> Error {
        let host = self.peer.host.clone();
        if causes(error).any(|cause| cause.to_string().contains(PROXY_WANTS_A_PASSWORD)) {
            return self.intermediary(407);
        }
        let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
        let message = match tls.map(|error| tls_words::failure(error, &self.peer.certificates)) {
            Some(TlsFailure::Certificate(message)) => {
                return Error::Certificate { host, message: self.peer.quoted(&message) };
            }
            Some(TlsFailure::Incompatible(message)) => return self.not_the_api(message.to_owned()),
            Some(TlsFailure::Broken(message)) => message,
            None => self.peer.quoted(&root_cause(error)),
        };
        Error::Connection { host, file_name: self.file_name.clone(), message }
    }

    fn redirected(&self, answer: &Response) -> Error {
        // A Location may contain secrets (signed URLs), so only its host is shown.
        let target = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| answer.url().join(location).ok())
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "an unknown location".to_owned());
        let target = self.peer.quoted(&target);
        self.not_the_api(format!("HTTP {}, a redirect to {target}", answer.status()))
    }

    pub(crate) fn not_the_api(&self, message: String) -> Error {
        Error::NotTheApi { host: self.peer.host.clone(), message }
    }
}

/// Whether the server has said in this response that it has an extension.
pub(super) fn announces(answer: &Response, extension: &str) -> bool {
    let announced = answer.headers().get(EXTENSIONS_HEADER);
    let announced = announced.and_then(|value| value.to_str().ok());
    announced.is_some_and(|announced| is_announced(announced, extension))
}

/// Statuses after which the same request may succeed later. The other 5xx mean that the server
/// cannot do this at all: 501, 505, 506, 510, and 511 from a network that requires a login.
pub(super) fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599) && !matches!(status, 501 | 505 | 506 | 510 | 511)
}

/// Statuses with which something in front of a server rejects what it does not forward.
fn is_of_an_intermediary(status: u16) -> bool {
    matches!(status, 407 | 411 | 413 | 414 | 415 | 417 | 431 | 451 | 511)
}

/// The message of the HTTP library for a 407 to CONNECT. The type of this error is not public.
const PROXY_WANTS_A_PASSWORD: &str = "proxy authorization required";

/// An error and its causes, including those wrapped in I/O errors.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        // `source` of an I/O error skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(move || error.source())
    })
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), limited to a maximum.
fn retry_after(answer: &Response) -> Option<Duration> {
    let value = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(value.trim(), Utc::now())
}

fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let wait = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = DateTime::parse_from_rfc2822(value).ok()?;
        (date.with_timezone(&Utc) - now).to_std().unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// The innermost cause of an error, without the layers that passed it on.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    without_number(&cause.to_string()).to_owned()
}

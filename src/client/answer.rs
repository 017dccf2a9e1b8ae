//! What an answer means.

use std::{
    error::Error as StdError,
    io,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;

use super::http::root_cause;
use crate::{
    config::{MAX_ANSWER_BYTES, RETRY_AFTER_MAX},
    error::{Error, Result},
    wire::messages::ErrorAnswer,
};

/// What a call is about, for messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) host: String,
    pub(crate) dataset_id: Option<String>,
    pub(crate) file_name: Option<String>,
}

impl Subject {
    /// Sends a request; the answer's body is not read yet.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let begun = Instant::now();
        let answer = request.send().await.map_err(|error| self.broken(&error))?;
        let (path, status) = (answer.url().path(), answer.status().as_u16());
        let file_name = self.file_name.as_deref();
        tracing::debug!(path, status, ms = begun.elapsed().as_millis(), file_name, "answered");
        Ok(answer)
    }

    /// Reads a JSON answer of at most `limit` bytes.
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
            return Ok(value);
        }
        // Seen in the field: 200 with {"error"}.
        match serde_json::from_slice::<ErrorAnswer>(&body) {
            Ok(refusal) => Err(Error::Refused {
                file_name: self.file_name.clone(),
                status: status.as_u16(),
                message: refusal.error,
            }),
            Err(_) => Err(self.not_the_api(format!("HTTP {status} without the expected JSON"))),
        }
    }

    /// The error of an answer that is no success.
    pub(crate) async fn error_of(&self, answer: Response) -> Error {
        if answer.status().is_redirection() {
            return self.redirected(&answer);
        }
        let (status, retry_after) = (answer.status(), retry_after(&answer));
        match self.collect(answer, MAX_ANSWER_BYTES).await {
            Ok(body) => self.refusal(status, &body, retry_after),
            // The status says enough where the words are lost.
            Err(_) => self.refusal(status, b"", retry_after),
        }
    }

    async fn collect(&self, mut answer: Response, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(self.not_the_api(format!("an answer of more than {limit} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refusal(&self, status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Error {
        let api_error = serde_json::from_slice::<ErrorAnswer>(body).ok();
        let is_from_the_api = api_error.is_some();
        let message = api_error.map_or_else(
            || status.canonical_reason().unwrap_or("no reason given").to_owned(),
            |answer| answer.error,
        );
        let file_name = self.file_name.clone();
        let status_code = status.as_u16();
        match status_code {
            401 | 403 => {
                Error::Authentication { host: self.host.clone(), status: status_code, message }
            }
            408 | 425 | 429 | 500..=599 => {
                Error::Unavailable { file_name, status: status_code, message, retry_after }
            }
            404 if is_from_the_api && self.dataset_id.is_some() && self.file_name.is_none() => {
                Error::DatasetNotFound {
                    dataset_id: self.dataset_id.clone().unwrap_or_default(),
                    message,
                }
            }
            _ if is_from_the_api => Error::Refused { file_name, status: status_code, message },
            _ => self.not_the_api(format!("HTTP {status}")),
        }
    }

    /// The error of a request that got no whole answer.
    pub(crate) fn broken(&self, error: &reqwest::Error) -> Error {
        let host = self.host.clone();
        let message = root_cause(error);
        if is_certificate_error(error) {
            return Error::Certificate { host, message };
        }
        Error::Connection { host, file_name: self.file_name.clone(), message }
    }

    fn redirected(&self, answer: &Response) -> Error {
        // The path of a Location may hold secrets (signed URLs): only its host is shown.
        let target = answer
            .headers()
            .get(header::LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| answer.url().join(location).ok())
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "an unknown place".to_owned());
        self.not_the_api(format!("HTTP {}, a redirect to {target}", answer.status()))
    }

    pub(crate) fn not_the_api(&self, message: String) -> Error {
        Error::NotTheApi { host: self.host.clone(), message }
    }
}

fn is_certificate_error(error: &(dyn StdError + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // The source of an I/O error is not what it wraps, but the source of that.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.is_some_and(|wrapped| is_certificate_error(wrapped))
        || error.source().is_some_and(is_certificate_error)
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), cut to a bound.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeZone, Utc};
    use reqwest::StatusCode;

    use super::{Subject, parse_retry_after};
    use crate::Error;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_and_is_bounded() {
        let now = Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0).unwrap();
        let parse = |value| parse_retry_after(value, now);
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("Mon, 23 Nov 2026 08:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(parse("Mon, 23 Nov 2026 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(parse("86400"), Some(Duration::from_mins(5)));
        assert_eq!(parse("soon"), None);
    }

    #[test]
    fn a_page_of_html_is_never_shown() {
        let subject = Subject { host: "example.org".to_owned(), ..Subject::default() };
        for status in [StatusCode::BAD_GATEWAY, StatusCode::NOT_FOUND] {
            let message = subject.refusal(status, b"<html>secret", None).to_string();
            assert!(!message.contains("html"), "{message}");
        }
    }

    #[test]
    fn a_404_of_the_api_about_a_dataset_names_it() {
        let subject = Subject { dataset_id: Some("dataset-1".to_owned()), ..Subject::default() };
        let error = subject.refusal(StatusCode::NOT_FOUND, br#"{"error":"unknown"}"#, None);
        assert!(matches!(error, Error::DatasetNotFound { .. }), "{error}");
    }
}

//! Responses of servers, and of proxies in front of them.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use chrono::{TimeZone, Utc};
use reqwest::StatusCode;

use super::{Peer, Subject, parse_retry_after};
use crate::Error;

#[test]
fn retry_after_is_read_in_seconds_or_as_a_date_and_is_limited() {
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
    let subject = Subject::default();
    for status in [StatusCode::BAD_GATEWAY, StatusCode::NOT_FOUND] {
        let message = subject.refusal(status, b"<html>secret", None).to_string();
        assert!(!message.contains("html"), "{message}");
    }
}

#[test]
fn a_404_about_a_dataset_names_the_dataset() {
    let subject = Subject { dataset_id: Some("dataset-1".to_owned()), ..Subject::default() };
    let error = subject.refusal(StatusCode::NOT_FOUND, br#"{"error":"unknown"}"#, None);
    assert!(matches!(error, Error::DatasetNotFound { .. }), "{error}");
}

/// Who rejected the request, according to the error, and whether it is retried.
fn judged(status: u16, body: &str, has_answered: bool) -> (&'static str, bool) {
    let peer = Peer { has_answered: AtomicBool::new(has_answered), ..Peer::default() };
    let subject = Subject {
        peer: Arc::new(peer),
        file_name: Some("a.parquet".to_owned()),
        size_bytes: Some(2_000_000),
        ..Subject::default()
    };
    let status = StatusCode::from_u16(status).unwrap();
    let error = subject.refusal(status, body.as_bytes(), None);
    let words = error.to_string();
    assert!(words.contains(&format!("HTTP {}", status.as_u16())), "{words}");
    assert!(!words.contains("<html>"), "{words}");
    let who = match error {
        Error::Authentication { .. } => "key",
        Error::Unavailable { .. } => "busy",
        Error::Refused { .. } | Error::NameTaken { .. } => "service",
        Error::Intermediary { .. } if words.contains("proxy in front of") => "proxy",
        Error::Intermediary { .. } => {
            assert!(status.as_u16() == 511 || words.contains("a.parquet (2000000 bytes)"));
            "in between"
        }
        Error::NotTheApi { .. } => "url",
        _ => "another",
    };
    (who, error.is_temporary())
}

#[test]
fn every_status_from_400_to_599_is_reported_and_retried_only_if_that_may_help() {
    const HTML: &str = "<html>secret</html>";
    const JSON: &str = r#"{"error": "no"}"#;
    for status in 400..=599 {
        let is_tried_again =
            matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 507..=509) || status > 511;
        let [of_the_api, first, later] = match status {
            401 | 403 => ["key", "key", "key"],
            407 => ["proxy", "proxy", "proxy"],
            411 | 413..=415 | 417 | 431 | 451 | 511 => ["service", "in between", "in between"],
            _ if is_tried_again => ["busy", "busy", "busy"],
            _ => ["service", "url", "in between"],
        };
        for (body, has_answered, who) in [
            (JSON, false, of_the_api),
            (JSON, true, of_the_api),
            (HTML, false, first),
            ("", false, first),
            (HTML, true, later),
            ("", true, later),
            (r#"{"detail": "other JSON"}"#, true, later),
        ] {
            let expected = (who, is_tried_again);
            assert_eq!(judged(status, body, has_answered), expected, "{status} {body}");
        }
    }
}

#[test]
fn a_name_in_use_is_distinguished_from_other_rejections() {
    let kind = |file_name: Option<&str>, status: u16, words: &str| {
        let file_name = file_name.map(str::to_owned);
        let subject = Subject { file_name, ..Subject::default() };
        let body = format!(r#"{{"error": "{words}"}}"#);
        let status = StatusCode::from_u16(status).unwrap();
        match (status.is_success(), subject.refusal(status, body.as_bytes(), None)) {
            (true, _) => subject.refused_with_success(words),
            (false, error) => error,
        }
    };
    let file = Some("a.parquet");
    for (status, words) in
        [(409, "taken"), (400, "a.parquet already exists"), (200, "it already exists")]
    {
        let error = kind(file, status, words);
        assert!(matches!(error, Error::NameTaken { .. }), "{error:?}");
    }
    for error in [kind(file, 422, "schema"), kind(None, 409, "Dataset d already exists")] {
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    }
}

#[test]
fn server_messages_are_shortened_and_cannot_move_the_cursor() {
    let words = format!(r#"{{"error": "\u001b[31m{}"}}"#, "x".repeat(10_000));
    let refused = Subject::default().refusal(StatusCode::CONFLICT, words.as_bytes(), None);
    let message = refused.to_string();
    assert!(message.len() < 600 && message.contains(" [31mxxx"), "{message}");
}

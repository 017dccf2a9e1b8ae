//! The bytes of a file or a range of them, for readers that use a file in place.

use std::{ops::Range, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_range_header::{
    EndPosition, StartPosition, SyntacticallyCorrectRange, parse_range_header,
};

use crate::service::{
    admission::admit_dataset, app_state::AppState, keys::Caller, refusal::Refusal,
    storage::StoredFile,
};

pub(crate) const PATH: &str = "/datasets/{dataset_id}/files/{file_name}";

/// Read a file, or a range of its bytes. The `ETag` is the file's SHA-256.
#[utoipa::path(method(get, head), path = PATH, params(
    ("dataset_id" = String, Path, description = "The dataset"),
    ("file_name" = String, Path, description = "The file's name"),
    ("Range" = Option<String>, Header, description = "One range of bytes"),
), responses(
    (status = 200, description = "The file", body = Vec<u8>,
        content_type = "application/vnd.apache.parquet"),
    (status = 206, description = "The range", body = Vec<u8>,
        content_type = "application/vnd.apache.parquet"),
    (status = 304, description = "The file has the ETag in If-None-Match"),
    (status = "default", description = "Rejected", body = crate::wire::messages::ErrorAnswer),
))]
pub(crate) async fn file_bytes(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Caller>,
    method: Method,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Ok(Path((dataset_id, file_name))) = path else {
        return Err(Refusal::bad_request("the path is not valid UTF-8"));
    };
    admit_dataset(app.storage.catalog(), &caller, &dataset_id).await?;
    let file = app.storage.catalog().find_file(&dataset_id, &file_name).await?;
    let file = file.ok_or_else(Refusal::unknown_file)?;
    let tag = entity_tag(&file);
    let size = file.size_bytes;
    let mut head = vec![(header::ETAG, tag.clone()), (header::ACCEPT_RANGES, "bytes".to_owned())];
    let (status, range) = match requested(&headers, &method, &tag, size) {
        Requested::Changed => {
            let message = "the file does not have the ETag in If-Match";
            return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, message));
        }
        Requested::NotModified => {
            return Ok(response(StatusCode::NOT_MODIFIED, head, Body::empty()));
        }
        Requested::Unsatisfiable => {
            let message = format!("the range is outside of the file, which has {size} bytes");
            let refusal = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, message);
            return Ok(
                ([(header::CONTENT_RANGE, format!("bytes */{size}"))], refusal).into_response()
            );
        }
        Requested::Whole => (StatusCode::OK, 0..size),
        Requested::Range(range) => {
            let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            head.push((header::CONTENT_RANGE, shown));
            (StatusCode::PARTIAL_CONTENT, range)
        }
    };
    head.push((header::CONTENT_TYPE, "application/vnd.apache.parquet".to_owned()));
    head.push((header::CONTENT_LENGTH, (range.end - range.start).to_string()));
    if method == Method::HEAD {
        return Ok(response(status, head, Body::empty()));
    }
    let bytes = app.storage.read(&file, range).await?;
    Ok(response(status, head, Body::from_stream(bytes)))
}

fn response(status: StatusCode, head: Vec<(HeaderName, String)>, body: Body) -> Response {
    let mut response = (status, body).into_response();
    for (name, value) in head {
        // All values are ours, and ASCII.
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Files that an earlier release has received have no hash. But a file never changes.
fn entity_tag(file: &StoredFile) -> String {
    match &file.sha256 {
        Some(sha256) => format!("\"{sha256}\""),
        None => format!("\"{}\"", file.file_id),
    }
}

/// The part of the file that a request wants: RFC 9110, section 13.2.2.
#[derive(Debug, PartialEq, Eq)]
enum Requested {
    Whole,
    Range(Range<u64>),
    NotModified,
    Changed,
    Unsatisfiable,
}

fn requested(headers: &HeaderMap, method: &Method, tag: &str, size: u64) -> Requested {
    let value = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let has = |tags: &str| tags.split(',').map(str::trim).any(|given| given == "*" || given == tag);
    if value(header::IF_MATCH).is_some_and(|tags| !has(tags)) {
        return Requested::Changed;
    }
    if value(header::IF_NONE_MATCH).is_some_and(|tags| has(&tags.replace("W/", ""))) {
        return Requested::NotModified;
    }
    let is_for_range =
        *method == Method::GET && value(header::IF_RANGE).is_none_or(|given| given == tag);
    // Anything else than a range of bytes is ignored.
    let ranges = value(header::RANGE).filter(|_| is_for_range).map(parse_range_header);
    let Some(Ok(ranges)) = ranges else { return Requested::Whole };
    // Nobody who reads Parquet asks for several.
    let [SyntacticallyCorrectRange { start, end }] = ranges.ranges[..] else {
        return Requested::Whole;
    };
    let range = match (start, end) {
        (StartPosition::FromLast(length), _) => size.saturating_sub(length)..size,
        (StartPosition::Index(first), EndPosition::LastByte) => first..size,
        (StartPosition::Index(first), EndPosition::Index(last)) if first > last => {
            return Requested::Whole;
        }
        (StartPosition::Index(first), EndPosition::Index(last)) => {
            first..size.min(last.saturating_add(1))
        }
    };
    if range.is_empty() { Requested::Unsatisfiable } else { Requested::Range(range) }
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, HeaderName, Method, Requested, header, requested};

    const TAG: &str = "\"1a\"";

    fn of(method: &Method, given: &[(HeaderName, &str)]) -> Requested {
        let given = given.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        requested(&given.collect::<HeaderMap>(), method, TAG, 100)
    }

    #[test]
    fn a_range_is_read_as_rfc_9110_says() {
        for (range, expected) in [
            ("bytes=0-3", Requested::Range(0..4)),
            ("bytes=7-7", Requested::Range(7..8)),
            ("bytes=90-", Requested::Range(90..100)),
            ("bytes=-8", Requested::Range(92..100)),
            ("bytes=-1000", Requested::Range(0..100)),
            ("bytes=0-1000", Requested::Range(0..100)),
            ("bytes=99-99", Requested::Range(99..100)),
            ("bytes=100-", Requested::Unsatisfiable),
            ("bytes=100-200", Requested::Unsatisfiable),
            ("bytes=-0", Requested::Whole),
            ("bytes=1-2, 4-5", Requested::Whole),
            ("lines=1-2", Requested::Whole),
            ("bytes=a-b", Requested::Whole),
            ("bytes=7-3", Requested::Whole),
            ("bytes=0-18446744073709551615", Requested::Range(0..100)),
            ("bytes", Requested::Whole),
            ("", Requested::Whole),
        ] {
            assert_eq!(of(&Method::GET, &[(header::RANGE, range)]), expected, "{range}");
            assert_eq!(of(&Method::HEAD, &[(header::RANGE, range)]), Requested::Whole, "{range}");
        }
    }

    #[test]
    fn a_condition_decides_before_the_range() {
        let range = (header::RANGE, "bytes=0-3");
        for (name, value, expected) in [
            (header::IF_RANGE, TAG, Requested::Range(0..4)),
            (header::IF_RANGE, "\"2b\"", Requested::Whole),
            (header::IF_RANGE, "Sat, 28 Nov 2026 00:00:00 GMT", Requested::Whole),
            (header::IF_MATCH, TAG, Requested::Range(0..4)),
            (header::IF_MATCH, "*", Requested::Range(0..4)),
            (header::IF_MATCH, "\"2b\", \"3c\"", Requested::Changed),
            (header::IF_MATCH, "W/\"1a\"", Requested::Changed),
            (header::IF_NONE_MATCH, "\"2b\", W/\"1a\"", Requested::NotModified),
            (header::IF_NONE_MATCH, "*", Requested::NotModified),
            (header::IF_NONE_MATCH, "\"2b\"", Requested::Range(0..4)),
        ] {
            assert_eq!(of(&Method::GET, &[range.clone(), (name, value)]), expected, "{value}");
        }
    }
}

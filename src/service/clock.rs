//! The server's clock.

use chrono::{DateTime, SecondsFormat, Utc};

/// Microseconds since 1970, UTC.
pub(super) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// Microseconds since 1970 (UTC) as text: RFC 3339, UTC.
pub(super) fn rfc3339(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// When the first and the last byte of a request's body arrived: microseconds since 1970, UTC.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) first_byte_at: i64,
    pub(super) last_byte_at: i64,
}

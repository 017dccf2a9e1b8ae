//! The service's clock.

use chrono::Utc;

/// Microseconds since 1970, UTC.
pub(super) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// When the first and the last byte of a request's body came: microseconds since 1970, UTC.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) first_byte_at: i64,
    pub(super) last_byte_at: i64,
}

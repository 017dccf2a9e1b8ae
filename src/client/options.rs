//! How patient a client is.

use std::{path::PathBuf, time::Duration};

use crate::config::{
    ANSWER_TIMEOUT, BACKOFF_MIN, CONNECT_TIMEOUT, GRACE, LONG_GRACE, MAX_RETRIES, PROGRESS_TIMEOUT,
    RETRY_DEADLINE,
};

/// Timeouts, retries, and whom to trust. Nothing bounds the time of a whole upload: what moves
/// is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// A transfer that moves no byte for this long, and is not held, is started again.
    pub progress_timeout: Duration,
    /// Time for an answer after the last byte of a request.
    pub answer_timeout: Duration,
    /// Attempts after the first one, for a call, or for the file at the head of an upload.
    pub max_retries: u32,
    /// No attempt begins later than this after the start of a call, or after the first failure
    /// in a row of a file.
    pub retry_deadline: Duration,
    /// Pause before the second attempt; the following ones double, with jitter.
    pub first_pause: Duration,
    /// How long an upload in doubt may still be on its way, when the listing lacks it.
    pub grace: Duration,
    /// The same, where the service said that it may still be at work (504, 524).
    pub long_grace: Duration,
    /// Files in PEM form with certificates of authorities that are trusted besides those of
    /// the system.
    pub certificates: Vec<PathBuf>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            progress_timeout: PROGRESS_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            max_retries: MAX_RETRIES,
            retry_deadline: RETRY_DEADLINE,
            first_pause: BACKOFF_MIN,
            grace: GRACE,
            long_grace: LONG_GRACE,
            certificates: Vec::new(),
        }
    }
}

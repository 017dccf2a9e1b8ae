//! Timeouts and retries of a client.

use std::{path::PathBuf, time::Duration};

use crate::config::{
    ANSWER_TIMEOUT, BACKOFF_MIN, CONNECT_TIMEOUT, GRACE, LONG_GRACE, MAX_RETRIES, PROGRESS_TIMEOUT,
    RETRY_DEADLINE,
};

/// Timeouts, retries and trusted certificates. The duration of an upload is not limited while it
/// makes progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// A transfer that is not held and makes no progress for this long is restarted.
    pub progress_timeout: Duration,
    /// Time from the last byte of a request to its response.
    pub answer_timeout: Duration,
    /// Retries of a call, or of the file at the head of an upload.
    pub max_retries: u32,
    /// No attempt begins later than this after the start of a call or, for a file, after the first
    /// of consecutive failures.
    pub retry_deadline: Duration,
    /// Pause before the first retry; later ones double, with jitter.
    pub first_pause: Duration,
    /// How long an upload in doubt may still be on its way if the listing lacks it.
    pub grace: Duration,
    /// The same, if the server reported that it may still be working on it (504, 524).
    pub long_grace: Duration,
    /// PEM files with certificates of authorities that are trusted in addition to those of the
    /// system.
    pub certificates: Vec<PathBuf>,
    /// The folder for records of what this machine has sent; `None` keeps no records.
    pub state_folder: Option<PathBuf>,
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
            state_folder: None,
        }
    }
}

//! What a service allows.

use std::time::Duration;

/// Limits of a service, each with its own clear answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes; a larger one gets a 413.
    pub max_file_bytes: u64,
    /// Largest JSON request, in bytes; a larger one gets a 413.
    pub max_json_bytes: u64,
    /// Most datasets of one API key; one more gets a 403.
    pub max_datasets: u64,
    /// Most uploads that are received at a time, in about 2 MiB of memory each; one more gets
    /// a 503 with `Retry-After`.
    pub max_uploads: usize,
    /// Time after which a staged file is deleted if it was not committed.
    pub stage_expiry: Duration,
    /// Most staged files of one API key; one more gets a 413.
    pub max_staged_files: u64,
    /// Most bytes of staged files of one API key; more get a 413.
    pub max_staged_bytes: u64,
    /// Most connections without a request that had a key; one more closes the oldest of them.
    /// They never take more than a quarter of the files that the process may have open.
    pub max_unauthenticated: usize,
    /// Time for the head of a request, and for an open connection to be used again.
    pub head_timeout: Duration,
    /// Time for the next byte of a body, in either direction; then a 408, or a closed
    /// connection. Clients that hold an upload send a byte every 10 s.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 100 << 30,
            max_json_bytes: 64 << 10,
            max_datasets: 10_000,
            max_uploads: 256,
            stage_expiry: Duration::from_hours(24),
            max_staged_files: 100_000,
            max_staged_bytes: 1 << 40,
            max_unauthenticated: 1_000,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_mins(1),
        }
    }
}

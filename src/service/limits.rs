//! The limits of a server.

use std::time::Duration;

/// Limits of a server. A request that exceeds one gets a specific response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes; a larger one gets a 413.
    pub max_file_bytes: u64,
    /// Largest JSON request, in bytes; a larger one gets a 413.
    pub max_json_bytes: u64,
    /// Number of datasets per API key; more get a 403.
    pub max_datasets: u64,
    /// Number of uploads that are received at the same time, in about 2 MiB of memory each; more
    /// get a 503 with `Retry-After`.
    pub max_uploads: usize,
    /// Time after which a staged file is deleted if it was not committed.
    pub stage_expiry: Duration,
    /// Number of staged files per API key; more get a 413. With 0, the server does not announce
    /// staging.
    pub max_staged_files: u64,
    /// Size of all staged files of an API key, in bytes; more get a 413.
    pub max_staged_bytes: u64,
    /// Time that an upload may take if instances share the blobs; a longer one gets a 408. What an
    /// unfinished upload left behind is deleted after twice this time.
    pub upload_expiry: Duration,
    /// Number of connections to the database of the catalog, if it is a server.
    pub catalog_connections: u32,
    /// Number of connections that have not sent a valid key; another one closes the oldest of them.
    /// They never use more than a quarter of the process's file handles.
    pub max_unauthenticated: usize,
    /// Time to wait for the head of a request, and for the next request of an open connection.
    pub head_timeout: Duration,
    /// Time to wait for the next byte of a body, in either direction; then 408, or the connection
    /// is closed. Clients that hold an upload send a byte every 10 s.
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
            upload_expiry: Duration::from_hours(24),
            catalog_connections: 10,
            max_unauthenticated: 1_000,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_mins(1),
        }
    }
}

//! Defaults, each with its unit and the reason for its value.

use std::time::Duration;

/// Maximum number of concurrent transfers. Uploads that wait (see [`MAX_HELD`]) do not count.
pub const CONCURRENCY: usize = 8;

/// Maximum number of uploads that wait: held ones, which have sent everything except their tail,
/// and staged ones, whose response is on its way. Each costs one connection and a few KiB; they
/// keep the link busy while the file at the head, or the server, is slow.
pub const MAX_HELD: usize = 32;

/// Length of the tail in bytes: the end of a file, which is sent only when the file before it is
/// acknowledged. Short, because held tails are sent one after the other.
pub const TAIL_BYTES: usize = 1024;

/// The end of the tail, which is never sent early: footer length and `PAR1` (Parquet format
/// specification, "File format"). Without it, a held body is not a Parquet file.
pub const SEALED_BYTES: usize = 8;

/// The gate's unit of time.
pub const TICK: Duration = Duration::from_millis(500);

/// A byte of a held tail is sent this often, in ticks (10 s), because proxies close a silent body
/// after 30 s or 60 s.
pub const DRIP_TICKS: u32 = 20;

/// If the head sends no byte for this many ticks (2 s) while others are open, the gate drops some:
/// the server may serve fewer connections than are open.
pub const STALL_TICKS: u32 = 4;

/// The same as [`STALL_TICKS`], after the whole file is sent and its response is awaited (10 s).
pub const STALL_TICKS_ANSWER: u32 = 20;

/// After this many stale listings in a row, the outcome of an upload in doubt counts as unknown.
pub const MAX_STALE_LISTINGS: u32 = 8;

/// Bytes read from a file at once (`pread`).
pub const READ_BYTES: usize = 256 * 1024;

/// The same, if they are encrypted next: what was read is then still in the cache of the core.
pub const ENCRYPTED_READ_BYTES: usize = 128 * 1024;

/// Rows that are encoded or decoded at once; short enough to handle Ctrl-C in between.
pub const BATCH_ROWS: usize = 16 * 1024;

/// Maximum decoded size of the batches when a dataset is read: batches of wide rows have fewer
/// rows.
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Encoded size of the row groups of frames, as the Parquet format recommends for readers. An
/// encoder holds this much in memory.
pub const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;

/// Row groups with fewer bytes of pages are far too small: reading them costs more than their rows.
pub const SMALL_ROW_GROUP_BYTES: u64 = 1_000_000;

/// Maximum size of the pages of small row groups that are merged into one. They are in memory at the
/// same time.
pub const MERGED_ROW_GROUP_BYTES: u64 = 16 * 1024 * 1024;

/// Maximum number of their rows, as in the row groups of most writers.
pub const MERGED_ROW_GROUP_ROWS: u64 = 1024 * 1024;

/// Files that are rewritten at the same time, ahead of the transfers.
pub const REWRITES_AHEAD: usize = 2;

/// Threads that pin files and read footers: more than cores, because network file systems respond
/// slowly.
pub const CHECK_THREADS: usize = 8;

/// The same for remote files, where threads only wait for responses.
pub const REMOTE_CHECK_THREADS: usize = 32;

/// Attempts after the first one. With their pauses, they cover about a minute without network.
pub const MAX_RETRIES: u32 = 8;

/// No attempt starts later than this after the start of a call or, for a file, after the first of
/// consecutive failures.
pub const RETRY_DEADLINE: Duration = Duration::from_mins(10);

/// Shortest and longest backoff of one file; the backoff doubles, with jitter.
pub const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// See [`BACKOFF_MIN`].
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// A longer `Retry-After` is reduced to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// An idle connection is closed after this time; one for small files without TLS, at the next
/// [`TICK`] after it. It serves the pages of a listing, which follow
/// each other at once. A longer time would block an upload if the server serves few connections.
pub const IDLE_TIMEOUT: Duration = Duration::from_millis(100);

/// TCP probes a silent connection after this time.
pub const KEEPALIVE_TIME: Duration = Duration::from_secs(30);

/// Time between two probes.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// A connection that does not respond to so many probes is lost.
pub const KEEPALIVE_RETRIES: u32 = 3;

/// A connection whose bytes are not acknowledged for this time is lost (RFC 5482; Linux).
pub const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How the client names itself in requests.
pub const USER_AGENT: &str = concat!("sutro/", env!("CARGO_PKG_VERSION"));

/// A transfer that is not held and makes no progress for this long is restarted.
pub const PROGRESS_TIMEOUT: Duration = Duration::from_mins(1);

/// The check waits at most this long for one file to be opened and its footer to be read, because
/// its mount may hang.
pub const FILE_TIMEOUT: Duration = Duration::from_mins(1);

/// Maximum time from the last byte of a request to its response.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// If the dataset does not show an upload in doubt, the upload is resent only after this time: the
/// first request may still be in a proxy.
pub const GRACE: Duration = Duration::from_secs(2);

/// The grace period after a response that says that the server may still be working (504, 524).
pub const LONG_GRACE: Duration = Duration::from_secs(100);

/// Responses are JSON of a few hundred bytes; a longer response is not from the API.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Maximum size of the response to a commit of staged files, which names each of them.
pub const MAX_COMMIT_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Maximum size of the list of a key's datasets, which may have very many columns.
pub const MAX_DATASETS_BYTES: usize = 256 * 1024 * 1024;

/// Maximum memory for a listing, in bytes: about two million files.
pub const MAX_LISTING_BYTES: u64 = 512 * 1024 * 1024;

/// Memory for a listing beyond what its length accounts for, in bytes: enough for a third of a
/// million plain names.
pub const LISTING_ALLOWANCE_BYTES: u64 = 64 * 1024 * 1024;

/// Maximum size of one file's entry in a listing, in bytes; a schema of a million columns is
/// shorter.
pub const MAX_LISTED_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Maximum length of a file name in a dataset, in bytes of UTF-8.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// Maximum size of the record of what was sent to one dataset, in bytes: about 100,000 files.
pub const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;
/// Maximum number of datasets with a record; the most recently used ones are kept.
pub const MAX_RECORDS: usize = 500;
/// Maximum size of all records, in bytes, when another one is started.
pub const MAX_RECORDS_BYTES: u64 = 64 * 1024 * 1024;

//! Defaults, each with its unit and the reason for its value.

use std::time::Duration;

/// Bodies that are sent at the same time. Held uploads (see [`MAX_HELD`]) do not count.
pub const CONCURRENCY: usize = 8;

/// Uploads that have sent everything but their tail and wait for their turn: each costs
/// one connection and a few KiB, so that a slow file at the head does not idle the link.
pub const MAX_HELD: usize = 32;

/// Bytes at the end of a file that are sent only when its predecessor is confirmed.
/// Short, because held tails are sent one after the other.
pub const TAIL_BYTES: usize = 1024;

/// The end of the tail that is never let go early: footer length and `PAR1`
/// (parquet format specification, "File format"). Without it nothing can take a held
/// body for a parquet file.
pub const SEALED_BYTES: usize = 8;

/// The gate's unit of time.
pub const TICK: Duration = Duration::from_millis(500);

/// A byte of a held tail is sent this often, in ticks (10 s): proxies cut a silent body
/// at 30 s or 60 s.
pub const DRIP_TICKS: u32 = 20;

/// The first uncommitted file moves no byte for so many ticks (2 s) while others are
/// open: the service may serve fewer connections than there are, so some are dropped.
pub const STALL_TICKS: u32 = 4;

/// As [`STALL_TICKS`], where the whole file is sent and its answer is waited for (10 s).
pub const STALL_TICKS_ANSWER: u32 = 20;

/// Listings in a row that are older than what is known to be committed, before the
/// outcome of an upload in doubt is given up as unknown.
pub const MAX_STALE_LISTINGS: u32 = 8;

/// Bytes read from a file at once (`pread`).
pub const READ_BYTES: usize = 256 * 1024;

/// Rows that are encoded, or decoded, at once: short enough to look at Ctrl-C in between.
pub const BATCH_ROWS: usize = 16 * 1024;

/// Decoded bytes of the batches in which a dataset is read back: wide rows come in fewer.
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Encoded size of the row groups of frames, as the parquet format advises for readers; what
/// an encoder holds in memory.
pub const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;

/// Files that are rewritten at the same time, ahead of those that are sent.
pub const REWRITES_AHEAD: usize = 2;

/// Threads that look at files and read footers: more than cores, because network file systems are slow to
/// answer.
pub const CHECK_THREADS: usize = 8;

/// Attempts after the first one. With the pauses between them they bridge about a minute
/// without network.
pub const MAX_RETRIES: u32 = 8;

/// No attempt begins later than this after the start of a call, or after the first failure in
/// a row of a file.
pub const RETRY_DEADLINE: Duration = Duration::from_mins(10);

/// First and longest pause between two attempts for one file; they double, with jitter.
pub const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// See [`BACKOFF_MIN`].
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// A longer `Retry-After` is cut to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection between two calls is closed after this time. It serves the pages of a listing,
/// which follow each other at once; kept for longer it would take a place that an upload needs,
/// where a service serves few connections.
pub const IDLE_TIMEOUT: Duration = Duration::from_millis(100);

/// A transfer that is not held and moves no byte for this long is started again.
pub const PROGRESS_TIMEOUT: Duration = Duration::from_mins(1);

/// The check of an upload waits no longer than this for one file to be opened and its footer to be read: it may be on a
/// mount that hangs.
pub const FILE_TIMEOUT: Duration = Duration::from_mins(1);

/// Time for an answer after the last byte of a request.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// An upload in doubt that the dataset does not show is sent again only after this
/// long: the first request may still be on its way through a proxy.
pub const GRACE: Duration = Duration::from_secs(2);

/// The grace after an answer that says that the service may still be at work (504, 524).
pub const LONG_GRACE: Duration = Duration::from_secs(100);

/// An answer is JSON of a few hundred bytes; more than this is not the API's.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The list of a key's datasets, with very many columns, stays below this.
pub const MAX_DATASETS_BYTES: usize = 256 * 1024 * 1024;

/// Memory for the list of a dataset's files, in bytes: about two million of them.
pub const MAX_LISTING_BYTES: u64 = 512 * 1024 * 1024;

/// Memory for the list of a dataset's files that its length need not account for, in bytes:
/// of bare names, a third of a million.
pub const LISTING_ALLOWANCE_BYTES: u64 = 64 * 1024 * 1024;

/// What a listing says of one file, in bytes: a schema of a million columns is shorter.
pub const MAX_LISTED_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Longest file name in a dataset, in bytes of UTF-8.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// Bytes of the record of what was sent into one dataset: about 100,000 files.
pub const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;
/// Datasets of which a record is kept; the ones that were sent to last.
pub const MAX_RECORDS: usize = 500;
/// Bytes of all records, when one more is begun.
pub const MAX_RECORDS_BYTES: u64 = 64 * 1024 * 1024;

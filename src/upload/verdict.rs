//! What a listing says about a file in doubt: returned by `settle`, used by strategies.

use std::time::Duration;

/// What a listing says about a file in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in its place, with the same content.
    Committed,
    /// A file with its name, size and rows is in its place. Whether the contents are the same is
    /// not known.
    Alike,
    /// It is not there: the dataset ends with the file before it.
    Absent,
    /// The listing is older than what is known to be committed.
    Stale,
    /// The dataset has another file in its place.
    Foreign,
    /// The server did not return a listing, but may return one later.
    Unavailable {
        /// How long the server asked the client to wait.
        retry_after: Option<Duration>,
    },
    /// No listing is available.
    Unknown,
}

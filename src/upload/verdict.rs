//! What a listing says about a file in doubt: the answer of `settle`, a question of the gate.

use std::time::Duration;

/// What the listing says about a file in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, in its place, and its content is the same.
    Committed,
    /// A file of its name, size and rows is in its place. Nothing tells whether the contents are
    /// the same.
    Alike,
    /// The dataset ends with its predecessor.
    Absent,
    /// The listing is older than what is known to be committed.
    Stale,
    /// The dataset holds something else.
    Foreign,
    /// The service did not give a listing, and may give one later.
    Unavailable {
        /// The service asked all of us to wait this long.
        retry_after: Option<Duration>,
    },
    /// No listing could be had.
    Unknown,
}

//! What the values below the strategies decide. A strategy acts on it.

use std::time::Duration;

use super::events::{Failure, Grace, StopCause};

/// What to do about a file whose request has ended or whose outcome was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is in the dataset.
    Commit,
    /// Its outcome is in doubt: look it up.
    Settle,
    /// Look it up again.
    SettleAgain { grace: Grace, room: Option<Room> },
    /// It is not in the dataset: send it again.
    Retry { lacks_room: bool, retry_after: Option<Duration> },
    /// End the run.
    Stop(StopCause, Scope),
}

/// Which files the end of a run leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// This file and those after it. The files before it are still completed.
    FromHere,
    /// All that are not committed.
    All,
}

/// The head of the line lacks room on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Other requests that may stay open.
    pub(super) kept: usize,
    /// Requests that the server was seen to serve.
    pub(super) served: usize,
}

/// Whether a file may be committed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// Files before it must be committed first.
    Later,
}

/// Whether a request failed for lack of room, by the server's own words.
pub(super) fn says_no_room(failure: Failure, retry_after: Option<Duration>) -> bool {
    failure == Failure::NoRoom || retry_after.is_some()
}

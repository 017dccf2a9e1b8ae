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
    Retry { cause: Cause, retry_after: Option<Duration> },
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

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server had no room for it, by its own words or because it did not open the connection.
    NoRoom,
    Other,
}

impl Cause {
    /// The cause by the server's own words.
    pub(super) fn told(failure: Failure, retry_after: Option<Duration>) -> Self {
        let says_no_room = failure == Failure::NoRoom || retry_after.is_some();
        if says_no_room { Self::NoRoom } else { Self::Other }
    }
}

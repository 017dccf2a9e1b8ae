//! The decisions that strategies act on.

use std::time::Duration;

use super::events::{Failure, Grace, StopCause};

/// What to do about a file whose request has ended, or whose outcome was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The dataset has it.
    Commit,
    /// The outcome is in doubt: look it up.
    Settle,
    /// Look it up again.
    SettleAgain { grace: Grace, room: Option<Room> },
    /// The dataset does not have it: send it again.
    Retry { cause: Cause, retry_after: Option<Duration> },
    /// End the run.
    Stop(StopCause, Scope),
}

/// Which files are left out when a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// This file and those after it. The files before it are still completed.
    FromHere,
    /// All files that are not committed.
    All,
}

/// The head of the line lacks room on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// The number of other requests that may stay open.
    pub(super) kept: usize,
    /// The number of requests that the server was seen to serve.
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
    /// The server had no room: it said so, or never opened the connection.
    NoRoom,
    Other,
}

impl Cause {
    /// The cause that the server gave.
    pub(super) fn told(failure: Failure, retry_after: Option<Duration>) -> Self {
        let says_no_room = failure == Failure::NoRoom || retry_after.is_some();
        if says_no_room { Self::NoRoom } else { Self::Other }
    }
}

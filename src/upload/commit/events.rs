//! The events of a strategy, and its actions.

use std::time::Duration;

pub(super) use crate::upload::verdict::Verdict;

/// A file of the batch: its position, from 0.
pub type FileIndex = usize;

/// One request for a file. Events of a request that was dropped in the meantime are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The file being sent.
    pub file: FileIndex,
    /// The number of the request among those for this file, from 1.
    pub attempt: u32,
}

/// An event: what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// This many files follow those that are planned.
    Planned(usize),
    /// No more files will be planned.
    PlanEnded,
    /// The connection is open and asks for the body.
    Started(RequestId),
    /// Everything but the tail is sent.
    TailReached(RequestId),
    /// The request has ended.
    Ended(RequestId, Ending),
    /// The pause after this request ([`Action::Pause`]) is over.
    PauseOver(RequestId),
    /// What the dataset's listing says about the file, after [`Action::Settle`].
    Settled(FileIndex, Verdict),
    /// A commit of staged files ([`Action::CommitGroup`]) is over.
    GroupEnded(GroupEnding),
    /// The pause after a failed commit ([`Action::PauseGroup`]) is over.
    GroupPauseOver,
    /// The pause between two commits ([`Action::GatherGroup`]) is over.
    GroupGathered,
    /// How the listing continues after the files that are known to be committed, after
    /// [`Action::Compare`].
    Compared {
        /// The number of next files of the plan that follow there, with the same content.
        ours: usize,
        /// What comes after them.
        verdict: Verdict,
    },
    /// A fixed span of time has passed (`config::TICK`).
    Tick {
        /// Whether the first uncommitted file has moved a byte since the last tick.
        head_moved: bool,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// 2xx with an id: the file is committed, or staged.
    Accepted,
    /// The API rejected this file.
    Refused,
    /// The API rejected everything (key, dataset).
    RefusedAll,
    /// The API reported that the name is in use.
    NameTaken,
    /// Broken connection, timeout, 408, 425, 429, 5xx.
    Temporary {
        /// What it says about the server.
        failure: Failure,
        /// How long the server asked the client to wait.
        retry_after: Option<Duration>,
    },
    /// A retry would fail again: the source changed, the certificate is bad, the URL is not the
    /// API's.
    Final,
}

/// Staged files to commit in one request: consecutive files of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first file.
    pub start: FileIndex,
    /// The file after the last one.
    pub end: FileIndex,
}

/// How a commit of staged files ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEnding {
    /// All of them are in the dataset.
    Committed,
    /// The dataset did not have the expected number of files, so none was added.
    CountDiffers,
    /// None was added, because of a name or a schema.
    Refused {
        /// The file that the server named, if any.
        file: Option<FileIndex>,
    },
    /// A file is no longer staged, so none was added.
    Gone {
        /// The file that the server named, if any.
        file: Option<FileIndex>,
    },
    /// The API rejected everything (key, dataset).
    RefusedAll,
    /// Broken connection, timeout, 408, 425, 429, 5xx: they may have been added.
    Temporary {
        /// How long the server asked the client to wait.
        retry_after: Option<Duration>,
    },
    /// A retry would fail again; the files may have been added.
    Final,
}

/// What a failure that may be temporary says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server (429, 503) or this machine has no room for the request.
    NoRoom,
    /// The server may still be working on the request (504, 524, a timeout).
    StillAtWork,
    /// Nothing: a connection broke, or the server sent another 5xx.
    Broken,
}

/// An action: what the shell must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection and send everything but the tail.
    Start(RequestId),
    /// Send one byte of the held tail.
    Drip(FileIndex),
    /// Send the rest of the tail.
    Release(FileIndex),
    /// Close the connection. The tail was not released.
    Drop(FileIndex),
    /// Report that the file is in the dataset.
    Commit(FileIndex),
    /// Wait before the next attempt.
    Pause {
        /// The request that failed.
        request: RequestId,
        /// Failures of its file in a row, counted anew at the head of the line. The pause grows
        /// with them.
        failures: u32,
        /// How long the server asked the client to wait.
        at_least: Option<Duration>,
    },
    /// Wait for the grace period, then look the file up in the listing.
    Settle(FileIndex, Grace),
    /// Commit these staged files in one request.
    CommitGroup(Group),
    /// Wait a moment, so that the next commit has more files.
    GatherGroup,
    /// Wait, then request the same commit again.
    PauseGroup {
        /// Failures of commits in a row. The pause grows with them.
        failures: u32,
        /// How long the server asked the client to wait.
        at_least: Option<Duration>,
    },
    /// Wait for the grace period, then compare the dataset's listing with the next files.
    Compare(Grace),
    /// The run is over; `None` if all files are committed.
    Finish(Option<Stop>),
}

/// How long to wait before the listing is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Do not wait.
    None,
    /// The first request may still be in a proxy.
    Short,
    /// The server reported that it may still be working on the request.
    Long,
    /// The last listing was not available.
    Retry {
        /// Failures in a row: the pause grows with them.
        failures: u32,
        /// How long the server asked the client to wait.
        at_least: Option<Duration>,
    },
}

/// Why a run ended before all files were committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The file that stopped it.
    pub file: FileIndex,
    /// Why.
    pub cause: StopCause,
}

/// The reason to stop; see [`Stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// Its last request failed, and the dataset does not have it.
    Failed,
    /// The dataset may or may not have it.
    OutcomeUnknown,
    /// The listing kept lacking files that are known to be committed.
    ListingBehind,
    /// The dataset has a file that this run has not sent.
    ForeignWriter,
    /// Its name is in use, and no request of this run can have stored it.
    NameTaken,
    /// The server committed it before its last byte was sent.
    CommittedEarly,
}

//! What a strategy is told and what it says.

use std::time::Duration;

pub(super) use crate::upload::verdict::Verdict;

/// A file of the batch, by its place in it, from 0.
pub type FileIndex = usize;

/// One request for a file. News of a request that was dropped in the meantime is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The file that is sent.
    pub file: FileIndex,
    /// The request's number among those for this file, from 1.
    pub attempt: u32,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many more files are to be sent, after those that are planned.
    Planned(usize),
    /// No more files will be planned.
    PlanEnded,
    /// The connection is open and asks for the body.
    Started(RequestId),
    /// All but the tail is sent.
    TailReached(RequestId),
    /// The request is over.
    Ended(RequestId, Ending),
    /// The pause after this request ([`Action::Pause`]) is over.
    PauseOver(RequestId),
    /// What the dataset's listing says about the file, after [`Action::Settle`].
    Settled(FileIndex, Verdict),
    /// A commit of staged files ([`Action::CommitGroup`]) is over.
    GroupEnded(GroupEnding),
    /// The pause after a failed commit ([`Action::PauseGroup`]) is over.
    GroupPauseOver,
    /// What a listing shows behind the files that are known to be committed, after
    /// [`Action::Compare`].
    Compared {
        /// The next files of the plan that follow, with the same content.
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
    /// The API's own refusal of this file.
    Refused,
    /// The API's refusal of everything (key, dataset).
    RefusedAll,
    /// The API says that the name is taken.
    NameTaken,
    /// Broken connection, timeout, 408, 425, 429, 5xx.
    Temporary {
        /// What it says about the service.
        failure: Failure,
        /// The service asked all of us to wait this long.
        retry_after: Option<Duration>,
    },
    /// No use to try again: the source changed, the certificate is bad, not the API.
    Final,
}

/// Staged files that one request commits: consecutive files of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first of them.
    pub start: FileIndex,
    /// The file after the last of them.
    pub end: FileIndex,
}

/// How a commit of staged files ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupEnding {
    /// All of them are in the dataset.
    Committed,
    /// The dataset has another number of files than was expected, so none of them was added.
    CountDiffers,
    /// None was added, because of a name or a schema.
    Refused {
        /// The file that the server named, if any.
        file: Option<FileIndex>,
    },
    /// A file is not staged any more, so none was added.
    Gone {
        /// The file that the server named, if any.
        file: Option<FileIndex>,
    },
    /// The API rejected everything (key, dataset).
    RefusedAll,
    /// Broken connection, timeout, 408, 425, 429, 5xx: they may have been added.
    Temporary {
        /// The server asked all of us to wait this long.
        retry_after: Option<Duration>,
    },
    /// A retry would fail again, and they may have been added.
    Final,
}

/// What a failure that may pass says about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It has no room for this request (429, 503), or this machine has none.
    NoRoom,
    /// It may still be at work on the request (504, 524, a timeout).
    StillAtWork,
    /// Nothing: a connection broke, or another 5xx came.
    Broken,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection and send everything but the tail.
    Start(RequestId),
    /// Send one byte of the held tail.
    Drip(FileIndex),
    /// Send the rest.
    Release(FileIndex),
    /// Close the connection; the tail is not out.
    Drop(FileIndex),
    /// The file is in the dataset.
    Commit(FileIndex),
    /// Wait before the next attempt.
    Pause {
        /// The request that failed.
        request: RequestId,
        /// Failures of its file in a row; those at the head of the line count anew. The pause
        /// grows with them.
        failures: u32,
        /// What the service asked for.
        at_least: Option<Duration>,
    },
    /// Wait for the grace period, then ask the listing.
    Settle(FileIndex, Grace),
    /// Commit these staged files in one request.
    CommitGroup(Group),
    /// Wait before the same commit is requested again.
    PauseGroup {
        /// Failures of commits in a row. The pause grows with them.
        failures: u32,
        /// What the server asked for.
        at_least: Option<Duration>,
    },
    /// Wait for the grace period, then compare the dataset's listing with the next files.
    Compare(Grace),
    /// The run is over; `None` when every file is committed.
    Finish(Option<Stop>),
}

/// How long to wait before the listing is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Not at all.
    None,
    /// The first request may still be in a proxy.
    Short,
    /// The service said that it may still be at work.
    Long,
    /// The listing was not to be had the last time.
    Retry {
        /// Failures in a row: the pause grows with them.
        failures: u32,
        /// What the service asked for.
        at_least: Option<Duration>,
    },
}

/// Why a run ended before all files were committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The file that stopped it.
    pub file: FileIndex,
    /// What is known about it.
    pub cause: StopCause,
}

/// See [`Stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// Its last request failed, and it is not in the dataset.
    Failed,
    /// It may or may not be in the dataset.
    OutcomeUnknown,
    /// The listing never came to show what is known to be committed.
    ListingBehind,
    /// The dataset holds what this run has not put there.
    ForeignWriter,
    /// Its name is taken, and no request of this run can have taken it.
    NameTaken,
    /// The service took it before its last byte was sent.
    CommittedEarly,
}

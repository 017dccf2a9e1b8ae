//! Decides which file starts next.

use super::{
    ending::Connection,
    events::FileIndex,
    files::{Files, Phase},
    open_limit::OpenLimit,
    retries::Retries,
    stopping::Stopping,
};

/// Requests start in plan order, one after the other. So a server that processes connections in
/// order of arrival sees the order of the plan.
#[derive(Clone, Debug)]
pub(super) struct Starting {
    concurrency: usize,
    max_held: usize,
    /// The file whose connection is being opened. The next one starts after it.
    pub(super) opening: Option<FileIndex>,
}

/// When the head starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadStarts {
    /// At once: other uploads may be waiting for it.
    AtOnce,
    /// When a slot is free, like any other file.
    InASlot,
}

/// Whether files other than the head may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    MayStart,
    /// The head has no request open, or it has failed and is not committed yet.
    MakeRoom,
}

impl Others {
    pub(super) fn of(files: &Files, retries: &Retries) -> Self {
        let is_served = files.head_phase().is_some_and(Phase::is_open);
        if is_served && retries.failures() == 0 { Self::MayStart } else { Self::MakeRoom }
    }
}

impl Starting {
    pub(super) fn new(concurrency: usize, max_held: usize) -> Self {
        Self { concurrency, max_held, opening: None }
    }

    pub(super) fn connection(&self, file: FileIndex) -> Connection {
        if self.opening == Some(file) { Connection::Opening } else { Connection::Open }
    }

    /// Notes that the connection of this file is open, or that its request has ended.
    pub(super) fn opened(&mut self, file: FileIndex) {
        if self.opening == Some(file) {
            self.opening = None;
        }
    }

    pub(super) fn next(
        &self,
        files: &Files,
        stopping: &Stopping,
        others: Others,
        head: HeadStarts,
        limit: &OpenLimit,
    ) -> Option<FileIndex> {
        let is_waiting = |&file: &FileIndex| files[file].phase == Phase::Waiting;
        let file = stopping.startable(files).find(is_waiting)?;
        let throttled = |phase| matches!(phase, Phase::Pausing { throttled: true });
        if files.count(throttled) > 0 {
            return None;
        }
        let is_head = file == files.head();
        let has_turn = is_head || others == Others::MayStart;
        let goes_first = is_head && head == HeadStarts::AtOnce;
        (goes_first || (has_turn && self.has_slot(files, limit))).then_some(file)
    }

    pub(super) fn has_slot(&self, files: &Files, limit: &OpenLimit) -> bool {
        self.opening.is_none()
            && files.in_transfer() < self.concurrency
            && files.count(Phase::is_between_transfers) < self.max_held.max(1)
            && files.open() < limit.requests
    }
}

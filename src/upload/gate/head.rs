//! The head of the line: the first file that is not committed. Everybody else makes room for it.
//!
//! A service may serve fewer requests than are open, and refuse, reset, or let wait the others.
//! What is held for the head's sake may then be what keeps it out. So nobody else starts while
//! the head has no request open, or has failed and is not through yet; and those that are open
//! are dropped where it lacks room all the same.

use std::time::Duration;

use super::{Action, Failure, FileIndex, Gate, Phase, RequestId, StopCause, planted};

/// How the head fares.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Its failures in a row.
    pub(super) failures: u32,
    /// Of these, while no other upload was open that could have been in its way.
    alone: u32,
    /// Ticks in a row in which it moved no byte.
    pub(super) idle_ticks: u32,
    /// Times that others were dropped because it moved no byte.
    pub(super) stalls: u32,
}

impl Gate {
    /// Tries again, later and later. Only the head can fail for good, and only alone: the others
    /// may just wait for a service that serves fewer requests than are open.
    pub(super) fn pause(
        &mut self,
        file: FileIndex,
        lacks_room: bool,
        retry_after: Option<Duration>,
        actions: &mut Vec<Action>,
    ) {
        self.files[file].phase = Phase::Pausing { throttled: retry_after.is_some() };
        let failures = if file == self.head {
            self.head_failed(lacks_room, actions);
            self.line.failures
        } else {
            self.other_failed(file, lacks_room);
            self.files[file].failures
        };
        if self.line.alone > self.config.max_retries && !planted!(self, RetriesWithoutBound) {
            return self.stop(file, StopCause::Failed, false, actions);
        }
        let request = RequestId { file, attempt: self.files[file].attempt };
        actions.push(Action::Pause { request, failures, at_least: retry_after });
    }

    fn head_failed(&mut self, lacks_room: bool, actions: &mut Vec<Action>) {
        self.line.failures += 1;
        let others = self.open();
        if others == 0 {
            // Whatever it was, it was none of ours.
            self.line.alone += 1;
            self.open_limit.forget();
            self.open_limit.lower_to(1);
        } else if self.line.failures > 1 {
            self.make_room(0, others, actions);
        } else if lacks_room {
            self.make_room(others / 2, others, actions);
        }
    }

    fn other_failed(&mut self, file: FileIndex, lacks_room: bool) {
        self.files[file].failures += 1;
        let open = self.open();
        if lacks_room && self.files[self.head].phase.is_open() {
            self.open_limit.serves(open);
        } else {
            // Where the head is not served, this says nothing of how many are.
            self.open_limit.lower_to(open);
        }
    }

    /// Drops others, the newest first, until only `kept` of them are left; the service serves
    /// `served`. What is dropped cannot have been committed. Without an order nothing is dropped:
    /// nobody there waits for the head, so they end by themselves.
    pub(super) fn make_room(&mut self, kept: usize, served: usize, actions: &mut Vec<Action>) {
        self.open_limit.serves(served);
        if !self.config.ordered || planted!(self, HeadRefusedForOthers) {
            return;
        }
        let is_other = |phase| matches!(phase, Phase::Sending | Phase::Held { .. });
        let others =
            (self.head + 1..self.frontier).filter(|&file| is_other(self.files[file].phase));
        let others: Vec<_> = others.skip(kept).collect();
        for &file in others.iter().rev() {
            self.drop_request(file, actions);
        }
        self.open_limit.lower_to(kept + 1);
    }

    /// The next file is the head: the commit before it has made room, so it need not wait.
    pub(super) fn next_head(&mut self) {
        self.line = Head::default();
        self.open_limit.grow();
        if let Some(file) = self.files.get_mut(self.head)
            && file.phase == (Phase::Pausing { throttled: false })
        {
            file.phase = Phase::Waiting;
        }
    }

    /// Whether others than the head may start.
    pub(super) fn is_line_open(&self) -> bool {
        let is_served = self.files.get(self.head).is_some_and(|file| file.phase.is_open());
        (is_served && self.line.failures == 0) || planted!(self, LineLeftOpen)
    }
}

/// Whether a request failed for lack of room: a connection that was not even opened, and what
/// the service says itself.
pub(super) fn lacks_room(
    failure: Failure,
    retry_after: Option<Duration>,
    was_opening: bool,
) -> bool {
    was_opening || failure == Failure::NoRoom || retry_after.is_some()
}

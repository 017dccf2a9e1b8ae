//! The commit gate: files are committed in the order of the plan.
//!
//! Invariant: a tail is released only when every earlier file is committed, so the dataset always
//! holds a prefix of the plan, and at most one file is in doubt.
//!
//! A server may serve fewer requests than are open, and reject, reset or delay the others. Then
//! held uploads may be what keeps the head out. So if the head lacks room, the newest of the others
//! are dropped.

use super::{
    decision::{Room, Turn},
    events::{Action, Event},
    line::{CommitConfig, Line},
    starting::HeadStarts,
    starvation::{HeadAtTick, Starvation},
    strategy::CommitStrategy,
};

/// Commits files in the order of the plan. See the module documentation.
#[derive(Clone, Debug)]
pub struct InOrder {
    pub(super) line: Line,
    starvation: Starvation,
}

impl InOrder {
    /// Starts empty: files come with [`Event::Planned`].
    #[must_use]
    pub fn new(config: CommitConfig) -> Self {
        Self { line: Line::new(config), starvation: Starvation::default() }
    }

    fn tick(&mut self, has_moved: bool) -> Option<Room> {
        self.line.drip();
        let files = &self.line.files;
        let (file, phase) = (files.head(), files.head_phase());
        let others = files.open().saturating_sub(1);
        self.starvation.tick(HeadAtTick { file, phase, has_moved, others })
    }

    /// Drops other uploads, newest first, until only `kept` are left. A dropped upload cannot have
    /// been committed.
    fn make_room(&mut self, room: Room) {
        self.line.open_limit.serves(room.served);
        let files = &self.line.files;
        let others = files.head() + 1..files.begun().end;
        let others = others.filter(|&file| files[file].phase.may_be_dropped());
        let others: Vec<_> = others.skip(room.kept).collect();
        for &file in others.iter().rev() {
            self.line.drop_request(file);
        }
        self.line.open_limit.lower_to(room.kept + 1);
    }
}

impl CommitStrategy for InOrder {
    fn on(&mut self, event: Event) -> Vec<Action> {
        if !self.line.awaits(&event) {
            return Vec::new();
        }
        let head = self.head();
        let room = match event {
            Event::Ended(request, ending) if request.file > head => {
                self.line.ended(request.file, ending, Turn::Later)
            }
            Event::Tick { head_moved } => self.tick(head_moved),
            event => self.line.on(event),
        };
        if let Some(room) = room {
            self.make_room(room);
        }
        if self.line.files.head_phase().is_some() {
            self.line.release(self.head());
        }
        self.line.start_next(HeadStarts::AtOnce);
        self.line.finish();
        self.line.actions()
    }

    fn line(&self) -> &Line {
        &self.line
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, CommitConfig, CommitStrategy, Event, InOrder};
    use crate::{
        config::STALL_TICKS,
        upload::commit::{Ending, Failure, RequestId},
    };

    #[test]
    fn pauses_grow_with_failures_but_not_with_dropped_requests() {
        let request = |file, attempt| RequestId { file, attempt };
        let config = CommitConfig { concurrency: 2, max_held: 2, max_retries: 8 };
        let mut gate = InOrder::new(config);
        assert_eq!(gate.on(Event::Planned(2)), [Action::Start(request(0, 1))]);
        assert_eq!(gate.on(Event::Started(request(0, 1))), [Action::Start(request(1, 1))]);
        let stalled = (0..STALL_TICKS).map(|_| gate.on(Event::Tick { head_moved: false }));
        assert_eq!(stalled.last(), Some(vec![Action::Drop(1)]));
        assert_eq!(gate.on(Event::TailReached(request(0, 1))), [Action::Release(0)]);
        let committed = gate.on(Event::Ended(request(0, 1), Ending::Accepted));
        assert_eq!(committed, [Action::Commit(0), Action::Start(request(1, 2))]);
        let broken = Ending::Temporary { failure: Failure::Broken, retry_after: None };
        let pause = Action::Pause { request: request(1, 2), failures: 1, at_least: None };
        assert_eq!(gate.on(Event::Ended(request(1, 2), broken)), [pause]);
    }
}

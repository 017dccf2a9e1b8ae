//! The commit gate: files are committed in the order of the plan.
//!
//! Invariant: a tail is released only when every earlier file is committed, so the dataset always
//! holds a prefix of the plan, and at most one file is in doubt.
//!
//! A server may serve fewer requests than are open, and refuse, reset, or let wait the others. What
//! is held for the head's sake may then be what keeps the head out. So everybody makes room for the
//! head: the newest others are dropped if it lacks room.

use super::{
    decision::{Room, Turn},
    events::{Action, Event, FileIndex},
    line::Line,
    starting::HeadStarts,
    starvation::Starvation,
    strategy::{CommitConfig, CommitStrategy},
};

/// Commits files in the order of the plan. See the module's text.
#[derive(Clone, Debug)]
pub struct InOrder {
    pub(super) line: Line,
    starvation: Starvation,
}

impl InOrder {
    /// With nothing to send yet: files come with [`Event::Planned`].
    #[must_use]
    pub fn new(config: CommitConfig) -> Self {
        Self { line: Line::new(config), starvation: Starvation::default() }
    }

    fn tick(&mut self, head_moved: bool) -> Option<Room> {
        self.line.drip();
        let files = &self.line.files;
        let head = (files.head(), files.head_phase());
        let others = files.open().saturating_sub(1);
        self.starvation.tick(head, head_moved, others)
    }

    /// Drops others, the newest first, until only `kept` of them are left. What is dropped cannot
    /// have been committed.
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
        self.line.actions()
    }

    fn wants_file(&self) -> bool {
        self.line.wants_file()
    }

    fn head(&self) -> FileIndex {
        self.line.files.head()
    }

    fn in_transfer(&self) -> usize {
        self.line.files.in_transfer()
    }
}

//! Files are committed in any order: each as soon as it is sent.
//!
//! Nothing is dropped to make room: no file waits for another, so what is open ends by itself.

use super::{
    events::{Action, Event},
    line::{CommitConfig, Line},
    starting::HeadStarts,
    strategy::CommitStrategy,
};

/// Commits files as soon as they are sent. See the module's text.
#[derive(Clone, Debug)]
pub struct Unordered {
    pub(super) line: Line,
}

impl Unordered {
    /// With nothing to send yet: files come with [`Event::Planned`].
    #[must_use]
    pub fn new(config: CommitConfig) -> Self {
        Self { line: Line::new(config) }
    }
}

impl CommitStrategy for Unordered {
    fn on(&mut self, event: Event) -> Vec<Action> {
        if !self.line.awaits(&event) {
            return Vec::new();
        }
        if let Some(room) = self.line.on(event) {
            self.line.open_limit.serves(room.served);
        }
        for file in self.line.files.begun() {
            self.line.release(file);
        }
        self.line.start_next(HeadStarts::InASlot);
        self.line.finish();
        self.line.actions()
    }

    fn line(&self) -> &Line {
        &self.line
    }
}

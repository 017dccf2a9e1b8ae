//! The port: what the shell and the simulation need from an order of commits.

use std::fmt::Debug;

use super::{
    events::{Action, Event, FileIndex},
    line::Line,
};

/// Decides which request starts, waits, releases its tail, or is dropped. A pure state machine.
pub trait CommitStrategy: Debug + Send {
    /// Takes in what happened and says what to do now.
    #[must_use]
    fn on(&mut self, event: Event) -> Vec<Action>;

    /// The state that all strategies share, from which the methods below are derived.
    fn line(&self) -> &Line;

    /// Whether another file of a plan that grows could be put to use: bounded by
    /// `concurrency`, because each one waits on disk until it is committed.
    #[must_use]
    fn wants_file(&self) -> bool {
        self.line().wants_file()
    }

    /// The first file that is not committed; the number of files when all are.
    #[must_use]
    fn head(&self) -> FileIndex {
        self.line().files.head()
    }

    /// Files whose body or response is on its way.
    #[must_use]
    fn in_transfer(&self) -> usize {
        self.line().files.in_transfer()
    }
}

//! The port: what the shell and the simulation need from an order of commits.

use std::fmt::Debug;

use super::events::{Action, Event, FileIndex};

/// How much a strategy may do.
#[derive(Clone, Copy, Debug)]
pub struct CommitConfig {
    /// Bodies sent at the same time; at least 1.
    pub concurrency: usize,
    /// Uploads that may wait with a held tail, on top of `concurrency`.
    pub max_held: usize,
    /// Attempts after the first one, for the file at the head. Those that failed while other
    /// uploads were open do not count.
    pub max_retries: u32,
}

/// Decides which request starts, waits, releases its tail, or is dropped. A pure state machine.
pub trait CommitStrategy: Debug + Send {
    /// Takes in what happened and says what to do now.
    #[must_use]
    fn on(&mut self, event: Event) -> Vec<Action>;

    /// Whether another file of a plan that grows could be put to use: bounded by
    /// `concurrency`, because each one waits on disk until it is committed.
    #[must_use]
    fn wants_file(&self) -> bool;

    /// The first file that is not committed; the number of files when all are.
    #[must_use]
    fn head(&self) -> FileIndex;

    /// Files whose body or response is on its way.
    #[must_use]
    fn in_transfer(&self) -> usize;
}

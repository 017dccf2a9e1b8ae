//! The order of commits: decides which upload starts, waits, releases its tail, or is dropped.
//!
//! A port with one implementation per file. A [`CommitStrategy`] takes events and returns actions.
//! It has no I/O, no clock and no randomness. The shell around it (`transfer`) performs the actions
//! and reports what happened, so a simulation can drive the same decisions a million times.
//!
//! ```text
//! InOrder, Unordered, Staged ──> Line ──> Files, Starting, Retries, OpenLimit, Stopping
//! ```
//!
//! The strategies differ in when they release a tail and in whether they drop requests. `line` has
//! what they share; the values below it only return decisions.

mod decision;
mod ending;
mod events;
mod files;
mod in_order;
mod line;
mod open_limit;
mod retries;
mod settling;
#[cfg(test)]
mod simulation;
mod staged;
mod starting;
mod starvation;
mod stopping;
mod strategy;
mod unordered;

pub use events::{
    Action, Ending, Event, Failure, FileIndex, Grace, Group, GroupEnding, RequestId, Stop,
    StopCause,
};
pub use in_order::InOrder;
pub use line::CommitConfig;
pub use staged::{CommitWhen, Staged};
pub use strategy::CommitStrategy;
pub use unordered::Unordered;

pub use super::{order::Order, verdict::Verdict};
use crate::wire::staging::MAX_COMMIT_FILES;

/// How files are committed to a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each upload commits its file.
    Uploads(Order),
    /// Files are staged; other requests commit them in the order of the plan.
    Stages(CommitWhen),
}

/// The strategy for this mode.
#[must_use]
pub fn strategy(mode: Mode, config: CommitConfig) -> Box<dyn CommitStrategy> {
    match mode {
        Mode::Uploads(Order::Planned) => Box::new(InOrder::new(config)),
        Mode::Uploads(Order::Any) => Box::new(Unordered::new(config)),
        Mode::Stages(when) => Box::new(Staged::new(config, when, MAX_COMMIT_FILES)),
    }
}

//! Strategies with a bug.

use super::{
    super::{CommitConfig, CommitStrategy, Order},
    bug::Bug,
    faulty::Faulty,
    faulty_gate::FaultyGate,
};

/// A strategy with this bug.
pub(super) fn planted(bug: Bug, order: Order, config: CommitConfig) -> Box<dyn CommitStrategy> {
    match bug {
        Bug::HeadWaitsForSlot | Bug::HeadRefusedForOthers | Bug::LineLeftOpen => {
            Box::new(FaultyGate::new(bug, config))
        }
        _ => Box::new(Faulty::new(bug, order, config)),
    }
}

//! The simulation's own power: bugs are planted in the gate, and it finds each.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::World;

/// A bug that a test plants in a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Bug {
    TailLetGoEarly,
    DoubtTakenForCommit,
    IncompleteTakenForNotSent,
    RetryAfterIgnored,
    HeadWaitsForSlot,
    StaleListingBelieved,
    MissingListingBelieved,
    GraceSkipped,
    DroppedAfterRelease,
    RefusedFileSkipped,
    RetriesWithoutBound,
    EarlyAnswerBelieved,
    StartedOutOfOrder,
    HeldForgotten,
    StarvationIgnored,
    HeadRefusedForOthers,
    LineLeftOpen,
    ListingStarved,
    TakenNameTakenForOurs,
}

const BUGS: [Bug; 19] = [
    Bug::TailLetGoEarly,
    Bug::DoubtTakenForCommit,
    Bug::IncompleteTakenForNotSent,
    Bug::RetryAfterIgnored,
    Bug::HeadWaitsForSlot,
    Bug::StaleListingBelieved,
    Bug::MissingListingBelieved,
    Bug::GraceSkipped,
    Bug::DroppedAfterRelease,
    Bug::RefusedFileSkipped,
    Bug::RetriesWithoutBound,
    Bug::EarlyAnswerBelieved,
    Bug::StartedOutOfOrder,
    Bug::HeldForgotten,
    Bug::StarvationIgnored,
    Bug::HeadRefusedForOthers,
    Bug::LineLeftOpen,
    Bug::ListingStarved,
    Bug::TakenNameTakenForOurs,
];

#[test]
fn each_planted_bug_is_found_within_2000_schedules() {
    let finds = |bug: Bug, seed: u64| {
        let run = AssertUnwindSafe(|| World::new(seed, Some(bug)).run());
        catch_unwind(run).map_or(true, |outcome| outcome.is_err())
    };
    for bug in BUGS {
        let found = (0..2_000).find(|&seed| finds(bug, seed));
        eprintln!("{bug:?}: found by schedule {found:?}");
        assert!(found.is_some(), "{bug:?} is not found");
    }
}

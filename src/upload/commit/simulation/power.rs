//! Tests the simulation itself: it must find each bug that is planted around a strategy.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{super::Order, bug::Bug, world::World};

/// Bugs of any strategy.
const BUGS: [Bug; 12] = [
    Bug::DoubtTakenForCommit,
    Bug::IncompleteTakenForNotSent,
    Bug::RetryAfterIgnored,
    Bug::StaleListingBelieved,
    Bug::MissingListingBelieved,
    Bug::GraceSkipped,
    Bug::DroppedAfterRelease,
    Bug::RefusedFileSkipped,
    Bug::RetriesWithoutBound,
    Bug::StartedOutOfOrder,
    Bug::HeldForgotten,
    Bug::TakenNameTakenForOurs,
];

/// Bugs in what only the commit gate does: holding tails and making room for the head.
const BUGS_OF_THE_GATE: [Bug; 7] = [
    Bug::TailReleasedEarly,
    Bug::EarlyResponseBelieved,
    Bug::HeadWaitsForSlot,
    Bug::StarvationIgnored,
    Bug::HeadRefusedForOthers,
    Bug::LineLeftOpen,
    Bug::ListingStarved,
];

#[test]
fn each_planted_bug_is_found_within_2000_schedules() {
    for bug in BUGS.into_iter().chain(BUGS_OF_THE_GATE) {
        assert_found(bug, Order::Planned);
    }
}

#[test]
fn each_bug_planted_in_an_unordered_upload_is_found_within_2000_schedules() {
    for bug in BUGS {
        assert_found(bug, Order::Any);
    }
}

fn assert_found(bug: Bug, order: Order) {
    let finds = |seed: u64| {
        let run = AssertUnwindSafe(|| World::new(seed, order, Some(bug)).run());
        catch_unwind(run).map_or(true, |outcome| outcome.is_err())
    };
    let found = (0..2_000).find(|&seed| finds(seed));
    eprintln!("{bug:?}: found by schedule {found:?}");
    assert!(found.is_some(), "{bug:?} is not found");
}

//! Tests the simulation itself: it must find each bug that is planted around the strategy.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{bug::Bug, world::World};

const BUGS: [Bug; 11] = [
    Bug::CountAsFound,
    Bug::LostResponseTakenForCommit,
    Bug::OtherCountTakenForCommit,
    Bug::GoneTakenForCommit,
    Bug::GoneRetried,
    Bug::RejectedRetried,
    Bug::ForeignTakenForOurs,
    Bug::AbsentTakenForCommit,
    Bug::CommitsAhead,
    Bug::CommitsTwice,
    Bug::NextForgotten,
];

#[test]
fn each_bug_planted_in_a_staged_upload_is_found_within_2000_schedules() {
    for bug in BUGS {
        let finds = |seed: u64| {
            let run = AssertUnwindSafe(|| World::new(seed, Some(bug)).run());
            catch_unwind(run).map_or(true, |outcome| outcome.is_err())
        };
        let found = (0..2_000).find(|&seed| finds(seed));
        eprintln!("{bug:?}: found by schedule {found:?}");
        assert!(found.is_some(), "{bug:?} is not found");
    }
}

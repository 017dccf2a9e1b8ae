//! The cost of few places: requests that are rejected because the client tried one more than the
//! server serves.

use fastrand::Rng;

use super::{
    super::{CommitConfig, Order},
    schedule::{Schedule, WhenFull},
    world::World,
};

const FILES: usize = 300;

/// Counts the requests for this many files at a server with this many places.
fn requests(places: usize, when_full: WhenFull, seed: u64) -> usize {
    let config = CommitConfig { concurrency: 8, max_held: 32, max_retries: 8 };
    let schedule = Schedule {
        files: FILES,
        order: Order::Planned,
        config,
        places,
        when_full,
        has_strangers: false,
        has_rival: false,
        tells_hashes: false,
        fault_percent: 0,
        listing_fault_percent: 0,
        slow_head_percent: 0,
        has_big_bodies: seed.is_multiple_of(2),
    };
    let mut world = World::of(schedule, Rng::with_seed(seed), None);
    assert_eq!(world.run(), Ok(true), "{places} {when_full:?} {seed}");
    world.starts
}

#[test]
fn a_limit_is_remembered_once_met_and_costs_few_requests() {
    for places in 1..5 {
        for (when_full, most) in [
            (WhenFull::Refuses { tells_when: false }, FILES / 3),
            (WhenFull::Refuses { tells_when: true }, FILES / 3),
            (WhenFull::Waits, FILES / 2),
            (WhenFull::Resets, FILES * 2),
        ] {
            let more: Vec<_> =
                (0..8).map(|seed| requests(places, when_full, seed) - FILES).collect();
            eprintln!("{places} places, {when_full:?}: {more:?} more requests");
            assert!(more.iter().all(|&more| more <= most), "{places} {when_full:?} {more:?}");
        }
    }
}

//! The conditions of a schedule, drawn from its seed.

use fastrand::Rng;

use super::super::{CommitConfig, Order};

/// What the server does with a request for which it has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// Lets it wait for one.
    Waits,
    /// Rejects it (503), with or without `Retry-After`.
    Refuses { tells_when: bool },
    /// Resets its connection.
    Resets,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent conditions of a schedule")]
pub(super) struct Schedule {
    pub(super) files: usize,
    pub(super) order: Order,
    pub(super) config: CommitConfig,
    /// The number of requests that the server serves at the same time, including listings.
    pub(super) places: usize,
    pub(super) when_full: WhenFull,
    /// Other clients take places, but leave at least one.
    pub(super) has_strangers: bool,
    /// A second client has the same plan, with other contents of the same sizes.
    pub(super) has_rival: bool,
    /// Listings report hashes.
    pub(super) tells_hashes: bool,
    pub(super) fault_percent: u8,
    /// How often a listing is stale or not available.
    pub(super) listing_fault_percent: u8,
    /// How often the head of the line moves only a few bytes.
    pub(super) slow_head_percent: u8,
    /// Bodies do not fit into the buffers of a connection that is not served.
    pub(super) has_big_bodies: bool,
}

impl Schedule {
    pub(super) fn draw(rng: &mut Rng, order: Order) -> Self {
        let when_full = [
            WhenFull::Waits,
            WhenFull::Waits,
            WhenFull::Refuses { tells_when: false },
            WhenFull::Refuses { tells_when: true },
            WhenFull::Resets,
        ];
        Self {
            files: rng.usize(1..12),
            order,
            config: CommitConfig {
                concurrency: rng.usize(1..6),
                max_held: rng.usize(0..6),
                max_retries: rng.u32(3..8),
            },
            places: one_of(rng, [1, 1, 2, 3, 100]),
            when_full: one_of(rng, when_full),
            has_strangers: rng.u8(0..4) == 0,
            has_rival: rng.u8(0..8) == 0,
            tells_hashes: rng.bool(),
            fault_percent: one_of(rng, [0, 0, 0, 2, 2, 5, 5, 15, 15, 100]),
            listing_fault_percent: one_of(rng, [0, 5, 50]),
            slow_head_percent: one_of(rng, [0, 0, 99]),
            has_big_bodies: rng.bool(),
        }
    }

    /// Nothing in the schedule can keep the upload from completing: one place is free often enough,
    /// and everything else works.
    pub(super) fn must_complete(&self) -> bool {
        self.fault_percent == 0 && self.listing_fault_percent == 0 && !self.has_rival
    }
}

fn one_of<T: Copy, const N: usize>(rng: &mut Rng, values: [T; N]) -> T {
    values[rng.usize(0..N)]
}

//! What a schedule is like, drawn from its seed.

use fastrand::Rng;

use super::super::{CommitConfig, Order};

/// What the service does with a request that it has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// It waits for one.
    Waits,
    /// It is refused (503), with or without `Retry-After`.
    Refuses { tells_when: bool },
    /// Its connection is reset.
    Resets,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what a schedule is like")]
pub(super) struct Schedule {
    pub(super) files: usize,
    pub(super) order: Order,
    pub(super) config: CommitConfig,
    /// Requests that the service serves at the same time, listings among them.
    pub(super) places: usize,
    pub(super) when_full: WhenFull,
    /// Others take places, and leave at least one.
    pub(super) has_strangers: bool,
    /// A second client has the same plan, with other contents of the same sizes.
    pub(super) has_rival: bool,
    /// Listings tell the hashes of contents.
    pub(super) tells_hashes: bool,
    pub(super) fault_percent: u8,
    /// How often a listing is old, or cannot be had.
    pub(super) listing_fault_percent: u8,
    /// How often the head of the line moves a few bytes only.
    pub(super) slow_head_percent: u8,
    /// Bodies do not fit into the buffers of a connection that nobody serves.
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

    /// Nothing happens in it that could keep the upload from being complete: one place is free
    /// often enough, and everything else works.
    pub(super) fn must_complete(&self) -> bool {
        self.fault_percent == 0 && self.listing_fault_percent == 0 && !self.has_rival
    }
}

fn one_of<T: Copy, const N: usize>(rng: &mut Rng, values: [T; N]) -> T {
    values[rng.usize(0..N)]
}

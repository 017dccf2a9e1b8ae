//! The conditions of a schedule, drawn from its seed.

use fastrand::Rng;

use crate::upload::commit::{CommitConfig, CommitWhen};

#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) files: usize,
    pub(super) when: CommitWhen,
    /// Maximum number of files in one commit.
    pub(super) max_group: usize,
    pub(super) config: CommitConfig,
    /// The number of other files in the dataset before the upload.
    pub(super) before: usize,
    /// A second client has the same plan and the same contents.
    pub(super) has_rival: bool,
    /// A foreign client writes other files to the dataset.
    pub(super) has_foreign_writer: bool,
    pub(super) fault_percent: u8,
    /// How often staged files expire before their commit.
    pub(super) max_expiries: usize,
    /// How often a listing is stale or not available.
    pub(super) listing_fault_percent: u8,
    /// The server names the file that it rejects.
    pub(super) names_files: bool,
    /// This file of the plan is rejected by every commit: its schema differs.
    pub(super) rejected: Option<usize>,
}

impl Schedule {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let files = rng.usize(1..12);
        let when = [CommitWhen::NextStaged, CommitWhen::NextStaged, CommitWhen::AllStaged];
        let when = if rng.u8(0..20) == 0 { CommitWhen::Never } else { one_of(rng, when) };
        Self {
            files,
            when,
            // All staged files are one commit.
            max_group: if when == CommitWhen::NextStaged { rng.usize(1..8) } else { files },
            config: CommitConfig {
                concurrency: rng.usize(1..6),
                max_held: rng.usize(0..6),
                max_retries: rng.u32(3..8),
            },
            before: rng.usize(0..3),
            has_rival: rng.u8(0..6) == 0,
            has_foreign_writer: rng.u8(0..12) == 0,
            fault_percent: one_of(rng, [0, 0, 0, 2, 5, 15, 50]),
            max_expiries: one_of(rng, [0, 0, 1, 3]),
            listing_fault_percent: one_of(rng, [0, 5, 50]),
            names_files: rng.bool(),
            rejected: (rng.u8(0..8) == 0).then(|| rng.usize(0..files)),
        }
    }

    /// Nothing in the schedule can keep the upload from completing.
    pub(super) fn must_complete(&self) -> bool {
        self.is_calm()
            && self.rejected.is_none()
            && (!self.has_rival || self.when == CommitWhen::NextStaged)
    }

    /// The number of files of the plan in the dataset when a rejected file ends the upload.
    pub(super) fn must_reach(&self) -> Option<usize> {
        let is_reached = self.is_calm() && !self.has_rival && self.when == CommitWhen::NextStaged;
        self.rejected.filter(|_| is_reached)
    }

    fn is_calm(&self) -> bool {
        self.fault_percent == 0 && self.listing_fault_percent == 0 && !self.has_foreign_writer
    }
}

fn one_of<T: Copy, const N: usize>(rng: &mut Rng, values: [T; N]) -> T {
    values[rng.usize(0..N)]
}

//! Where one file is, as the gate sees it.

use super::Ending;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To be started, for the first time or again.
    Waiting,
    Sending,
    Held {
        ticks: u32,
    },
    Released,
    Pausing {
        throttled: bool,
    },
    Settling {
        polls: u32,
        ending: Ending,
        unavailable: Unavailable,
    },
    Committed,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) phase: Phase,
    pub(super) attempt: u32,
    /// In a row, while it was not the head.
    pub(super) failures: u32,
    /// A tail of this file was let go, and the outcome was not learned: it may turn up in the
    /// dataset.
    pub(super) may_be_there: bool,
}

/// Listings in a row that were not to be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unavailable {
    pub(super) times: u32,
    /// Of these, while no upload was open that could have been in the way.
    pub(super) alone: u32,
}

impl Phase {
    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Held { .. })
    }

    pub(super) fn is_in_transfer(self) -> bool {
        matches!(self, Self::Sending | Self::Released)
    }

    pub(super) fn is_open(self) -> bool {
        self.is_held() || self.is_in_transfer()
    }
}

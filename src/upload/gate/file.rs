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
    },
    Committed,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) phase: Phase,
    pub(super) attempt: u32,
    pub(super) failures: u32,
    /// A tail of this file was let go before: it may turn up in the dataset.
    pub(super) was_released: bool,
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

//! A head that moves no byte while others are open: they may be what keeps it from being served.

use super::{decision::Room, events::FileIndex, files::Phase};
use crate::config::{STALL_TICKS, STALL_TICKS_ANSWER};

/// How long the head has not moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Starvation {
    head: FileIndex,
    /// Ticks in a row in which it moved no byte.
    idle_ticks: u32,
    /// Times that others were dropped because of that.
    stalls: u32,
}

impl Starvation {
    /// Time has passed, with so many `others` open.
    pub(super) fn tick(
        &mut self,
        head: (FileIndex, Option<Phase>),
        head_moved: bool,
        others: usize,
    ) -> Option<Room> {
        let (head, phase) = head;
        if self.head != head {
            *self = Self { head, ..Self::default() };
        }
        let patience = match phase {
            Some(Phase::Sending) => STALL_TICKS,
            Some(Phase::Released) => STALL_TICKS_ANSWER,
            _ => {
                self.idle_ticks = 0;
                return None;
            }
        };
        self.idle_ticks = if head_moved { 0 } else { self.idle_ticks + 1 };
        if others == 0 || self.idle_ticks < patience << self.stalls {
            return None;
        }
        let kept = if self.stalls == 0 { others / 2 } else { 0 };
        self.idle_ticks = 0;
        self.stalls = (self.stalls + 1).min(5);
        Some(Room { kept, served: others.div_ceil(2) })
    }
}

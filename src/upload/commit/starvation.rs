//! Detects a head that moves no byte while other uploads are open, which may keep it from being
//! served.

use super::{decision::Room, events::FileIndex, files::Phase};
use crate::config::{STALL_TICKS, STALL_TICKS_ANSWER};

/// How long the head has not moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Starvation {
    head: FileIndex,
    /// Ticks in a row without progress.
    idle_ticks: u32,
    /// How often others were dropped because of that.
    stalls: u32,
}

/// The state of the head after a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadAtTick {
    pub(super) file: FileIndex,
    /// `None` if no file is left.
    pub(super) phase: Option<Phase>,
    /// Whether it has moved a byte since the last tick.
    pub(super) has_moved: bool,
    /// Other files that are open.
    pub(super) others: usize,
}

impl Starvation {
    /// Notes that time has passed.
    pub(super) fn tick(&mut self, head: HeadAtTick) -> Option<Room> {
        let HeadAtTick { file, phase, has_moved, others } = head;
        if self.head != file {
            *self = Self { head: file, ..Self::default() };
        }
        let patience = match phase {
            Some(Phase::Sending) => STALL_TICKS,
            Some(Phase::Released) => STALL_TICKS_ANSWER,
            _ => {
                self.idle_ticks = 0;
                return None;
            }
        };
        self.idle_ticks = if has_moved { 0 } else { self.idle_ticks + 1 };
        if others == 0 || self.idle_ticks < patience << self.stalls {
            return None;
        }
        let kept = if self.stalls == 0 { others / 2 } else { 0 };
        self.idle_ticks = 0;
        self.stalls = (self.stalls + 1).min(5);
        Some(Room { kept, served: others.div_ceil(2) })
    }
}

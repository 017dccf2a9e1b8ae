//! Time passes: held uploads are kept alive, and a head that does not move gets room.

use super::{Action, Gate, Phase, planted};
use crate::config::{DRIP_TICKS, STALL_TICKS, STALL_TICKS_ANSWER};

impl Gate {
    pub(super) fn tick(&mut self, head_moved: bool, actions: &mut Vec<Action>) {
        for file in self.head..self.frontier {
            if let Phase::Held { ticks } = &mut self.files[file].phase {
                *ticks += 1;
                if *ticks % DRIP_TICKS == 0 {
                    actions.push(Action::Drip(file));
                }
            }
        }
        let patience = match self.files.get(self.head).map(|file| file.phase) {
            Some(Phase::Sending) => STALL_TICKS,
            Some(Phase::Released) => STALL_TICKS_ANSWER,
            _ => return self.idle_ticks = 0,
        };
        self.idle_ticks = if head_moved { 0 } else { self.idle_ticks + 1 };
        if planted!(self, StarvationIgnored) {
            return;
        }
        if self.idle_ticks >= patience << self.stalls && self.config.ordered && self.open() > 1 {
            self.idle_ticks = 0;
            self.stalls = (self.stalls + 1).min(5);
            self.make_room_for_head(actions);
        }
    }
}

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
            _ => return self.line.idle_ticks = 0,
        };
        self.line.idle_ticks = if head_moved { 0 } else { self.line.idle_ticks + 1 };
        let others = self.open() - 1;
        let is_stalled = self.line.idle_ticks >= patience << self.line.stalls && others > 0;
        if !is_stalled || !self.config.ordered || planted!(self, StarvationIgnored) {
            return;
        }
        let kept = if self.line.stalls == 0 { others / 2 } else { 0 };
        self.line.idle_ticks = 0;
        self.line.stalls = (self.line.stalls + 1).min(5);
        self.make_room(kept, others.div_ceil(2), actions);
    }
}

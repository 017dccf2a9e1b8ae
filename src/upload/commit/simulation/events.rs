//! Chooses a random event among those that are possible now.

use std::time::Duration;

use super::{
    super::{CommitStrategy, Ending, Event, Failure, Grace},
    requests::{Request, Stage},
    schedule::WhenFull,
    world::World,
};

/// 503 with `Retry-After`.
const PLEASE_COME_AGAIN: Ending =
    Ending::Temporary { failure: Failure::NoRoom, retry_after: Some(Duration::from_secs(1)) };
/// 503 without `Retry-After`.
const NO_ROOM: Ending = Ending::Temporary { failure: Failure::NoRoom, retry_after: None };
const BROKEN: Ending = Ending::Temporary { failure: Failure::Broken, retry_after: None };
const STILL_AT_WORK: Ending =
    Ending::Temporary { failure: Failure::StillAtWork, retry_after: None };

impl World {
    pub(super) fn next_event(&mut self, client: &dyn CommitStrategy) -> Option<Event> {
        self.serve();
        if !self.plan_has_ended && self.rng.u8(0..4) == 0 {
            return Some(self.grow_plan());
        }
        match self.rng.u8(0..10) {
            0 => {
                let head_moved = self.moved.remove(&client.head()).is_some();
                self.moved.clear();
                Some(Event::Tick { head_moved })
            }
            1 if !self.pauses.is_empty() => {
                let index = self.rng.usize(0..self.pauses.len());
                let request = self.pauses.swap_remove(index);
                self.throttled.retain(|&throttled| throttled != request.file);
                // During a pause, the server notices dropped connections.
                self.ghosts = 0;
                Some(Event::PauseOver(request))
            }
            2 if !self.settling.is_empty() => Some(self.look()),
            3 if !self.zombies.is_empty() => {
                let index = self.rng.usize(0..self.zombies.len());
                let file = self.zombies.swap_remove(index);
                self.store(file, true);
                None
            }
            _ if self.requests.is_empty() => None,
            _ => {
                let index = self.rng.usize(0..self.requests.len());
                self.advance(index)
            }
        }
    }

    fn grow_plan(&mut self) -> Event {
        let left = self.positions.len() - self.planned;
        self.plan_has_ended = left == 0;
        let more = self.rng.usize(left.min(1)..=left);
        self.planned += more;
        if left == 0 { Event::PlanEnded } else { Event::Planned(more) }
    }

    /// A listing is read to settle a file in doubt.
    fn look(&mut self) -> Event {
        let index = self.rng.usize(0..self.settling.len());
        let (file, grace) = self.settling.swap_remove(index);
        if matches!(grace, Grace::Short | Grace::Long) {
            self.arrive_or_die(self.positions[file]);
        }
        if grace != Grace::None {
            self.ghosts = 0;
        }
        Event::Settled(file, self.verdict(self.positions[file]))
    }

    fn advance(&mut self, index: usize) -> Option<Event> {
        let Request { id, stage, .. } = self.requests[index];
        let file = self.positions[id.file];
        if self.percent(self.schedule.fault_percent) {
            return Some(self.fail(index));
        }
        if let Some(ending) = self.refusal_of(index) {
            return Some(self.end(index, ending));
        }
        let is_served = self.requests[index].is_served;
        let is_head = file == self.head();
        if stage == Stage::Sending && !is_served && self.schedule.has_big_bodies {
            if is_head || self.rng.u8(0..16) > 0 {
                return None;
            }
            // It has waited for a place for too long.
            return Some(self.end(index, BROKEN));
        }
        if stage == Stage::Sending && is_head && self.percent(self.schedule.slow_head_percent) {
            self.moved.insert(id.file, true);
            return None;
        }
        if stage != Stage::Released && self.holds(file) && self.rng.bool() {
            return Some(self.end(index, Ending::NameTaken));
        }
        let next = match stage {
            Stage::Connecting => Stage::Sending,
            Stage::Sending => Stage::Held,
            Stage::Held => return None,
            Stage::Released if !is_served => return None,
            Stage::Released => {
                let is_new = self.store(file, true);
                let ending = if is_new { Ending::Accepted } else { Ending::NameTaken };
                return Some(self.end(index, ending));
            }
        };
        self.requests[index].stage = next;
        self.moved.insert(id.file, true);
        Some(if next == Stage::Sending { Event::Started(id) } else { Event::TailReached(id) })
    }

    /// The server's response to a request for which it has no place. It looks at a request sooner
    /// or later: by then, a small body may be sent completely, including its tail.
    fn refusal_of(&mut self, index: usize) -> Option<Ending> {
        let Request { stage, is_served, .. } = self.requests[index];
        let must_look = stage == Stage::Sending && self.schedule.has_big_bodies;
        let ending = match self.schedule.when_full {
            WhenFull::Waits => return None,
            WhenFull::Refuses { tells_when: true } => PLEASE_COME_AGAIN,
            WhenFull::Refuses { tells_when: false } => NO_ROOM,
            WhenFull::Resets => BROKEN,
        };
        if is_served || !(must_look || self.rng.bool()) {
            return None;
        }
        if self.has_free_place() {
            self.requests[index].is_served = true;
            return None;
        }
        Some(ending)
    }

    fn end(&mut self, index: usize, ending: Ending) -> Event {
        let Request { id, stage, .. } = self.requests.remove(index);
        let is_clear = matches!(ending, Ending::Accepted | Ending::NameTaken);
        if stage == Stage::Released && !is_clear {
            self.in_doubt.insert(self.positions[id.file]);
        }
        Event::Ended(id, ending)
    }

    /// A fault of this request: what the client sees, and what the server does anyway.
    fn fail(&mut self, index: usize) -> Event {
        let Request { id, stage, .. } = self.requests[index];
        let file = self.positions[id.file];
        if stage == Stage::Released {
            match self.rng.u8(0..4) {
                0 => {}
                1 => self.zombies.push(file),
                _ => drop(self.store(file, true)),
            }
        }
        let ending = match self.rng.u8(0..20) {
            0 if stage != Stage::Released => Ending::Refused,
            1 if stage != Stage::Released => Ending::RefusedAll,
            2..5 => Ending::Final,
            5..6 => PLEASE_COME_AGAIN,
            6..8 => STILL_AT_WORK,
            8 if stage == Stage::Held => {
                self.has_answered_early = true;
                Ending::Accepted
            }
            9..11 => NO_ROOM,
            _ => BROKEN,
        };
        self.end(index, ending)
    }
}

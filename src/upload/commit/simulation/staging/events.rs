//! Chooses a random event among those that are possible now.

use std::time::Duration;

use super::{
    server::{CommitRequest, Writer},
    world::World,
};
use crate::upload::commit::{Ending, Event, Failure, Grace, GroupEnding, Verdict};

const BROKEN: Ending = Ending::Temporary { failure: Failure::Broken, retry_after: None };
const NO_ROOM: Ending =
    Ending::Temporary { failure: Failure::NoRoom, retry_after: Some(Duration::from_secs(1)) };
const LOST: GroupEnding = GroupEnding::Temporary { retry_after: None };

impl World {
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.others_write();
        if !self.plan_has_ended && self.rng.u8(0..4) == 0 {
            return Some(self.grow_plan());
        }
        match self.rng.u8(0..11) {
            0 => Some(Event::Tick { head_moved: self.rng.bool() }),
            1 if !self.pauses.is_empty() => {
                let index = self.rng.usize(0..self.pauses.len());
                Some(Event::PauseOver(self.pauses.swap_remove(index)))
            }
            2 if !self.zombies.is_empty() => {
                let index = self.rng.usize(0..self.zombies.len());
                let request = self.zombies.swap_remove(index);
                self.execute(&request);
                None
            }
            3 | 4 if self.commit.is_some() => Some(self.end_commit()),
            3 | 4 if self.is_commit_pausing => {
                self.is_commit_pausing = false;
                Some(Event::GroupPauseOver)
            }
            3 | 4 if self.comparing.is_some() => Some(self.compare()),
            5 if self.gathering > 0 => {
                self.gathering -= 1;
                Some(Event::GroupGathered)
            }
            6 if self.expiries < self.schedule.max_expiries => {
                let ids: Vec<_> = self.server.staged.keys().copied().collect();
                let id = ids.get(self.rng.usize(0..=ids.len()))?;
                self.expiries += usize::from(self.server.staged.remove(id).is_some());
                None
            }
            _ if self.requests.is_empty() => None,
            _ => Some(self.advance()),
        }
    }

    fn others_write(&mut self) {
        let next = self.server.dataset.len() - self.schedule.before;
        let is_plan_over = self.server.dataset[self.schedule.before..]
            .iter()
            .any(|stored| stored.writer == Writer::Foreign);
        if self.schedule.has_rival && self.rng.u8(0..60) == 0 && !is_plan_over {
            if next < self.schedule.files && Some(next) != self.schedule.rejected {
                self.server.add(Writer::Rival, next);
            }
        } else if self.schedule.has_foreign_writer && self.rng.u8(0..200) == 0 {
            self.server.add(Writer::Foreign, usize::MAX);
        }
    }

    fn grow_plan(&mut self) -> Event {
        let left = self.schedule.files - self.there - self.planned;
        self.plan_has_ended = left == 0;
        let more = self.rng.usize(left.min(1)..=left);
        self.planned += more;
        if left == 0 { Event::PlanEnded } else { Event::Planned(more) }
    }

    /// A request that stages a file makes progress or ends.
    fn advance(&mut self) -> Event {
        let index = self.rng.usize(0..self.requests.len());
        let id = self.requests[index];
        match self.rng.u8(0..4) {
            0 => return Event::Started(id),
            1 => {
                self.sent.insert(id);
                return Event::TailReached(id);
            }
            _ => drop(self.requests.remove(index)),
        }
        let file = self.there + id.file;
        let ending = if self.percent(self.schedule.fault_percent) {
            if self.rng.bool() {
                // Staged, but the client does not know the id.
                self.server.stage(file);
            }
            match self.rng.u8(0..12) {
                0 => Ending::Refused,
                1 => Ending::RefusedAll,
                2 => Ending::Final,
                3..6 => NO_ROOM,
                _ => BROKEN,
            }
        } else if self.server.holds(file) {
            Ending::NameTaken
        } else {
            let staged = self.server.stage(file);
            self.staged.insert(id.file, staged);
            Ending::Accepted
        };
        Event::Ended(id, ending)
    }

    pub(super) fn execute(&mut self, request: &CommitRequest) -> GroupEnding {
        self.server.commit(request, self.schedule.rejected, self.schedule.names_files)
    }

    fn end_commit(&mut self) -> Event {
        let Some(request) = self.commit.take() else { return Event::GroupPauseOver };
        if !self.percent(self.schedule.fault_percent) {
            return Event::GroupEnded(self.execute(&request));
        }
        match self.rng.u8(0..4) {
            0 => {}
            1 => self.zombies.push(request),
            _ => drop(self.execute(&request)),
        }
        Event::GroupEnded(if self.rng.u8(0..20) == 0 { GroupEnding::Final } else { LOST })
    }

    /// The listing is compared with the plan.
    fn compare(&mut self) -> Event {
        let grace = self.comparing.take();
        if grace.is_some_and(|grace| grace != Grace::None) {
            // Requests that are longer on their way than the grace period are lost.
            self.zombies_arrive_or_die();
        }
        if self.percent(self.schedule.listing_fault_percent / 4) {
            return Event::Compared { ours: 0, verdict: Verdict::Unknown };
        }
        if self.percent(self.schedule.listing_fault_percent / 4) {
            let verdict = Verdict::Unavailable { retry_after: None };
            return Event::Compared { ours: 0, verdict };
        }
        let known = self.schedule.before + self.there + self.confirmed.len();
        let all = self.server.dataset.len();
        let is_stale = known > 0 && self.percent(self.schedule.listing_fault_percent);
        // A listing may be older than what is known to be committed. But it must not hide just the
        // commit in doubt, because the client could not detect that.
        let visible = if is_stale { self.rng.usize(known.saturating_sub(2)..known) } else { all };
        if visible < known {
            return Event::Compared { ours: 0, verdict: Verdict::Stale };
        }
        let rest = &self.server.dataset[known..visible];
        let planned = self.there + self.planned;
        let next = self.there + self.confirmed.len();
        let ours = rest.iter().zip(next..planned).take_while(|(stored, file)| stored.file == *file);
        let ours = ours.count();
        // Files after an incomplete plan may be the next files of the plan.
        let is_beyond = !self.plan_has_ended && next + ours == planned;
        let ends = ours == rest.len() || is_beyond;
        let verdict = if ends { Verdict::Absent } else { Verdict::Foreign };
        Event::Compared { ours, verdict }
    }
}

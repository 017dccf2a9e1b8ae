//! The model of the server: its true state, and what clients see of it.

use super::{
    requests::{Stage, Stored},
    schedule::WhenFull,
    world::World,
};
use crate::{
    content_hash::ContentHasher,
    upload::{
        commit::{Order, Verdict},
        settle::{Expected, verdict},
    },
    wire::{digest::Sha256Digest, messages::DatasetFile},
};

impl World {
    /// Gives free places to connections, mostly in order of arrival. Other clients come and go.
    pub(super) fn serve(&mut self) {
        if self.ghosts > 0 && self.rng.u8(0..4) == 0 {
            self.ghosts -= 1;
        }
        if self.schedule.has_strangers && self.rng.u8(0..8) == 0 {
            let most = self.schedule.places - 1;
            self.strangers = if self.has_free_place() { (self.strangers + 1).min(most) } else { 0 };
        }
        if self.schedule.has_rival && self.rng.u8(0..40) == 0 {
            self.rival_writes();
        }
        if self.schedule.when_full == WhenFull::Waits && self.has_free_place() {
            let mut waiting: Vec<_> =
                self.requests.iter_mut().filter(|request| !request.is_served).collect();
            if !waiting.is_empty() {
                let any = self.rng.usize(0..waiting.len());
                let next = if self.rng.u8(0..10) == 0 { any } else { 0 };
                waiting[next].is_served = true;
            }
        }
    }

    pub(super) fn has_free_place(&self) -> bool {
        let served = self.requests.iter().filter(|request| request.is_served).count();
        served + self.ghosts + self.strangers < self.schedule.places
    }

    /// The other client commits its next file, in the order of the plan as well.
    fn rival_writes(&mut self) {
        let next = (0..self.names.len()).find(|&file| !self.holds(file));
        if let Some(file) = next {
            self.store(file, false);
        }
    }

    pub(super) fn rival_has_written(&self) -> bool {
        self.dataset.iter().any(|stored| !stored.is_ours)
    }

    pub(super) fn kill(&mut self) {
        for request in std::mem::take(&mut self.requests) {
            // The client's next run may not see this request: in the model, it arrives or dies
            // before a person would run the command again.
            if request.stage == Stage::Released && self.rng.bool() {
                self.store(self.positions[request.id.file], true);
            }
        }
        for file in std::mem::take(&mut self.zombies) {
            self.store(file, true);
        }
        self.ghosts = 0;
        self.pauses.clear();
        self.settling.clear();
    }

    /// Requests that are longer on their way than the grace period are lost.
    pub(super) fn arrive_or_die(&mut self, file: usize) {
        let on_the_way = self.zombies.contains(&file);
        self.zombies.retain(|&zombie| zombie != file);
        if on_the_way && self.rng.bool() {
            self.store(file, true);
        }
    }

    /// The server's rule: each name once, in order of arrival.
    pub(super) fn store(&mut self, file: usize, is_ours: bool) -> bool {
        let is_new = !self.holds(file);
        if is_new {
            self.dataset.push(Stored { file, is_ours });
        }
        is_new
    }

    pub(super) fn holds(&self, file: usize) -> bool {
        self.dataset.iter().any(|stored| stored.file == file)
    }

    pub(super) fn holds_ours(&self, file: usize) -> bool {
        self.dataset.iter().any(|stored| stored.file == file && stored.is_ours)
    }

    pub(super) fn verdict(&mut self, file: usize) -> Verdict {
        if self.percent(self.schedule.listing_fault_percent / 4) {
            return Verdict::Unknown;
        }
        let is_refused = self.percent(self.schedule.listing_fault_percent / 4);
        if is_refused || !self.has_free_place() {
            return Verdict::Unavailable { retry_after: None };
        }
        // A listing may be older than what is known to be committed. But it must not hide just the
        // file in doubt, because the client could not detect that: servers list what they have
        // acknowledged.
        let is_confirmed = |stored: &Stored| self.confirmed.contains(&stored.file);
        let last = self.dataset.iter().rposition(is_confirmed);
        let is_stale = self.percent(self.schedule.listing_fault_percent);
        let visible = match last.filter(|_| is_stale) {
            Some(last) => self.rng.usize(0..=last),
            None => self.dataset.len(),
        };
        let known = self.confirmed.iter().map(|&file| self.names[file].as_str());
        let file = self.plan()[file];
        verdict(self.schedule.order, known, file, &self.listing(visible))
    }

    pub(super) fn listing(&self, length: usize) -> Vec<DatasetFile> {
        let listed = |stored: &Stored| {
            let mut listed = DatasetFile::named(&self.names[stored.file]);
            let hash = hash_of(&self.names[stored.file], stored.is_ours);
            listed.sha256 = self.schedule.tells_hashes.then_some(hash);
            listed
        };
        self.dataset[..length].iter().map(listed).collect()
    }

    pub(super) fn plan(&self) -> Vec<Expected<'_>> {
        let expected = |name| {
            let hashes = hash_of(name, true).into();
            Expected { name, size_bytes: None, row_count: 1, hashes }
        };
        self.names.iter().map(|name| expected(name.as_str())).collect()
    }

    pub(super) fn check_dataset(&self) -> Result<(), String> {
        let files = || self.dataset.iter().map(|stored| stored.file);
        let is_prefix = self.schedule.order == Order::Any || files().eq(0..self.dataset.len());
        if is_prefix { Ok(()) } else { Err(format!("no prefix: {:?}", self.dataset)) }
    }
}

fn hash_of(name: &str, is_ours: bool) -> Sha256Digest {
    ContentHasher::hash_of(format!("{name} {is_ours}").as_bytes())
}

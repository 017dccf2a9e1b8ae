//! The service that the gate is simulated against: the truth, and what clients see of it.

use super::{Stage, World};
use crate::{
    upload::{
        gate::Verdict,
        settle::{Expected, verdict},
    },
    wire::messages::DatasetFile,
};

impl World {
    /// Gives free workers to connections, mostly by arrival.
    pub(super) fn serve(&mut self) {
        if self.served() < self.workers && !self.refuses_when_busy {
            let mut waiting: Vec<_> =
                self.requests.iter_mut().filter(|request| !request.is_served).collect();
            if !waiting.is_empty() {
                let any = self.rng.usize(0..waiting.len());
                let next = if self.rng.u8(0..10) == 0 { any } else { 0 };
                waiting[next].is_served = true;
            }
        }
    }

    pub(super) fn served(&self) -> usize {
        self.requests.iter().filter(|request| request.is_served).count()
    }

    pub(super) fn kill(&mut self) {
        for request in std::mem::take(&mut self.requests) {
            // Its successor's run may not see this one: the model keeps it within the gap
            // between two runs, where a person runs the command again.
            if request.stage == Stage::Released && self.rng.bool() {
                self.store(self.confirmed);
            }
        }
        for file in std::mem::take(&mut self.zombies) {
            self.store(file);
        }
        self.pauses.clear();
        self.settling.clear();
    }

    /// What is longer on its way than the grace period is lost.
    pub(super) fn arrive_or_die(&mut self, file: usize) {
        let on_the_way = self.zombies.contains(&file);
        self.zombies.retain(|&zombie| zombie != file);
        if on_the_way && self.rng.bool() {
            self.store(file);
        }
    }

    /// The service's rule: a name once, and the order of arrival.
    pub(super) fn store(&mut self, file: usize) -> bool {
        let is_new = !self.dataset.contains(&file);
        if is_new {
            self.dataset.push(file);
        }
        is_new
    }

    pub(super) fn verdict(&mut self, first: usize, file: usize) -> Verdict {
        if self.percent(self.listing_fault_percent / 2) {
            return Verdict::Unknown;
        }
        // A listing may be older than what is known to be committed. One that only hides what
        // its asker has just sent could not be told from the truth: services list what they
        // have answered.
        let is_stale = self.confirmed > 0 && self.percent(self.listing_fault_percent);
        let visible = if is_stale { self.rng.usize(0..self.confirmed) } else { self.dataset.len() };
        let before: Vec<_> = self.names[..first].to_vec();
        let plan = self.plan();
        verdict(&before, &plan[first..], file, &self.listing(visible))
    }

    pub(super) fn listing(&self, length: usize) -> Vec<DatasetFile> {
        let names: Vec<_> = self.dataset[..length].iter().map(|&file| &self.names[file]).collect();
        serde_json::from_value(serde_json::to_value(names).unwrap()).unwrap()
    }

    pub(super) fn plan(&self) -> Vec<Expected<'_>> {
        self.names
            .iter()
            .map(|name| Expected { name, size_bytes: None, row_count: 1, hash: None })
            .collect()
    }

    pub(super) fn check_prefix(&self) -> Result<(), String> {
        let is_prefix = self.dataset.iter().copied().eq(0..self.dataset.len());
        if is_prefix { Ok(()) } else { Err(format!("no prefix: {:?}", self.dataset)) }
    }
}

//! The gate against a model of the service, in seeded random schedules: faults in every
//! phase, lost and late answers, stale listings, few workers, killed clients. At every
//! step the dataset is exactly a prefix of the plan, and every schedule ends.

mod planted;
mod service;

pub(super) use planted::Bug;

use std::{collections::HashMap, env, time::Duration};

use fastrand::Rng;

use super::{Action, Ending, Event, Gate, GateConfig, Grace, RequestId, Stop, StopCause};
use crate::upload::settle::resume;

/// To run one schedule alone: `SUTRO_SEED=… cargo test gate_simulation`.
const SEED: &str = "SUTRO_SEED";
/// How many schedules to run: `make soak` runs a million.
const SCHEDULES: &str = "SUTRO_SCHEDULES";
const MOST_STEPS: u32 = 200_000;
/// 503 with `Retry-After`.
const PLEASE_COME_AGAIN: Ending =
    Ending::Temporary { retry_after: Some(Duration::from_secs(1)), still_at_work: false };

#[test]
fn the_dataset_is_a_prefix_of_the_plan_in_every_schedule() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let schedules = number(SCHEDULES).unwrap_or(20_000);
    let seeds = number(SEED).map_or(0..schedules, |seed| seed..seed + 1);
    let mut completed = 0;
    for seed in seeds.clone() {
        match World::new(seed, None).run() {
            Ok(is_complete) => completed += u64::from(is_complete),
            Err(violation) => panic!("{violation}\nrun it again with {SEED}={seed}"),
        }
    }
    assert!(
        seeds.end - seeds.start == 1 || completed > schedules / 3,
        "only {completed} completed"
    );
}

/// How far a request is, seen from the client's side of the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Connecting,
    Sending,
    Held,
    Released,
}

#[derive(Debug)]
struct Request {
    id: RequestId,
    stage: Stage,
    /// The service has a worker for it; bodies move into buffers without one.
    is_served: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "what a schedule is like")]
struct World {
    rng: Rng,
    names: Vec<String>,
    config: GateConfig,
    /// The truth: indices of committed files.
    dataset: Vec<usize>,
    workers: usize,
    fault_percent: u8,
    /// How often a listing is old, or cannot be had.
    listing_fault_percent: u8,
    /// How often the head of the line moves a few bytes only.
    slow_head_percent: u8,
    /// Whoever gets no worker is refused at once, and asked to come again.
    refuses_when_busy: bool,
    /// Bodies do not fit into the buffers of a connection that nobody serves.
    has_big_bodies: bool,
    requests: Vec<Request>,
    /// Requests whose client is gone but whose bytes may still arrive.
    zombies: Vec<usize>,
    pauses: Vec<usize>,
    settling: Vec<(usize, Grace)>,
    /// Files that the gate was told to have been committed.
    confirmed: usize,
    /// Files that the gate was told of.
    planned: usize,
    plan_has_ended: bool,
    moved: HashMap<usize, bool>,
    /// Files that the service asked all to wait for.
    throttled: Vec<usize>,
    pauses_of_head: u32,
    /// Files that were started at least once.
    started: usize,
    /// The service has answered a body before its tail.
    has_answered_early: bool,
    planted: Option<Bug>,
}

enum Step {
    Finished(bool),
    Killed,
}

impl World {
    fn new(seed: u64, planted: Option<Bug>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let names = (0..rng.usize(1..12)).map(|index| format!("{index}.parquet")).collect();
        let config = GateConfig {
            concurrency: rng.usize(1..6),
            max_held: rng.usize(0..6),
            ordered: true,
            max_retries: rng.u32(3..8),
        };
        Self {
            names,
            config,
            dataset: Vec::new(),
            workers: *rng.choice([1, 1, 2, 3, 100].iter()).unwrap(),
            fault_percent: *rng.choice([0, 0, 2, 2, 5, 5, 15, 15, 100].iter()).unwrap(),
            listing_fault_percent: *rng.choice([0, 5, 50].iter()).unwrap(),
            slow_head_percent: *rng.choice([0, 0, 99].iter()).unwrap(),
            refuses_when_busy: rng.u8(0..4) == 0,
            has_big_bodies: rng.bool(),
            requests: Vec::new(),
            zombies: Vec::new(),
            pauses: Vec::new(),
            settling: Vec::new(),
            confirmed: 0,
            planned: 0,
            plan_has_ended: false,
            moved: HashMap::new(),
            throttled: Vec::new(),
            pauses_of_head: 0,
            started: 0,
            has_answered_early: false,
            planted,
            rng,
        }
    }

    /// Runs the client, after a kill once more, until it finishes. Whether all is committed.
    fn run(&mut self) -> Result<bool, String> {
        loop {
            let listing = self.listing(self.dataset.len());
            let plan = self.plan();
            let there = resume(&listing, &plan).map_err(|conflict| format!("{conflict:?}"))?;
            match self.run_client(there.count)? {
                Step::Finished(is_complete) => return Ok(is_complete),
                Step::Killed => {}
            }
        }
    }

    fn run_client(&mut self, first: usize) -> Result<Step, String> {
        let mut gate = Gate::new(self.config);
        gate.planted = self.planted;
        self.confirmed = first;
        self.planned = first;
        self.started = 0;
        self.pauses_of_head = 0;
        self.throttled.clear();
        self.plan_has_ended = false;
        let mut actions = Vec::new();
        for _ in 0..MOST_STEPS {
            for action in std::mem::take(&mut actions) {
                if let Action::Finish(stop) = action {
                    return self.finished(first, stop);
                }
                self.perform(first, action)?;
            }
            if self.percent(self.fault_percent / 5) && self.percent(5) {
                self.kill();
                return Ok(Step::Killed);
            }
            if let Some(event) = self.next_event(first, &gate) {
                actions = gate.on(event);
            }
            self.check_prefix()?;
        }
        Err(format!("no end in sight: {gate:?}"))
    }

    fn finished(&mut self, first: usize, stop: Option<Stop>) -> Result<Step, String> {
        if !self.requests.is_empty() {
            return Err(format!("left open: {:?}", self.requests));
        }
        match stop {
            None if self.confirmed < self.names.len() || self.dataset.len() < self.names.len() => {
                Err(format!("finished with {:?} of {}", self.dataset, self.names.len()))
            }
            Some(Stop { cause: StopCause::Failed, file })
                if self.dataset.contains(&(first + file))
                    || self.zombies.contains(&(first + file)) =>
            {
                Err(format!("{file} is reported as failed, and is there, or may still come"))
            }
            Some(Stop { cause: StopCause::CommittedEarly, .. }) if self.has_answered_early => {
                Ok(Step::Finished(false))
            }
            Some(Stop { cause: StopCause::ForeignWriter | StopCause::CommittedEarly, .. }) => {
                Err(format!("nobody else writes, but {stop:?}"))
            }
            Some(stop) if self.fault_percent == 0 => Err(format!("nothing failed, but {stop:?}")),
            _ => Ok(Step::Finished(stop.is_none())),
        }
    }

    fn perform(&mut self, first: usize, action: Action) -> Result<(), String> {
        match action {
            Action::Start(id) => {
                if self.requests.iter().any(|request| request.id.file == id.file) {
                    return Err(format!("{id:?} opened twice"));
                }
                if !self.throttled.is_empty() {
                    return Err(format!("{id:?} started while all were asked to wait"));
                }
                if id.attempt == 1 && id.file != self.started {
                    return Err(format!("{id:?} started before {}", self.started));
                }
                self.started = self.started.max(id.file + 1);
                self.requests.push(Request { id, stage: Stage::Connecting, is_served: false });
            }
            Action::Release(file) => {
                if first + file != self.confirmed {
                    return Err(format!("tail of {file} let go with {} confirmed", self.confirmed));
                }
                self.request(file)?.stage = Stage::Released;
            }
            Action::Drop(file) => {
                if self.request(file)?.stage == Stage::Released {
                    return Err(format!("{file} dropped after its tail was let go"));
                }
                self.requests.retain(|request| request.id.file != file);
            }
            Action::Commit(file) => {
                if !self.dataset.contains(&(first + file)) {
                    return Err(format!("{file} reported as committed, and is not there"));
                }
                self.confirmed += 1;
                self.pauses_of_head = 0;
            }
            Action::Pause { file, at_least, .. } => {
                self.pauses.push(file);
                self.pauses_of_head += u32::from(first + file == self.confirmed);
                if self.pauses_of_head > self.config.max_retries {
                    return Err(format!("{file} is tried again and again"));
                }
                self.throttled.extend(at_least.map(|_| file));
            }
            Action::Settle(file, grace) => self.settling.push((file, grace)),
            Action::Drip(_) | Action::Finish(_) => {}
        }
        Ok(())
    }

    fn request(&mut self, file: usize) -> Result<&mut Request, String> {
        let found = self.requests.iter_mut().find(|request| request.id.file == file);
        found.ok_or_else(|| format!("{file} has no open request"))
    }

    /// Something that may happen now, chosen at random.
    fn next_event(&mut self, first: usize, gate: &Gate) -> Option<Event> {
        self.serve();
        if !self.plan_has_ended && self.rng.u8(0..4) == 0 {
            return Some(self.grow_plan());
        }
        match self.rng.u8(0..10) {
            0 => {
                let head_moved = self.moved.remove(&gate.head()).is_some();
                self.moved.clear();
                Some(Event::Tick { head_moved })
            }
            1 if !self.pauses.is_empty() => {
                let index = self.rng.usize(0..self.pauses.len());
                let file = self.pauses.swap_remove(index);
                self.throttled.retain(|&throttled| throttled != file);
                Some(Event::PauseOver(file))
            }
            2 if !self.settling.is_empty() => {
                let index = self.rng.usize(0..self.settling.len());
                let (file, grace) = self.settling.swap_remove(index);
                if grace != Grace::None {
                    self.arrive_or_die(first + file);
                }
                Some(Event::Settled(file, self.verdict(first, file)))
            }
            3 if !self.zombies.is_empty() => {
                let index = self.rng.usize(0..self.zombies.len());
                let file = self.zombies.swap_remove(index);
                self.store(file);
                None
            }
            _ if self.requests.is_empty() => None,
            _ => {
                let index = self.rng.usize(0..self.requests.len());
                self.advance(first, index)
            }
        }
    }

    fn grow_plan(&mut self) -> Event {
        let left = self.names.len() - self.planned;
        self.plan_has_ended = left == 0;
        let more = self.rng.usize(left.min(1)..=left);
        self.planned += more;
        if left == 0 { Event::PlanEnded } else { Event::Planned(more) }
    }

    fn advance(&mut self, first: usize, index: usize) -> Option<Event> {
        let Request { id, stage, is_served } = self.requests[index];
        if self.percent(self.fault_percent) {
            return Some(self.fail(first, index));
        }
        // It is looked at after its body has begun, or before.
        if self.refuses_when_busy && !is_served && (stage == Stage::Sending || self.rng.bool()) {
            if self.served() == self.workers {
                self.requests.remove(index);
                return Some(Event::Ended(id, PLEASE_COME_AGAIN));
            }
            self.requests[index].is_served = true;
        }
        let is_served = self.requests[index].is_served;
        let is_head = first + id.file == self.confirmed;
        if stage == Stage::Sending && !is_served && self.has_big_bodies {
            if is_head || self.rng.u8(0..16) > 0 {
                return None;
            }
            // It has waited for a worker for too long.
            self.requests.remove(index);
            let ending = Ending::Temporary { retry_after: None, still_at_work: false };
            return Some(Event::Ended(id, ending));
        }
        if stage == Stage::Sending && is_head && self.percent(self.slow_head_percent) {
            self.moved.insert(id.file, true);
            return None;
        }
        let is_there = self.dataset.contains(&(first + id.file));
        if stage != Stage::Released && is_there && self.rng.bool() {
            self.requests.remove(index);
            return Some(Event::Ended(id, Ending::NameTaken));
        }
        let next = match stage {
            Stage::Connecting => Stage::Sending,
            Stage::Sending => Stage::Held,
            Stage::Held => return None,
            Stage::Released if !is_served => return None,
            Stage::Released => {
                self.requests.remove(index);
                let ending =
                    if self.store(first + id.file) { Ending::Committed } else { Ending::NameTaken };
                return Some(Event::Ended(id, ending));
            }
        };
        self.requests[index].stage = next;
        self.moved.insert(id.file, true);
        Some(if next == Stage::Sending { Event::Started(id) } else { Event::TailReached(id) })
    }

    /// A fault of this request: what the client sees, and what the service does all the same.
    fn fail(&mut self, first: usize, index: usize) -> Event {
        let Request { id, stage, .. } = self.requests.remove(index);
        let file = first + id.file;
        if stage == Stage::Released {
            match self.rng.u8(0..4) {
                0 => {}
                1 => self.zombies.push(file),
                _ => drop(self.store(file)),
            }
        }
        let ending = match self.rng.u8(0..20) {
            0 if stage != Stage::Released => Ending::Refused,
            1 if stage != Stage::Released => Ending::RefusedAll,
            2..5 => Ending::Final,
            5..6 => PLEASE_COME_AGAIN,
            6..8 => Ending::Temporary { retry_after: None, still_at_work: true },
            8 if stage == Stage::Held => {
                self.has_answered_early = true;
                Ending::Committed
            }
            _ => Ending::Temporary { retry_after: None, still_at_work: false },
        };
        Event::Ended(id, ending)
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }
}

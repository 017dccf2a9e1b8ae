//! The gate against a model of the service, in seeded random schedules: faults in every
//! phase, lost and late answers, stale listings, few workers, killed clients. At every
//! step the dataset is exactly a prefix of the plan, and every schedule ends.

use std::{collections::HashMap, env, time::Duration};

use fastrand::Rng;
use sutro::{
    upload::{
        gate::{
            Action, Ending, Event, Gate, GateConfig, Grace, RequestId, Stop, StopCause, Verdict,
        },
        settle::{Expected, resume, verdict},
    },
    wire::messages::DatasetFile,
};

/// To run one schedule alone: `SUTRO_SEED=… cargo test gate_simulation`.
const SEED: &str = "SUTRO_SEED";
const SCHEDULES: u64 = 20_000;
const MOST_STEPS: u32 = 200_000;

#[test]
fn the_dataset_is_a_prefix_of_the_plan_in_every_schedule() {
    let seeds = match env::var(SEED) {
        Ok(seed) => seed.parse().map(|seed| seed..seed + 1).unwrap(),
        Err(_) => 0..SCHEDULES,
    };
    let mut completed = 0;
    for seed in seeds {
        let mut world = World::new(seed);
        match world.run() {
            Ok(is_complete) => completed += u64::from(is_complete),
            Err(violation) => panic!("{violation}\nrun it again with {SEED}={seed}"),
        }
    }
    assert!(env::var(SEED).is_ok() || completed > SCHEDULES / 2, "only {completed} completed");
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

struct World {
    rng: Rng,
    names: Vec<String>,
    config: GateConfig,
    /// The truth: indices of committed files.
    dataset: Vec<usize>,
    workers: usize,
    fault_percent: u8,
    /// How often the head of the line moves a few bytes only.
    slow_head_percent: u8,
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
}

enum Step {
    Finished(bool),
    Killed,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let names = (0..rng.usize(1..12)).map(|index| format!("{index}.parquet")).collect();
        let config =
            GateConfig { concurrency: rng.usize(1..6), max_held: rng.usize(0..6), ordered: true };
        Self {
            names,
            config,
            dataset: Vec::new(),
            workers: *rng.choice([1, 1, 2, 3, 100].iter()).unwrap(),
            fault_percent: *rng.choice([0, 2, 5, 15].iter()).unwrap(),
            slow_head_percent: *rng.choice([0, 0, 99].iter()).unwrap(),
            has_big_bodies: rng.bool(),
            requests: Vec::new(),
            zombies: Vec::new(),
            pauses: Vec::new(),
            settling: Vec::new(),
            confirmed: 0,
            planned: 0,
            plan_has_ended: false,
            moved: HashMap::new(),
            rng,
        }
    }

    /// Runs the client, after a kill once more, until it finishes. Whether all is committed.
    fn run(&mut self) -> Result<bool, String> {
        loop {
            let listing = self.listing(self.dataset.len());
            let plan = self.plan();
            let first = resume(&listing, &plan).map_err(|conflict| format!("{conflict:?}"))?;
            match self.run_client(first)? {
                Step::Finished(is_complete) => return Ok(is_complete),
                Step::Killed => {}
            }
        }
    }

    fn run_client(&mut self, first: usize) -> Result<Step, String> {
        let mut gate = Gate::new(self.config);
        self.confirmed = first;
        self.planned = first;
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
                if self.dataset.contains(&(first + file)) =>
            {
                Err(format!("{file} is reported as failed, and is there"))
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
            }
            Action::Pause { file, .. } => self.pauses.push(file),
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
                Some(Event::PauseOver(self.pauses.swap_remove(index)))
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

    /// Gives free workers to connections, mostly by arrival.
    fn serve(&mut self) {
        let served = self.requests.iter().filter(|request| request.is_served).count();
        if served < self.workers {
            let mut waiting: Vec<_> =
                self.requests.iter_mut().filter(|request| !request.is_served).collect();
            if !waiting.is_empty() {
                let any = self.rng.usize(0..waiting.len());
                let next = if self.rng.u8(0..10) == 0 { any } else { 0 };
                waiting[next].is_served = true;
            }
        }
    }

    fn advance(&mut self, first: usize, index: usize) -> Option<Event> {
        let Request { id, stage, is_served } = self.requests[index];
        if self.percent(self.fault_percent) {
            return Some(self.fail(first, index));
        }
        let is_head = first + id.file == self.confirmed;
        if stage == Stage::Sending && is_head && self.percent(self.slow_head_percent) {
            self.moved.insert(id.file, true);
            return None;
        }
        if stage == Stage::Sending && !is_served && self.has_big_bodies {
            if is_head || self.rng.u8(0..16) > 0 {
                return None;
            }
            // It has waited for a worker for too long.
            self.requests.remove(index);
            let ending = Ending::Temporary { retry_after: None, still_at_work: false };
            return Some(Event::Ended(id, ending));
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
            2 => Ending::Final,
            3..6 => Ending::Temporary {
                retry_after: Some(Duration::from_secs(1)),
                still_at_work: false,
            },
            6..8 => Ending::Temporary { retry_after: None, still_at_work: true },
            _ => Ending::Temporary { retry_after: None, still_at_work: false },
        };
        Event::Ended(id, ending)
    }

    fn kill(&mut self) {
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
    fn arrive_or_die(&mut self, file: usize) {
        let on_the_way = self.zombies.contains(&file);
        self.zombies.retain(|&zombie| zombie != file);
        if on_the_way && self.rng.bool() {
            self.store(file);
        }
    }

    /// The service's rule: a name once, and the order of arrival.
    fn store(&mut self, file: usize) -> bool {
        let is_new = !self.dataset.contains(&file);
        if is_new {
            self.dataset.push(file);
        }
        is_new
    }

    fn verdict(&mut self, first: usize, file: usize) -> Verdict {
        if self.percent(self.fault_percent / 3) {
            return Verdict::Unknown;
        }
        // A listing may be older than what is known to be committed. One that only hides what
        // its asker has just sent could not be told from the truth: services list what they
        // have answered.
        let is_stale = self.confirmed > 0 && self.percent(self.fault_percent);
        let visible = if is_stale { self.rng.usize(0..self.confirmed) } else { self.dataset.len() };
        let before: Vec<_> = self.names[..first].to_vec();
        let plan = self.plan();
        verdict(&before, &plan[first..], file, &self.listing(visible))
    }

    fn listing(&self, length: usize) -> Vec<DatasetFile> {
        let names: Vec<_> = self.dataset[..length].iter().map(|&file| &self.names[file]).collect();
        serde_json::from_value(serde_json::to_value(names).unwrap()).unwrap()
    }

    fn plan(&self) -> Vec<Expected<'_>> {
        self.names.iter().map(|name| Expected { name, size_bytes: None, row_count: 1 }).collect()
    }

    fn check_prefix(&self) -> Result<(), String> {
        let is_prefix = self.dataset.iter().copied().eq(0..self.dataset.len());
        if is_prefix { Ok(()) } else { Err(format!("no prefix: {:?}", self.dataset)) }
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }
}

//! A client, a server, and the connections between them.

use std::collections::{BTreeSet, HashMap};

use fastrand::Rng;

use super::{
    super::{Action, FileIndex, Grace, Mode, Order, RequestId, Stop, StopCause, strategy},
    bug::Bug,
    planted::planted,
    requests::{Request, Stored},
    schedule::Schedule,
};
use crate::upload::already_there::{resume, resume_unordered};

const MOST_STEPS: u32 = 200_000;

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) schedule: Schedule,
    pub(super) names: Vec<String>,
    /// The true dataset: committed files, in order.
    pub(super) dataset: Vec<Stored>,
    pub(super) requests: Vec<Request>,
    /// Requests whose client is gone, but whose bytes may still arrive.
    pub(super) zombies: Vec<usize>,
    /// Places of dropped connections, which the server has not noticed yet.
    pub(super) ghosts: usize,
    /// Places that other clients have.
    pub(super) strangers: usize,
    pub(super) pauses: Vec<RequestId>,
    pub(super) settling: Vec<(FileIndex, Grace)>,
    /// The position in the plan of each file that the client sends.
    pub(super) positions: Vec<usize>,
    /// Files of the plan that the strategy reported as committed.
    pub(super) confirmed: BTreeSet<usize>,
    /// Files of the plan whose request ended after its tail was sent, without a clear response.
    pub(super) in_doubt: BTreeSet<usize>,
    /// How many of them the strategy has reported.
    pub(super) planned: usize,
    pub(super) plan_has_ended: bool,
    pub(super) moved: HashMap<FileIndex, bool>,
    /// Files for which the server asked the client to wait.
    pub(super) throttled: Vec<FileIndex>,
    /// Attempts of the head, and those while nothing else was open.
    pub(super) pauses_of_head: (u32, u32),
    /// Requests that were open at the last event.
    pub(super) open_before: usize,
    /// Files that were started at least once, and the number of requests.
    pub(super) started: usize,
    pub(super) starts: usize,
    /// The server has acknowledged a body before its tail.
    pub(super) has_answered_early: bool,
    pub(super) planted: Option<Bug>,
}

enum Step {
    Finished(bool),
    Killed,
}

impl World {
    pub(super) fn new(seed: u64, order: Order, planted: Option<Bug>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let schedule = Schedule::draw(&mut rng, order);
        Self::of(schedule, rng, planted)
    }

    pub(super) fn of(schedule: Schedule, rng: Rng, planted: Option<Bug>) -> Self {
        Self {
            rng,
            names: (0..schedule.files).map(|index| format!("{index}.parquet")).collect(),
            schedule,
            dataset: Vec::new(),
            requests: Vec::new(),
            zombies: Vec::new(),
            ghosts: 0,
            strangers: 0,
            pauses: Vec::new(),
            settling: Vec::new(),
            positions: Vec::new(),
            confirmed: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            planned: 0,
            plan_has_ended: false,
            moved: HashMap::new(),
            throttled: Vec::new(),
            pauses_of_head: (0, 0),
            open_before: 0,
            started: 0,
            starts: 0,
            has_answered_early: false,
            planted,
        }
    }

    /// Runs the client, once more after a kill, until it finishes. Returns whether all is
    /// committed.
    pub(super) fn run(&mut self) -> Result<bool, String> {
        loop {
            let listing = self.listing(self.dataset.len());
            let resume = match self.schedule.order {
                Order::Planned => resume,
                Order::Any => resume_unordered,
            };
            let there = match resume(&listing, &self.plan()) {
                Ok(there) => there.positions,
                Err(_) if self.rival_has_written() => return Ok(false),
                Err(conflict) => return Err(format!("{conflict:?}")),
            };
            if let Step::Finished(is_complete) = self.run_client(there)? {
                return Ok(is_complete);
            }
        }
    }

    /// Sends the files that are not `there`.
    fn run_client(&mut self, there: Vec<usize>) -> Result<Step, String> {
        let Schedule { order, config, .. } = self.schedule;
        let mut client = match self.planted {
            Some(bug) => planted(bug, order, config),
            None => strategy(Mode::Uploads(order), config),
        };
        self.confirmed = there.into_iter().collect();
        self.positions =
            (0..self.names.len()).filter(|file| !self.confirmed.contains(file)).collect();
        self.in_doubt.clear();
        self.planned = 0;
        self.started = 0;
        self.pauses_of_head = (0, 0);
        self.throttled.clear();
        self.plan_has_ended = false;
        let mut actions = Vec::new();
        for _ in 0..MOST_STEPS {
            for action in std::mem::take(&mut actions) {
                if let Action::Finish(stop) = action {
                    return self.finished(stop);
                }
                self.perform(action)?;
            }
            if self.percent(self.schedule.fault_percent / 5) && self.percent(5) {
                self.kill();
                return Ok(Step::Killed);
            }
            if let Some(event) = self.next_event(client.as_ref()) {
                self.open_before = self.requests.len();
                actions = client.on(event);
            }
            self.check_dataset()?;
        }
        Err(format!("no end in sight: {client:?}"))
    }

    fn finished(&mut self, stop: Option<Stop>) -> Result<Step, String> {
        if !self.requests.is_empty() {
            return Err(format!("left open: {:?}", self.requests));
        }
        let Some(Stop { file, cause }) = stop else {
            let count = self.names.len();
            return if self.confirmed.len() < count || self.dataset.len() < count {
                Err(format!("finished with {:?} of {count}", self.dataset))
            } else {
                Ok(Step::Finished(true))
            };
        };
        let position = self.positions[file];
        let may_come = self.holds_ours(position) || self.zombies.contains(&position);
        let is_wrong = match cause {
            StopCause::Failed => may_come,
            StopCause::OutcomeUnknown | StopCause::ListingBehind => false,
            StopCause::ForeignWriter | StopCause::NameTaken => !self.rival_has_written(),
            StopCause::CommittedEarly => !self.has_answered_early,
        };
        if is_wrong || self.schedule.must_complete() {
            return Err(format!("{cause:?} at {file} is wrong: {:?}", self.schedule));
        }
        Ok(Step::Finished(false))
    }

    /// The first file of the plan that is not known to be committed.
    pub(super) fn head(&self) -> usize {
        let all = self.names.len();
        (0..all).find(|file| !self.confirmed.contains(file)).unwrap_or(all)
    }

    pub(super) fn percent(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }
}

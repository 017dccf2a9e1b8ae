//! A client, a server, and the connections between them.

use std::collections::{BTreeSet, HashMap, HashSet};

use fastrand::Rng;

use super::{
    bug::{Bug, planted},
    schedule::Schedule,
    server::{CommitRequest, Server, Writer},
};
use crate::upload::commit::{
    Action, CommitConfig, CommitWhen, FileIndex, Grace, Group, RequestId, Staged, Stop, StopCause,
};

const MOST_STEPS: u32 = 100_000;

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) schedule: Schedule,
    pub(super) server: Server,
    /// The number of files of the plan that earlier runs have committed. This run sends the rest.
    pub(super) there: usize,
    /// Requests that stage a file.
    pub(super) requests: Vec<RequestId>,
    /// Those that have sent everything.
    pub(super) sent: HashSet<RequestId>,
    pub(super) pauses: Vec<RequestId>,
    /// Ids of the files that the client knows to be staged.
    pub(super) staged: HashMap<FileIndex, u64>,
    pub(super) commit: Option<CommitRequest>,
    pub(super) is_commit_pausing: bool,
    /// Pauses between commits that are not over.
    pub(super) gathering: usize,
    pub(super) comparing: Option<Grace>,
    /// Commits that the client no longer waits for, but which may still arrive.
    pub(super) zombies: Vec<CommitRequest>,
    pub(super) planned: usize,
    pub(super) plan_has_ended: bool,
    pub(super) confirmed: BTreeSet<FileIndex>,
    /// Staged files that have expired.
    pub(super) expiries: usize,
    pub(super) planted: Option<Bug>,
}

impl World {
    pub(super) fn new(seed: u64, planted: Option<Bug>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let schedule = Schedule::draw(&mut rng);
        Self {
            rng,
            server: Server::with(schedule.before),
            schedule,
            there: 0,
            requests: Vec::new(),
            sent: HashSet::new(),
            pauses: Vec::new(),
            staged: HashMap::new(),
            commit: None,
            is_commit_pausing: false,
            gathering: 0,
            comparing: None,
            zombies: Vec::new(),
            planned: 0,
            plan_has_ended: false,
            confirmed: BTreeSet::new(),
            expiries: 0,
            planted,
        }
    }

    /// Runs the client, once more after a kill, until it finishes. Returns whether all is
    /// committed.
    pub(super) fn run(&mut self) -> Result<bool, String> {
        loop {
            if let Some(is_complete) = self.run_client()? {
                return Ok(is_complete);
            }
            let mine = &self.server.dataset[self.schedule.before..];
            if mine.iter().any(|stored| stored.writer == Writer::Foreign) {
                return Ok(false);
            }
            self.there = mine.len();
        }
    }

    /// `None` if it was killed.
    fn run_client(&mut self) -> Result<Option<bool>, String> {
        let Schedule { config, when, max_group, .. } = self.schedule;
        let strategy = Staged::new(config, when, max_group);
        let mut client = planted(self.planted, strategy);
        (self.planned, self.plan_has_ended) = (0, false);
        let mut actions = Vec::new();
        for _ in 0..MOST_STEPS {
            for action in std::mem::take(&mut actions) {
                if let Action::Finish(stop) = action {
                    return self.finished(stop).map(Some);
                }
                self.perform(action)?;
            }
            if self.percent(self.schedule.fault_percent / 5) && self.percent(5) {
                self.kill();
                return Ok(None);
            }
            if let Some(event) = self.next_event() {
                actions = client.on(event);
            }
            self.check_dataset()?;
        }
        Err(format!("no end in sight: {client:?}"))
    }

    fn kill(&mut self) {
        // The client's next run may not see this request: it arrives or dies before.
        self.zombies.extend(self.commit.take());
        self.zombies_arrive_or_die();
        self.requests.clear();
        self.sent.clear();
        self.pauses.clear();
        self.staged.clear();
        self.confirmed.clear();
        self.comparing = None;
        self.is_commit_pausing = false;
        self.gathering = 0;
    }

    pub(super) fn zombies_arrive_or_die(&mut self) {
        for request in std::mem::take(&mut self.zombies) {
            if self.rng.bool() {
                self.execute(&request);
            }
        }
    }

    fn perform(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Start(request) => {
                let CommitConfig { concurrency, max_held, .. } = self.schedule.config;
                let waiting = self.requests.iter().filter(|it| self.sent.contains(it)).count();
                let sending = self.requests.len() - waiting;
                if sending >= concurrency || waiting >= max_held.max(1) {
                    return Err(format!("{request:?} beside {sending} and {waiting} others"));
                }
                self.requests.push(request);
            }
            Action::Drop(file) => self.requests.retain(|request| request.file != file),
            Action::Pause { request, .. } => self.pauses.push(request),
            Action::CommitGroup(group) => self.request_commit(group)?,
            Action::GatherGroup => self.gathering += 1,
            Action::PauseGroup { .. } => self.is_commit_pausing = true,
            Action::Compare(grace) => self.comparing = Some(grace),
            Action::Commit(file) => self.confirm(file)?,
            Action::Drip(_) | Action::Release(_) | Action::Settle(..) | Action::Finish(_) => {
                return Err(format!("{action:?} of a staged upload"));
            }
        }
        Ok(())
    }

    fn request_commit(&mut self, group: Group) -> Result<(), String> {
        if self.commit.is_some() || self.is_commit_pausing || self.comparing.is_some() {
            return Err(format!("{group:?} while a commit is under way"));
        }
        let ids = (group.start..group.end).map(|file| self.staged.get(&file).copied());
        let Some(ids) = ids.collect::<Option<Vec<_>>>() else {
            return Err(format!("{group:?} has files that are not staged"));
        };
        if ids.is_empty() || ids.len() > self.schedule.max_group {
            return Err(format!("{} files in one commit", ids.len()));
        }
        let mut expected = self.schedule.before + self.there + group.start;
        if self.planted == Some(Bug::CountAsFound) {
            expected = self.server.dataset.len();
        }
        self.commit = Some(CommitRequest { expected, ids, start: group.start });
        Ok(())
    }

    /// The strategy reports a file as committed.
    fn confirm(&mut self, file: FileIndex) -> Result<(), String> {
        let position = self.schedule.before + self.there + file;
        let is_there = self.server.dataset.get(position).is_some_and(|stored| {
            stored.file == self.there + file && stored.writer != Writer::Foreign
        });
        if !is_there || !self.confirmed.insert(file) || file + 1 != self.confirmed.len() {
            return Err(format!("{file} reported as committed: {:?}", self.server.dataset));
        }
        Ok(())
    }

    fn finished(&mut self, stop: Option<Stop>) -> Result<bool, String> {
        if !self.requests.is_empty() || self.commit.is_some() {
            return Err(format!("left open: {:?} {:?}", self.requests, self.commit));
        }
        let count = self.schedule.files - self.there;
        let Some(Stop { file, cause }) = stop else {
            let done = if self.schedule.when == CommitWhen::Never {
                &self.staged.len()
            } else {
                &self.confirmed.len()
            };
            return if *done == count {
                Ok(true)
            } else {
                Err(format!("finished with {done} of {count}: {:?}", self.server.dataset))
            };
        };
        let others = |stored: &super::server::Stored| {
            matches!(stored.writer, Writer::Rival | Writer::Foreign)
        };
        let others_wrote = self.server.dataset.iter().any(others);
        let is_wrong = match cause {
            StopCause::Failed => self.server.holds(self.there + file) && !others_wrote,
            StopCause::OutcomeUnknown | StopCause::ListingBehind => false,
            StopCause::ForeignWriter | StopCause::NameTaken => !others_wrote,
            StopCause::CommittedEarly => true,
        };
        let reached = self.server.dataset.len() - self.schedule.before;
        let is_short = self.schedule.must_reach().is_some_and(|most| reached != most);
        if is_wrong || is_short || self.schedule.must_complete() {
            return Err(format!(
                "{cause:?} at {file} is wrong: {:?} {:?}",
                self.schedule, self.server.dataset
            ));
        }
        Ok(false)
    }

    fn check_dataset(&self) -> Result<(), String> {
        let mine = &self.server.dataset[self.schedule.before..];
        let prefix = mine.iter().take_while(|stored| stored.writer != Writer::Foreign);
        let is_prefix = prefix.clone().map(|stored| stored.file).eq(0..prefix.clone().count());
        let behind_others = mine.iter().skip(prefix.count());
        let is_ours_behind_others = behind_others.clone().any(|stored| stored.writer == Writer::Us);
        let ours = mine.iter().filter(|stored| stored.writer == Writer::Us).count();
        let is_half = self.schedule.when == CommitWhen::AllStaged
            && self.there == 0
            && !self.schedule.has_rival
            && ours > 0
            && ours < self.schedule.files;
        let is_unasked = self.schedule.when == CommitWhen::Never && ours > 0;
        if is_prefix && !is_ours_behind_others && !is_half && !is_unasked {
            Ok(())
        } else {
            Err(format!("not a prefix: {:?} {:?}", self.server.dataset, self.schedule))
        }
    }

    pub(super) fn percent(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }
}

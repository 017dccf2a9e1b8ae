//! The commit gate: which upload starts, waits, lets its tail go, or is dropped.
//!
//! A pure state machine: events in, actions out; no I/O, no clock, no randomness. The
//! shell around it (`transfer`) does what the actions say and reports what
//! happened, so the same decisions can be simulated by the hundred thousand.
//!
//! Invariant (ordered): a tail is let go only when every earlier file is committed, so the
//! dataset always holds a prefix of the plan, and at most one file is in doubt.

mod events;
mod file;
mod head;
mod open_limit;
mod settling;
#[cfg(test)]
mod simulation;
mod starvation;

pub use events::{
    Action, Ending, Event, Failure, FileIndex, Grace, RequestId, Stop, StopCause, Verdict,
};

use self::{
    file::{File, Phase},
    head::{Head, lacks_room},
    open_limit::OpenLimit,
};

/// Whether a test has planted this bug, to see that the simulation finds it.
macro_rules! planted {
    ($gate:expr, $bug:ident) => {{
        #[cfg(test)]
        let is_planted = $gate.planted == Some($crate::upload::gate::simulation::Bug::$bug);
        #[cfg(not(test))]
        let is_planted = false;
        is_planted
    }};
}

use planted;

/// How a gate works.
#[derive(Clone, Copy, Debug)]
pub struct GateConfig {
    /// Bodies sent at the same time; at least 1.
    pub concurrency: usize,
    /// Uploads that may wait with a held tail, on top of `concurrency`.
    pub max_held: usize,
    /// Whether files are committed in plan order.
    pub ordered: bool,
    /// Attempts after the first one, for the file at the head. Those that failed while other
    /// uploads were open do not count.
    pub max_retries: u32,
}

/// The state machine. See the module's text.
#[derive(Debug)]
pub struct Gate {
    config: GateConfig,
    files: Vec<File>,
    /// The first file that is not committed.
    head: FileIndex,
    /// Files from here on have never been started.
    frontier: FileIndex,
    /// The file whose connection is being opened: the next one starts after it.
    opening: Option<FileIndex>,
    open_limit: OpenLimit,
    line: Head,
    stop: Option<Stop>,
    /// Files from here on are not to be sent any more.
    fence: FileIndex,
    /// No more files will be planned.
    plan_ended: bool,
    finished: bool,
    #[cfg(test)]
    planted: Option<simulation::Bug>,
}

impl Gate {
    /// A gate with nothing to send yet: files come with [`Event::Planned`].
    #[must_use]
    pub fn new(config: GateConfig) -> Self {
        Self {
            config,
            files: Vec::new(),
            head: 0,
            frontier: 0,
            opening: None,
            open_limit: OpenLimit::new(config.concurrency + config.max_held),
            line: Head::default(),
            stop: None,
            fence: FileIndex::MAX,
            plan_ended: false,
            finished: false,
            #[cfg(test)]
            planted: None,
        }
    }

    /// Takes in what happened and says what to do now.
    #[must_use]
    pub fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.is_stale(&event) {
            return actions;
        }
        match event {
            Event::Planned(count) => self.plan(count),
            Event::PlanEnded => self.plan_ended = true,
            Event::Started(request) => self.opened(request.file),
            Event::TailReached(request) => {
                self.opened(request.file);
                self.files[request.file].phase = Phase::Held { ticks: 0 };
            }
            Event::Ended(request, ending) => {
                let was_opening = self.opening == Some(request.file);
                self.opened(request.file);
                self.ended(request.file, ending, was_opening, &mut actions);
            }
            Event::PauseOver(request) => self.files[request.file].phase = Phase::Waiting,
            Event::Settled(file, verdict) => self.settled(file, verdict, &mut actions),
            Event::Tick { head_moved } => self.tick(head_moved, &mut actions),
        }
        self.advance(actions)
    }

    /// Whether another file of a plan that grows could be put to use: bounded by
    /// `concurrency`, because each one waits on disk until it is committed.
    #[must_use]
    pub fn wants_file(&self) -> bool {
        let uncommitted = self.files[self.head..].iter();
        let uncommitted = uncommitted.filter(|file| file.phase != Phase::Committed).count();
        !self.plan_ended && self.stop.is_none() && uncommitted < self.config.concurrency
    }

    /// The first file that is not committed; the number of files when all are.
    #[must_use]
    pub fn head(&self) -> FileIndex {
        self.head
    }

    /// Files whose body or answer is on its way.
    #[must_use]
    pub fn in_transfer(&self) -> usize {
        self.count(Phase::is_in_transfer)
    }

    fn is_stale(&self, event: &Event) -> bool {
        let phase = |file: FileIndex| self.files.get(file).map(|file| file.phase);
        let is_current = |request: &RequestId| {
            self.files.get(request.file).is_some_and(|file| file.attempt == request.attempt)
        };
        let is_awaited = match event {
            Event::Started(request) | Event::TailReached(request) => {
                is_current(request) && phase(request.file) == Some(Phase::Sending)
            }
            Event::Ended(request, _) => {
                is_current(request) && phase(request.file).is_some_and(Phase::is_open)
            }
            Event::PauseOver(request) => {
                is_current(request) && matches!(phase(request.file), Some(Phase::Pausing { .. }))
            }
            Event::Settled(file, _) => matches!(phase(*file), Some(Phase::Settling { .. })),
            Event::Planned(_) | Event::PlanEnded | Event::Tick { .. } => true,
        };
        self.finished || !is_awaited
    }

    fn plan(&mut self, count: usize) {
        let waiting = File { phase: Phase::Waiting, attempt: 0, failures: 0, may_be_there: false };
        self.files.resize(self.files.len() + count, waiting);
    }

    fn opened(&mut self, file: FileIndex) {
        if self.opening == Some(file) {
            self.opening = None;
        }
    }

    fn ended(
        &mut self,
        file: FileIndex,
        ending: Ending,
        was_opening: bool,
        actions: &mut Vec<Action>,
    ) {
        let in_doubt = self.files[file].phase == Phase::Released;
        // What was let go by an earlier request may turn up at any time.
        let may_be_there = self.files[file].may_be_there;
        let must_settle = match ending {
            Ending::Temporary { .. } if planted!(self, IncompleteTakenForNotSent) => false,
            Ending::Temporary { .. } => in_doubt,
            Ending::Refused => may_be_there,
            // The listing tells whether the content is the same, as soon as it is this file's turn.
            Ending::NameTaken if !self.config.ordered || file == self.head => true,
            Ending::NameTaken | Ending::Final => in_doubt || may_be_there,
            Ending::Committed | Ending::RefusedAll => false,
        };
        match ending {
            Ending::Temporary { .. } if in_doubt && planted!(self, DoubtTakenForCommit) => {
                self.commit(file, actions);
            }
            Ending::Refused if planted!(self, RefusedFileSkipped) => {
                self.files[file].phase = Phase::Committed;
                self.head += usize::from(file == self.head);
            }
            Ending::Committed if planted!(self, EarlyAnswerBelieved) => self.commit(file, actions),
            _ if must_settle => self.settle(file, ending, actions),
            Ending::Committed if in_doubt => self.commit(file, actions),
            Ending::Committed => self.stop(file, StopCause::CommittedEarly, true, actions),
            Ending::Refused | Ending::Final => self.stop(file, StopCause::Failed, false, actions),
            Ending::RefusedAll => self.stop(file, StopCause::Failed, true, actions),
            Ending::NameTaken => self.stop(file, StopCause::NameTaken, false, actions),
            Ending::Temporary { failure, retry_after } => {
                let lacks_room = lacks_room(failure, retry_after, was_opening);
                self.pause(file, lacks_room, retry_after, actions);
            }
        }
    }

    fn commit(&mut self, file: FileIndex, actions: &mut Vec<Action>) {
        self.files[file].phase = Phase::Committed;
        actions.push(Action::Commit(file));
        while self.files.get(self.head).is_some_and(|file| file.phase == Phase::Committed) {
            self.head += 1;
            self.next_head();
        }
    }

    /// Ends the run: everything before `file` is still completed, unless `at_once`.
    fn stop(
        &mut self,
        file: FileIndex,
        cause: StopCause,
        at_once: bool,
        actions: &mut Vec<Action>,
    ) {
        let fence = if at_once { 0 } else { file };
        if self.stop.is_none_or(|stop| file < stop.file) {
            self.stop = Some(Stop { file, cause });
        }
        // The request is over: nothing to drop.
        self.files[file].phase = Phase::Waiting;
        self.fence = self.fence.min(fence);
        for later in (self.fence.max(self.head)..self.frontier).rev() {
            match self.files[later].phase {
                Phase::Released if planted!(self, DroppedAfterRelease) => {
                    self.drop_request(later, actions);
                }
                Phase::Sending | Phase::Held { .. } => self.drop_request(later, actions),
                _ => {}
            }
        }
    }

    fn drop_request(&mut self, file: FileIndex, actions: &mut Vec<Action>) {
        self.opened(file);
        self.files[file].phase = Phase::Waiting;
        actions.push(Action::Drop(file));
    }

    fn advance(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        let in_order = self.config.ordered && !planted!(self, TailLetGoEarly);
        let turns = if in_order { self.head + 1 } else { self.frontier };
        for file in self.head..turns.min(self.frontier) {
            if self.files[file].phase.is_held() && !planted!(self, HeldForgotten) {
                self.files[file].phase = Phase::Released;
                actions.push(Action::Release(file));
            }
        }
        if let Some(file) = self.next_to_start() {
            let state = &mut self.files[file];
            state.phase = Phase::Sending;
            state.attempt += 1;
            self.opening = Some(file);
            self.frontier = self.frontier.max(file + 1);
            actions.push(Action::Start(RequestId { file, attempt: state.attempt }));
        }
        if !self.finished && self.is_over() {
            self.finished = true;
            actions.push(Action::Finish(self.stop));
        }
        actions
    }

    /// Requests start in plan order, one after the other, so that a service that serves
    /// connections by arrival sees the plan's order. The head never waits for a slot where the
    /// others wait for it.
    fn next_to_start(&self) -> Option<FileIndex> {
        let is_waiting = |&file: &FileIndex| self.files[file].phase == Phase::Waiting;
        let mut turn = self.head..self.end_of_turn();
        let file = if planted!(self, StartedOutOfOrder) {
            (self.head..self.fence.min(self.files.len())).rfind(is_waiting)?
        } else {
            turn.find(is_waiting)?
        };
        let throttled = |phase| matches!(phase, Phase::Pausing { throttled: true });
        if self.count(throttled) > 0 && !planted!(self, RetryAfterIgnored) {
            return None;
        }
        let has_slot = self.opening.is_none()
            && (self.is_line_open() || file == self.head)
            && self.in_transfer() < self.config.concurrency
            && self.count(Phase::is_held) < self.config.max_held.max(1)
            && self.open() < self.open_limit.requests;
        let goes_first =
            file == self.head && self.config.ordered && !planted!(self, HeadWaitsForSlot);
        (has_slot || goes_first).then_some(file)
    }

    fn is_over(&self) -> bool {
        let is_busy = |file: FileIndex| match self.files[file].phase {
            Phase::Waiting | Phase::Committed => false,
            // It will not be sent again, but the others must wait as long as it was told to.
            Phase::Pausing { .. } => file < self.fence,
            _ => true,
        };
        let mut to_do = self.head..self.end_of_turn();
        (self.plan_ended || self.stop.is_some())
            && !(self.head..self.frontier).any(is_busy)
            && !to_do.any(|file| self.files[file].phase == Phase::Waiting)
    }

    /// The end of the files that may be started now.
    fn end_of_turn(&self) -> FileIndex {
        self.fence.min(self.frontier + 1).min(self.files.len())
    }

    fn open(&self) -> usize {
        self.count(Phase::is_open)
    }

    fn count(&self, matches: impl Fn(Phase) -> bool) -> usize {
        self.files[self.head..self.frontier].iter().filter(|file| matches(file.phase)).count()
    }
}

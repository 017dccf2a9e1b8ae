//! The state that all strategies share: the files in plan order. The first file that is not
//! committed is the head of the line. The line maps events to changes of state and to actions.
//! Whether to release a tail, or to drop an upload to make room for the head, is up to the
//! strategy.

use std::time::Duration;

use super::{
    decision::{Cause, Decision, Room, Scope, Turn},
    ending::decide,
    events::{Action, Ending, Event, FileIndex, Grace, RequestId, StopCause, Verdict},
    files::{Files, Phase},
    open_limit::OpenLimit,
    retries::{Lesson, Retries},
    settling::{Settling, Surroundings},
    starting::{HeadStarts, Others, Starting},
    stopping::Stopping,
};
use crate::config::DRIP_TICKS;

/// The limits of a strategy.
#[derive(Clone, Copy, Debug)]
pub struct CommitConfig {
    /// The number of bodies sent at the same time; at least 1.
    pub concurrency: usize,
    /// The number of uploads that may be open without sending, in addition to `concurrency`: with a
    /// held tail, or staged except for the response.
    pub max_held: usize,
    /// The number of retries for the file at the head. Attempts that failed while other uploads
    /// were open do not count.
    pub max_retries: u32,
}

/// The files of an upload in plan order, with their states.
#[derive(Clone, Debug)]
pub struct Line {
    pub(super) files: Files,
    pub(super) starting: Starting,
    pub(super) retries: Retries,
    pub(super) open_limit: OpenLimit,
    pub(super) stopping: Stopping,
    concurrency: usize,
    plan_has_ended: bool,
    is_finished: bool,
    actions: Vec<Action>,
}

impl Line {
    /// Starts empty: files come with [`Event::Planned`].
    pub(super) fn new(config: CommitConfig) -> Self {
        let CommitConfig { concurrency, max_held, max_retries } = config;
        Self {
            files: Files::default(),
            starting: Starting::new(concurrency, max_held),
            retries: Retries::new(max_retries),
            open_limit: OpenLimit::new(concurrency + max_held),
            stopping: Stopping::not_yet(),
            concurrency,
            plan_has_ended: false,
            is_finished: false,
            actions: Vec::new(),
        }
    }

    pub(super) fn awaits(&self, event: &Event) -> bool {
        !self.is_finished && self.files.awaits(event)
    }

    pub(super) fn wants_file(&self) -> bool {
        !self.plan_has_ended
            && self.stopping.stop().is_none()
            && self.files.not_done() < self.concurrency
    }

    /// Processes an event. Returns the room that the head lacks.
    pub(super) fn on(&mut self, event: Event) -> Option<Room> {
        match event {
            Event::Planned(count) => self.files.plan(count),
            Event::PlanEnded => self.plan_has_ended = true,
            Event::Started(request) => self.starting.opened(request.file),
            Event::TailReached(request) => {
                self.starting.opened(request.file);
                self.files[request.file].phase = Phase::Held { ticks: 0 };
            }
            Event::PauseOver(request) => self.files[request.file].phase = Phase::Waiting,
            Event::Tick { .. } => self.drip(),
            Event::Ended(request, ending) => return self.ended(request.file, ending, Turn::Now),
            Event::Settled(file, verdict) => return self.settled(file, verdict),
            // Events of staged files only.
            Event::GroupEnded(_)
            | Event::GroupPauseOver
            | Event::GroupGathered
            | Event::Compared { .. } => {}
        }
        None
    }

    pub(super) fn ended(&mut self, file: FileIndex, ending: Ending, turn: Turn) -> Option<Room> {
        let connection = self.starting.connection(file);
        self.starting.opened(file);
        let decision = decide(&self.files[file], ending, turn, connection);
        if decision == Decision::Settle {
            self.settle(file, Settling::after(ending), Grace::None);
        }
        self.act_on(file, decision)
    }

    fn settled(&mut self, file: FileIndex, verdict: Verdict) -> Option<Room> {
        let Phase::Settling(mut settling) = self.files[file].phase else { return None };
        let around = Surroundings {
            may_be_there: self.files[file].may_be_there,
            others: self.files.open(),
            max_retries: self.retries.most(),
        };
        let decision = settling.weigh(verdict, around);
        if let Decision::SettleAgain { grace, .. } = decision {
            self.settle(file, settling, grace);
        }
        self.act_on(file, decision)
    }

    fn act_on(&mut self, file: FileIndex, decision: Decision) -> Option<Room> {
        match decision {
            Decision::Commit => self.commit(file),
            Decision::Stop(cause, scope) => self.stop(file, cause, scope),
            Decision::Retry { cause, retry_after } => return self.retry(file, cause, retry_after),
            Decision::SettleAgain { room, .. } => return room,
            Decision::Settle => {}
        }
        None
    }

    fn settle(&mut self, file: FileIndex, settling: Settling, grace: Grace) {
        self.files[file].may_be_there |= settling.is_of_a_possible_commit();
        self.files[file].phase = Phase::Settling(settling);
        self.actions.push(Action::Settle(file, grace));
    }

    fn commit(&mut self, file: FileIndex) {
        self.act(Action::Commit(file));
        self.done(file);
    }

    /// Resets what counted against the previous head: the next files may have more room now.
    pub(super) fn done(&mut self, file: FileIndex) {
        let moved_on = self.files.done(file);
        for _ in 0..moved_on {
            self.retries.next_head();
            self.open_limit.grow();
        }
        let is_pausing = self.files.head_phase() == Some(Phase::Pausing { throttled: false });
        if moved_on > 0 && is_pausing {
            // The commit before the new head has made room for it, so it need not pause.
            let head = self.files.head();
            self.files[head].phase = Phase::Waiting;
        }
    }

    /// Ends the run for a file whose request has ended.
    pub(super) fn stop(&mut self, file: FileIndex, cause: StopCause, scope: Scope) {
        // There is nothing to drop.
        self.files[file].phase = Phase::Waiting;
        self.end_at(file, cause, scope);
    }

    /// Ends the run.
    pub(super) fn end_at(&mut self, file: FileIndex, cause: StopCause, scope: Scope) {
        self.stopping.at(file, cause, scope);
        for later in self.stopping.left_out(&self.files).rev() {
            if self.files[later].phase.may_be_dropped() {
                self.drop_request(later);
            }
        }
    }

    /// Tries again after a pause that grows.
    fn retry(
        &mut self,
        file: FileIndex,
        cause: Cause,
        retry_after: Option<Duration>,
    ) -> Option<Room> {
        self.files[file].phase = Phase::Pausing { throttled: retry_after.is_some() };
        let (failures, room) = if file == self.files.head() {
            let room = self.head_failed(cause);
            (self.retries.failures(), room)
        } else {
            self.other_failed(file, cause);
            (self.files[file].failures, None)
        };
        if self.retries.are_used_up() {
            self.stop(file, StopCause::Failed, Scope::FromHere);
        } else {
            let request = RequestId { file, attempt: self.files[file].attempt };
            self.actions.push(Action::Pause { request, failures, at_least: retry_after });
        }
        room
    }

    fn head_failed(&mut self, cause: Cause) -> Option<Room> {
        match self.retries.failed(self.files.open(), cause) {
            Lesson::Alone => {
                // This run did not add what is there.
                self.open_limit.forget();
                self.open_limit.lower_to(1);
                None
            }
            Lesson::LacksRoom(room) => Some(room),
            Lesson::Nothing => None,
        }
    }

    fn other_failed(&mut self, file: FileIndex, cause: Cause) {
        self.files[file].failures += 1;
        let open = self.files.open();
        if cause == Cause::NoRoom && self.files.head_phase().is_some_and(Phase::is_open) {
            self.open_limit.serves(open);
        } else {
            // If the head is not served, the number of served requests is unknown.
            self.open_limit.lower_to(open);
        }
    }

    /// Keeps held uploads alive.
    pub(super) fn drip(&mut self) {
        for file in self.files.begun() {
            if let Phase::Held { ticks } = &mut self.files[file].phase {
                *ticks += 1;
                if ticks.is_multiple_of(DRIP_TICKS) {
                    self.actions.push(Action::Drip(file));
                }
            }
        }
    }

    pub(super) fn drop_request(&mut self, file: FileIndex) {
        self.starting.opened(file);
        self.files[file].phase = Phase::Waiting;
        self.actions.push(Action::Drop(file));
    }

    /// Releases the tail of this file, if it is held.
    pub(super) fn release(&mut self, file: FileIndex) {
        if self.files[file].phase.is_held() {
            self.files[file].phase = Phase::Released;
            self.actions.push(Action::Release(file));
        }
    }

    /// Starts the next request, if one may start now.
    pub(super) fn start_next(&mut self, head: HeadStarts) {
        let Self { files, stopping, open_limit, .. } = &*self;
        let others = Others::of(files, &self.retries);
        if let Some(file) = self.starting.next(files, stopping, others, head, open_limit) {
            self.start(file);
        }
    }

    pub(super) fn start(&mut self, file: FileIndex) {
        self.starting.opening = Some(file);
        let request = self.files.start(file);
        self.actions.push(Action::Start(request));
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn plan_has_ended(&self) -> bool {
        self.plan_has_ended
    }

    /// Ends the run if nothing is left to do.
    pub(super) fn finish(&mut self) {
        let is_over = self.plan_has_ended || self.stopping.stop().is_some();
        if !self.is_finished && is_over && self.stopping.is_idle(&self.files) {
            self.is_finished = true;
            self.act(Action::Finish(self.stopping.stop()));
        }
    }

    /// Returns the actions after an event.
    pub(super) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }
}

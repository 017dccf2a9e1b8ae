//! Bugs that can be planted in any strategy, by changing events before the strategy and actions
//! after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    super::{
        Action, CommitConfig, CommitStrategy, Ending, Event, FileIndex, Grace, Mode, Order,
        RequestId, Verdict, line::Line, strategy,
    },
    bug::Bug,
};

#[derive(Debug)]
pub(super) struct Faulty {
    inner: Box<dyn CommitStrategy>,
    bug: Bug,
    planned: usize,
    /// Open requests, and whether their tail was released.
    open: BTreeMap<FileIndex, bool>,
    /// Files whose last request was rejected because the name was in use.
    taken: BTreeSet<FileIndex>,
    /// What `Retry-After` asked for, hidden from the strategy.
    asked: BTreeMap<FileIndex, Duration>,
    /// Rejected files that count as done.
    skipped: BTreeMap<FileIndex, RequestId>,
}

impl Faulty {
    pub(super) fn new(bug: Bug, order: Order, mut config: CommitConfig) -> Self {
        if bug == Bug::RetriesWithoutBound {
            config.max_retries = u32::MAX;
        }
        Self {
            inner: strategy(Mode::Uploads(order), config),
            bug,
            planned: 0,
            open: BTreeMap::new(),
            taken: BTreeSet::new(),
            asked: BTreeMap::new(),
            skipped: BTreeMap::new(),
        }
    }

    fn is_released(&self, file: FileIndex) -> bool {
        self.open.get(&file) == Some(&true)
    }

    /// The event as the strategy sees it.
    fn changed(&mut self, event: Event) -> Event {
        match (self.bug, event) {
            (Bug::DoubtTakenForCommit, Event::Ended(request, Ending::Temporary { .. }))
                if self.is_released(request.file) =>
            {
                Event::Ended(request, Ending::Accepted)
            }
            (
                Bug::RetryAfterIgnored,
                Event::Ended(request, Ending::Temporary { failure, retry_after }),
            ) => {
                self.asked.extend(retry_after.map(|wait| (request.file, wait)));
                Event::Ended(request, Ending::Temporary { failure, retry_after: None })
            }
            (Bug::StaleListingBelieved, Event::Settled(file, Verdict::Stale))
            | (Bug::MissingListingBelieved, Event::Settled(file, Verdict::Unknown)) => {
                Event::Settled(file, Verdict::Absent)
            }
            (Bug::TakenNameTakenForOurs, Event::Settled(file, Verdict::Alike))
                if self.taken.contains(&file) =>
            {
                Event::Settled(file, Verdict::Committed)
            }
            (Bug::StarvationIgnored, Event::Tick { .. }) => Event::Tick { head_moved: true },
            (_, event) => event,
        }
    }

    /// The action that replaces one of the strategy.
    fn actions(&mut self, event: Event) -> Vec<Action> {
        let given = self.changed(event);
        match (self.bug, event) {
            (Bug::EarlyResponseBelieved, Event::Ended(request, Ending::Accepted))
                if !self.is_released(request.file) =>
            {
                vec![Action::Commit(request.file)]
            }
            (Bug::ListingStarved, Event::Settled(file, Verdict::Unavailable { .. }))
                if !self.open.is_empty() =>
            {
                vec![Action::Settle(file, Grace::Retry { failures: 1, at_least: None })]
            }
            (Bug::RefusedFileSkipped, Event::Ended(request, Ending::Refused)) => {
                self.skipped.insert(request.file, request);
                self.inner.on(Event::TailReached(request))
            }
            (Bug::IncompleteTakenForNotSent, Event::Ended(request, Ending::Temporary { .. }))
                if self.is_released(request.file) =>
            {
                self.believed_absent(request.file, given)
            }
            (Bug::GraceSkipped, Event::Settled(file, Verdict::Absent)) => {
                self.believed_absent(file, given)
            }
            (_, _) => self.inner.on(given),
        }
    }

    /// Each lookup of the file after this event finds nothing, at once.
    fn believed_absent(&mut self, file: FileIndex, event: Event) -> Vec<Action> {
        let mut actions = self.inner.on(event);
        let is_lookup =
            |action: &Action| matches!(action, Action::Settle(other, _) if *other == file);
        while let Some(index) = actions.iter().position(is_lookup) {
            actions.remove(index);
            actions.extend(self.inner.on(Event::Settled(file, Verdict::Absent)));
        }
        actions
    }

    fn change(&mut self, event: Event, actions: &mut Vec<Action>) {
        match (self.bug, event) {
            (Bug::TailReleasedEarly, Event::TailReached(request))
                if !actions.contains(&Action::Release(request.file)) =>
            {
                actions.push(Action::Release(request.file));
            }
            (
                Bug::DroppedAfterRelease,
                Event::Ended(_, Ending::Refused | Ending::RefusedAll | Ending::Final),
            ) => {
                let released = self.open.iter().filter(|(_, is_released)| **is_released);
                actions.extend(released.map(|(&file, _)| Action::Drop(file)));
            }
            _ => {}
        }
        match self.bug {
            Bug::HeldForgotten => actions.retain(|action| !matches!(action, Action::Release(_))),
            Bug::RefusedFileSkipped => self.skip(actions),
            Bug::StartedOutOfOrder | Bug::RetryAfterIgnored => {
                for action in actions {
                    self.change_action(action);
                }
            }
            _ => {}
        }
    }

    fn change_action(&mut self, action: &mut Action) {
        match (self.bug, action) {
            (Bug::StartedOutOfOrder, Action::Start(request))
                if request.attempt == 1 && request.file + 1 < self.planned =>
            {
                request.file += 1;
            }
            (Bug::RetryAfterIgnored, Action::Pause { request, at_least, .. }) => {
                *at_least = self.asked.remove(&request.file);
            }
            _ => {}
        }
    }

    /// Reports skipped files as committed when it is their turn.
    fn skip(&mut self, actions: &mut Vec<Action>) {
        let is_of_skipped = |action: &Action| match action {
            Action::Release(file) | Action::Drop(file) => self.skipped.contains_key(file),
            _ => false,
        };
        while let Some(index) = actions.iter().position(is_of_skipped) {
            if let Action::Release(file) = actions.remove(index) {
                let request = self.skipped[&file];
                let more = self.inner.on(Event::Ended(request, Ending::Accepted));
                actions.extend(more.into_iter().filter(|action| *action != Action::Commit(file)));
            }
        }
    }

    fn keep_track(&mut self, actions: &[Action]) {
        for action in actions {
            match *action {
                Action::Start(request) => {
                    self.skipped.remove(&request.file);
                    self.open.insert(request.file, false);
                }
                Action::Release(file) => drop(self.open.insert(file, true)),
                Action::Drop(file) => drop(self.open.remove(&file)),
                _ => {}
            }
        }
    }
}

impl CommitStrategy for Faulty {
    fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.actions(event);
        match event {
            Event::Planned(count) => self.planned += count,
            Event::Ended(request, ending) => {
                self.open.remove(&request.file);
                self.taken.remove(&request.file);
                if ending == Ending::NameTaken {
                    self.taken.insert(request.file);
                }
            }
            _ => {}
        }
        self.change(event, &mut actions);
        self.keep_track(&actions);
        actions
    }

    fn line(&self) -> &Line {
        self.inner.line()
    }
}

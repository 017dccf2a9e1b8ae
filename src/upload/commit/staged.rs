//! Staged files: the server stores them in any order, and small transactions give them their order.
//!
//! Bodies are sent as in an unordered upload, and nothing of them is visible. Whenever the next
//! files of the plan are staged and no commit is in progress, one request commits all of them.
//! After each commit, files gather for a moment, because a commit of many costs the server hardly
//! more than a commit of one.
//!
//! Invariant: a commit names the number of files that the dataset must have, so the dataset always
//! holds a prefix of the plan, whichever commits arrive late, twice, or never.

use std::{collections::BTreeSet, time::Duration};

use super::{
    decision::{Scope, Turn},
    events::{Action, Ending, Event, FileIndex, Grace, Group, GroupEnding, StopCause, Verdict},
    files::Phase,
    line::{CommitConfig, Line},
    starting::HeadStarts,
    strategy::CommitStrategy,
};
use crate::config::MAX_STALE_LISTINGS;

/// When staged files are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitWhen {
    /// As soon as they are the next ones of the plan.
    NextStaged,
    /// All in one commit, when the last of them is staged.
    AllStaged,
    /// Another call commits them.
    Never,
}

/// A generated plan is not made further ahead of its commits than this many times `concurrency`:
/// each file takes up disk space until it is committed.
const AHEAD: usize = 4;

/// Commits files in the order of the plan through staging. See the module's text.
#[derive(Clone, Debug)]
pub struct Staged {
    /// The files to stage: a file that is staged is done.
    line: Line,
    when: CommitWhen,
    /// Most files of one commit.
    max_group: usize,
    max_retries: u32,
    /// Maximum number of files that are created ahead of the commits.
    max_ahead: usize,
    /// The files before this one are in the dataset.
    committed: FileIndex,
    /// Files that the server did not stage, because the dataset has their names.
    taken: BTreeSet<FileIndex>,
    commit: Commit,
    /// The files before this one are committed one by one, to find out which one is rejected.
    one_by_one_until: FileIndex,
    /// Failures of commits in a row.
    failures: u32,
    /// Listings in a row that did not explain why a commit had failed.
    unexplained: u32,
    /// A commit was sent, and its outcome was not learned.
    in_doubt: bool,
}

/// The commit in progress, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commit {
    None,
    /// Not requested before more files are staged: see [`Action::GatherGroup`].
    Gathering,
    Requested(Group),
    /// Requested again after a pause: the same files, so that the server recognises it.
    Pausing(Group),
    Comparing(Reason),
}

/// Why a listing is compared with the next files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// The dataset has other files than this run has put there.
    OthersWrote,
    /// No further commit is requested, so this listing is the last chance to learn the outcome of
    /// the last one.
    GaveUp,
}

impl Staged {
    /// With nothing to send yet: files come with [`Event::Planned`].
    #[must_use]
    pub fn new(config: CommitConfig, when: CommitWhen, max_group: usize) -> Self {
        Self {
            when,
            max_group,
            max_retries: config.max_retries,
            max_ahead: AHEAD * config.concurrency,
            line: Line::new(config),
            committed: 0,
            taken: BTreeSet::new(),
            commit: Commit::None,
            one_by_one_until: 0,
            failures: 0,
            unexplained: 0,
            in_doubt: false,
        }
    }

    fn stage_ended(&mut self, file: FileIndex, ending: Ending) {
        match ending {
            Ending::Accepted => self.line.done(file),
            Ending::NameTaken if self.when == CommitWhen::NextStaged => {
                // Perhaps another run of this upload committed it: the listing shows it when it is
                // the next one.
                self.taken.insert(file);
                self.line.done(file);
            }
            Ending::NameTaken => self.line.stop(file, StopCause::Failed, Scope::All),
            ending => {
                if let Some(room) = self.line.ended(file, ending, Turn::Later) {
                    self.line.open_limit.serves(room.served);
                }
            }
        }
    }

    /// Starts a commit of the next files, unless one is in progress.
    fn commit_next(&mut self) {
        if self.commit == Commit::Gathering && !self.may_gather_more() {
            self.commit = Commit::None;
        }
        if self.commit != Commit::None || !self.may_commit() {
            return;
        }
        let staged = self.line.files.head().min(self.line.stopping.fence());
        if self.committed >= staged {
            return;
        }
        if self.taken.contains(&self.committed) {
            self.compare(Reason::OthersWrote, Grace::None);
            return;
        }
        let is_single = self.committed < self.one_by_one_until;
        let most = if is_single { 1 } else { self.max_group };
        let taken = self.taken.range(self.committed..).next();
        let end = taken.map_or(staged, |&taken| staged.min(taken));
        self.request(Group { start: self.committed, end: end.min(self.committed + most) });
    }

    /// Whether further files may be staged in a moment, and have room in the next commit.
    fn may_gather_more(&self) -> bool {
        !self.is_whole()
            && self.committed >= self.one_by_one_until
            && self.line.stopping.stop().is_none()
            && self.line.files.head() < self.committed + self.max_group
    }

    /// Whether all files of the plan are staged.
    fn is_whole(&self) -> bool {
        let files = &self.line.files;
        self.line.plan_has_ended() && files.head() == files.len()
    }

    fn may_commit(&self) -> bool {
        match self.when {
            CommitWhen::NextStaged => true,
            CommitWhen::Never => false,
            CommitWhen::AllStaged => self.is_whole() && self.line.stopping.stop().is_none(),
        }
    }

    fn request(&mut self, group: Group) {
        self.commit = Commit::Requested(group);
        self.line.act(Action::CommitGroup(group));
    }

    fn group_ended(&mut self, ending: GroupEnding) {
        let Commit::Requested(group) = self.commit else { return };
        self.commit = Commit::None;
        match ending {
            GroupEnding::Committed => {
                self.learned(group.end);
                if self.may_gather_more() {
                    self.commit = Commit::Gathering;
                    self.line.act(Action::GatherGroup);
                }
            }
            GroupEnding::CountDiffers => self.compare(Reason::OthersWrote, Grace::None),
            GroupEnding::Temporary { retry_after } => self.retry(group, retry_after),
            GroupEnding::Final => {
                self.in_doubt = true;
                self.compare(Reason::GaveUp, Grace::None);
            }
            GroupEnding::Refused { file } => self.refused(group, file),
            GroupEnding::Gone { file } => self.stage_again(group, file),
            GroupEnding::RefusedAll => self.stop(group.start, StopCause::Failed, Scope::All),
        }
    }

    /// The files before this one are known to be in the dataset.
    fn learned(&mut self, committed: FileIndex) {
        for file in self.committed..committed {
            if self.line.files[file].phase.may_be_dropped() {
                self.line.drop_request(file);
            }
            self.line.done(file);
            self.line.act(Action::Commit(file));
        }
        self.committed = committed;
        self.taken.retain(|&file| file >= committed);
        self.failures = 0;
        self.unexplained = 0;
        self.in_doubt = false;
    }

    fn retry(&mut self, group: Group, retry_after: Option<Duration>) {
        self.in_doubt = true;
        self.failures += 1;
        if self.failures > self.max_retries {
            self.compare(Reason::GaveUp, Grace::None);
            return;
        }
        self.commit = Commit::Pausing(group);
        self.line.act(Action::PauseGroup { failures: self.failures, at_least: retry_after });
    }

    fn refused(&mut self, group: Group, file: Option<FileIndex>) {
        let is_single = group.end == group.start + 1;
        let file = file.or(is_single.then_some(group.start));
        match (file, self.when) {
            (Some(file), CommitWhen::NextStaged) => {
                self.stop(file, StopCause::Failed, Scope::FromHere);
            }
            (None, CommitWhen::NextStaged) => self.one_by_one_until = group.end,
            (file, _) => {
                self.stop(file.unwrap_or(group.start), StopCause::Failed, Scope::All);
            }
        }
    }

    /// Staged files may expire.
    fn stage_again(&mut self, group: Group, file: Option<FileIndex>) {
        let gone = file.map_or(group.start..group.end, |file| file..file + 1);
        for file in gone {
            self.line.files.undo(file);
            if self.line.files[file].failures > self.max_retries {
                self.stop(file, StopCause::Failed, Scope::FromHere);
                return;
            }
        }
    }

    fn compare(&mut self, reason: Reason, grace: Grace) {
        self.commit = Commit::Comparing(reason);
        self.line.act(Action::Compare(grace));
    }

    fn compared(&mut self, ours: usize, verdict: Verdict) {
        let Commit::Comparing(reason) = self.commit else { return };
        self.commit = Commit::None;
        let was_in_doubt = self.in_doubt;
        if ours > 0 {
            self.learned(self.committed + ours);
        }
        let file = self.committed;
        match verdict {
            Verdict::Committed => {}
            Verdict::Absent if ours > 0 => {}
            Verdict::Absent | Verdict::Stale => self.unexplained(reason, verdict),
            Verdict::Alike if was_in_doubt => {
                self.learned(file + 1);
                self.in_doubt = true;
                self.compare(reason, Grace::None);
            }
            Verdict::Alike => self.stop(file, StopCause::NameTaken, Scope::All),
            Verdict::Foreign => self.stop(file, StopCause::ForeignWriter, Scope::All),
            Verdict::Unknown => self.stop(file, StopCause::OutcomeUnknown, Scope::All),
            Verdict::Unavailable { retry_after } => {
                self.failures += 1;
                if self.failures > 2 * self.max_retries {
                    self.stop(file, StopCause::OutcomeUnknown, Scope::All);
                } else {
                    let failures = self.failures;
                    self.compare(reason, Grace::Retry { failures, at_least: retry_after });
                }
            }
        }
    }

    /// The listing may be older than the commit, or the commit is still on its way.
    fn unexplained(&mut self, reason: Reason, verdict: Verdict) {
        let file = self.committed;
        self.unexplained += 1;
        if reason == Reason::GaveUp && verdict == Verdict::Absent && self.unexplained > 1 {
            self.stop(file, StopCause::Failed, Scope::All);
        } else if self.unexplained > MAX_STALE_LISTINGS {
            self.stop(file, StopCause::ListingBehind, Scope::All);
        } else {
            self.compare(reason, Grace::Short);
        }
    }

    fn stop(&mut self, file: FileIndex, cause: StopCause, scope: Scope) {
        // A plan that has not come yet has no file that could be named.
        self.line.end_at(file.min(self.line.files.len().saturating_sub(1)), cause, scope);
    }
}

impl CommitStrategy for Staged {
    fn on(&mut self, event: Event) -> Vec<Action> {
        if !self.line.awaits(&event) {
            return Vec::new();
        }
        match event {
            Event::Ended(request, ending) => {
                self.line.starting.opened(request.file);
                self.stage_ended(request.file, ending);
            }
            // Nothing of a staged file is held, and the next one need not wait for the response:
            // the server groups the files that it makes durable.
            Event::TailReached(request) => {
                self.line.starting.opened(request.file);
                self.line.files[request.file].phase = Phase::Sent;
            }
            Event::GroupEnded(ending) => self.group_ended(ending),
            Event::GroupPauseOver => {
                if let Commit::Pausing(group) = self.commit {
                    self.request(group);
                }
            }
            Event::GroupGathered if self.commit == Commit::Gathering => {
                self.commit = Commit::None;
            }
            Event::Compared { ours, verdict } => self.compared(ours, verdict),
            event => {
                let _ = self.line.on(event);
            }
        }
        self.line.start_next(HeadStarts::InASlot);
        self.commit_next();
        if self.commit == Commit::None {
            self.line.finish();
        }
        self.line.actions()
    }

    fn wants_file(&self) -> bool {
        let is_bounded = self.when == CommitWhen::NextStaged;
        let ahead = self.line.files.len() - self.committed;
        self.line.wants_file() && !(is_bounded && ahead >= self.max_ahead)
    }

    fn line(&self) -> &Line {
        &self.line
    }
}

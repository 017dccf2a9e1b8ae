//! Bugs that tests plant by changing events before the strategy and actions after it.

use crate::upload::commit::{
    Action, CommitStrategy, Event, GroupEnding, Staged, Verdict, line::Line,
};

/// A bug that a test plants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// A commit expects as many files as the dataset happens to have.
    CountAsFound,
    /// A lost response counts as a commit.
    LostResponseTakenForCommit,
    /// A commit that found other files in the dataset counts as ours.
    OtherCountTakenForCommit,
    /// A staged file that is gone counts as committed.
    GoneTakenForCommit,
    /// A commit is requested again although a staged file is gone.
    GoneRetried,
    /// A rejected commit is requested again.
    RejectedRetried,
    /// A foreign file counts as one of ours.
    ForeignTakenForOurs,
    /// A listing that shows nothing new counts as a commit.
    AbsentTakenForCommit,
    /// A commit takes a file that is not staged yet.
    CommitsAhead,
    /// Two commits are in progress at the same time.
    CommitsTwice,
    /// The file after a commit is forgotten.
    NextForgotten,
}

/// The strategy with this bug.
pub(super) fn planted(bug: Option<Bug>, strategy: Staged) -> Box<dyn CommitStrategy> {
    match bug {
        Some(bug) => Box::new(Faulty { bug, strategy }),
        None => Box::new(strategy),
    }
}

#[derive(Debug)]
struct Faulty {
    bug: Bug,
    strategy: Staged,
}

impl Faulty {
    fn heard(&self, event: Event) -> Event {
        let temporary = GroupEnding::Temporary { retry_after: None };
        let ending = match (self.bug, event) {
            (Bug::LostResponseTakenForCommit, Event::GroupEnded(GroupEnding::Temporary { .. }))
            | (Bug::OtherCountTakenForCommit, Event::GroupEnded(GroupEnding::CountDiffers))
            | (Bug::GoneTakenForCommit, Event::GroupEnded(GroupEnding::Gone { .. })) => {
                GroupEnding::Committed
            }
            (Bug::GoneRetried, Event::GroupEnded(GroupEnding::Gone { .. }))
            | (Bug::RejectedRetried, Event::GroupEnded(GroupEnding::Refused { .. })) => temporary,
            (Bug::ForeignTakenForOurs, Event::Compared { ours, verdict: Verdict::Foreign })
            | (Bug::AbsentTakenForCommit, Event::Compared { ours, verdict: Verdict::Absent }) => {
                return Event::Compared { ours: ours + 1, verdict: Verdict::Absent };
            }
            _ => return event,
        };
        Event::GroupEnded(ending)
    }

    fn said(&self, actions: Vec<Action>) -> Vec<Action> {
        let mut said = Vec::new();
        for action in actions {
            match (self.bug, action) {
                (Bug::CommitsAhead, Action::CommitGroup(mut group)) => {
                    group.end += 1;
                    said.push(Action::CommitGroup(group));
                }
                (Bug::CommitsTwice, Action::CommitGroup(_)) => said.extend([action, action]),
                (Bug::NextForgotten, Action::Commit(file)) if file % 3 == 2 => {}
                _ => said.push(action),
            }
        }
        said
    }
}

impl CommitStrategy for Faulty {
    fn on(&mut self, event: Event) -> Vec<Action> {
        let actions = self.strategy.on(self.heard(event));
        self.said(actions)
    }

    fn line(&self) -> &Line {
        self.strategy.line()
    }
}

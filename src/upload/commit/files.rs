//! The state of each file of the plan.

use std::ops::{Index, IndexMut, Range};

use super::{
    events::{Event, FileIndex, RequestId},
    settling::Settling,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To be started, for the first time or again.
    Waiting,
    Sending,
    Held {
        ticks: u32,
    },
    Released,
    /// Of a staged file: everything is sent, and the response is awaited.
    Sent,
    Pausing {
        throttled: bool,
    },
    Settling(Settling),
    /// Committed; of a staged upload: staged.
    Done,
}

impl Phase {
    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Held { .. })
    }

    pub(super) fn is_in_transfer(self) -> bool {
        matches!(self, Self::Sending | Self::Released)
    }

    /// Open without sending anything, so it takes up no slot of `concurrency`.
    pub(super) fn is_between_transfers(self) -> bool {
        self.is_held() || self == Self::Sent
    }

    pub(super) fn is_open(self) -> bool {
        self.is_between_transfers() || self.is_in_transfer()
    }

    /// Open, and certainly not in the dataset.
    pub(super) fn may_be_dropped(self) -> bool {
        matches!(self, Self::Sending | Self::Held { .. } | Self::Sent)
    }
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) phase: Phase,
    /// Requests for it so far, including those that were dropped to make room.
    pub(super) attempt: u32,
    /// Failed requests in a row while it was not the head.
    pub(super) failures: u32,
    /// A tail of this file was released and the outcome is unknown: the dataset may contain the
    /// file at any time.
    pub(super) may_be_there: bool,
}

/// All files that are planned so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    planned: Vec<File>,
    /// The first file that is not done.
    head: FileIndex,
    /// Files from here on were never started.
    frontier: FileIndex,
}

impl Files {
    pub(super) fn plan(&mut self, count: usize) {
        let waiting = File { phase: Phase::Waiting, attempt: 0, failures: 0, may_be_there: false };
        self.planned.resize(self.planned.len() + count, waiting);
    }

    pub(super) fn len(&self) -> usize {
        self.planned.len()
    }

    pub(super) fn head(&self) -> FileIndex {
        self.head
    }

    pub(super) fn head_phase(&self) -> Option<Phase> {
        self.planned.get(self.head).map(|file| file.phase)
    }

    /// Files that are started. Those committed in order are not among them.
    pub(super) fn begun(&self) -> Range<FileIndex> {
        self.head..self.frontier
    }

    /// Notes a new request for the file.
    pub(super) fn start(&mut self, file: FileIndex) -> RequestId {
        self.frontier = self.frontier.max(file + 1);
        let state = &mut self[file];
        state.phase = Phase::Sending;
        state.attempt += 1;
        RequestId { file, attempt: state.attempt }
    }

    /// Notes that a file is done. Returns by how many files the head has moved.
    pub(super) fn done(&mut self, file: FileIndex) -> usize {
        self[file].phase = Phase::Done;
        self.frontier = self.frontier.max(file + 1);
        let before = self.head;
        while self.head_phase() == Some(Phase::Done) {
            self.head += 1;
        }
        self.head - before
    }

    /// Notes that a file must be sent again.
    pub(super) fn undo(&mut self, file: FileIndex) {
        self[file].phase = Phase::Waiting;
        self[file].failures += 1;
        self.head = self.head.min(file);
    }

    pub(super) fn not_done(&self) -> usize {
        let rest = self.planned[self.head..].iter();
        rest.filter(|file| file.phase != Phase::Done).count()
    }

    pub(super) fn open(&self) -> usize {
        self.count(Phase::is_open)
    }

    pub(super) fn in_transfer(&self) -> usize {
        self.count(Phase::is_in_transfer)
    }

    pub(super) fn count(&self, matches: impl Fn(Phase) -> bool) -> usize {
        self.planned[self.begun()].iter().filter(|file| matches(file.phase)).count()
    }

    /// Whether the event is current: events of dropped requests are not.
    pub(super) fn awaits(&self, event: &Event) -> bool {
        let phase = |file: FileIndex| self.planned.get(file).map(|file| file.phase);
        let phase_of = |request: &RequestId| {
            let file = self.planned.get(request.file);
            file.filter(|file| file.attempt == request.attempt).map(|file| file.phase)
        };
        match event {
            Event::Started(request) | Event::TailReached(request) => {
                phase_of(request) == Some(Phase::Sending)
            }
            Event::Ended(request, _) => phase_of(request).is_some_and(Phase::is_open),
            Event::PauseOver(request) => {
                matches!(phase_of(request), Some(Phase::Pausing { .. }))
            }
            Event::Settled(file, _) => matches!(phase(*file), Some(Phase::Settling(_))),
            Event::Planned(_)
            | Event::PlanEnded
            | Event::GroupEnded(_)
            | Event::GroupPauseOver
            | Event::GroupGathered
            | Event::Compared { .. }
            | Event::Tick { .. } => true,
        }
    }
}

impl Index<FileIndex> for Files {
    type Output = File;

    fn index(&self, file: FileIndex) -> &File {
        &self.planned[file]
    }
}

impl IndexMut<FileIndex> for Files {
    fn index_mut(&mut self, file: FileIndex) -> &mut File {
        &mut self.planned[file]
    }
}

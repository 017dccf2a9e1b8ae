//! The end of a run before all files are committed.

use std::ops::Range;

use super::{
    decision::Scope,
    events::{FileIndex, Stop, StopCause},
    files::{Files, Phase},
};

/// Why a run ends early, and which files it leaves out.
#[derive(Clone, Debug)]
pub(super) struct Stopping {
    stop: Option<Stop>,
    /// Files from here on are not sent any more.
    fence: FileIndex,
}

impl Stopping {
    pub(super) fn not_yet() -> Self {
        Self { stop: None, fence: FileIndex::MAX }
    }

    /// Adds a reason to stop. The reason of the first file in the plan wins.
    pub(super) fn at(&mut self, file: FileIndex, cause: StopCause, scope: Scope) {
        if self.stop.is_none_or(|stop| file < stop.file) {
            self.stop = Some(Stop { file, cause });
        }
        let fence = match scope {
            Scope::FromHere => file,
            Scope::All => 0,
        };
        self.fence = self.fence.min(fence);
    }

    pub(super) fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// Files from here on are left out.
    pub(super) fn fence(&self) -> FileIndex {
        self.fence
    }

    /// Started files that are left out from now on.
    pub(super) fn left_out(&self, files: &Files) -> Range<FileIndex> {
        let begun = files.begun();
        self.fence.max(begun.start)..begun.end
    }

    /// Files that may be started now: those already started, and the next one.
    pub(super) fn startable(&self, files: &Files) -> Range<FileIndex> {
        let begun = files.begun();
        begun.start..self.fence.min(begun.end + 1).min(files.len())
    }

    /// Whether nothing is in progress and nothing is left to start.
    pub(super) fn is_idle(&self, files: &Files) -> bool {
        let is_busy = |file: FileIndex| match files[file].phase {
            Phase::Waiting | Phase::Done => false,
            // It will not be sent again, but the others must wait as long as the server asked.
            Phase::Pausing { .. } => file < self.fence,
            _ => true,
        };
        let is_waiting = |file: FileIndex| files[file].phase == Phase::Waiting;
        !files.begun().any(is_busy) && !self.startable(files).any(is_waiting)
    }
}

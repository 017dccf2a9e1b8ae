//! How many requests may be open: fewer where the service serves fewer.

use super::{Action, FileIndex, Gate, Phase, planted};

/// It shrinks at once and grows commit by commit, as TCP's window does (RFC 5681).
#[derive(Debug)]
pub(super) struct OpenLimit {
    pub(super) requests: usize,
    most: usize,
    /// From here on it grows slowly: the service has refused more.
    slow_from: usize,
    commits_since_growth: usize,
}

impl OpenLimit {
    pub(super) fn new(most: usize) -> Self {
        Self { requests: most, most, slow_from: most, commits_since_growth: 0 }
    }

    fn shrink_to(&mut self, requests: usize) {
        self.requests = requests.clamp(1, self.most);
        self.commits_since_growth = 0;
    }

    pub(super) fn grow(&mut self) {
        self.commits_since_growth += 1;
        let needed = if self.requests < self.slow_from { 1 } else { self.requests };
        if self.commits_since_growth >= needed {
            self.requests = (self.requests + 1).min(self.most);
            self.commits_since_growth = 0;
        }
    }
}

impl Gate {
    /// A request for `file` failed, and will be made again: there may be too many of them.
    pub(super) fn shrink_after_failure(
        &mut self,
        file: FileIndex,
        was_opening: bool,
        was_throttled: bool,
        actions: &mut Vec<Action>,
    ) {
        if file == self.head && self.config.ordered {
            // Others may hold what it needs: connections, or files of this machine. That one
            // request broke off is no sign of it.
            let lacks_room = was_opening || was_throttled || self.files[file].failures > 1;
            if lacks_room && !planted!(self, HeadRefusedForOthers) {
                self.make_room_for_head(actions);
            }
        } else if self.config.ordered || was_throttled {
            self.open_limit.shrink_to(self.open());
        }
        if was_throttled {
            self.open_limit.slow_from = self.open_limit.requests;
        }
    }

    /// Drops the newer half of the other requests, which cannot have been committed, and opens
    /// fewer from now on.
    pub(super) fn make_room_for_head(&mut self, actions: &mut Vec<Action>) {
        let is_other = |phase| matches!(phase, Phase::Sending | Phase::Held { .. });
        let others =
            (self.head + 1..self.frontier).filter(|&file| is_other(self.files[file].phase));
        let others: Vec<_> = others.collect();
        let kept = others.len() / 2;
        for &file in others[kept..].iter().rev() {
            self.drop_request(file, actions);
        }
        self.open_limit.shrink_to(kept + 1);
    }
}

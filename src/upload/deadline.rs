//! Until when the head of an upload is tried again.

use std::time::Duration;

use super::commit::FileIndex;
use crate::client::{ClientOptions, Deadline};

/// Counts from the first failure in a row of the file that is the head: others may fail for as
/// long as the service is busy with the head.
#[derive(Debug, Default)]
pub(super) struct HeadDeadline {
    failing: Option<(FileIndex, Deadline)>,
}

impl HeadDeadline {
    /// A request for the head has failed: its first failure in a row counts.
    pub(super) fn begin(&mut self, head: FileIndex, options: &ClientOptions) {
        let is_known = self.failing.as_ref().is_some_and(|(failing, _)| *failing == head);
        if !is_known {
            self.failing = Some((head, Deadline::new(options)));
        }
    }

    /// Whether an attempt for the file begins in time, after this pause.
    pub(super) fn allows(&self, file: FileIndex, pause: Duration) -> bool {
        let of_file = self.failing.as_ref().filter(|(failing, _)| *failing == file);
        of_file.is_none_or(|(_, deadline)| deadline.allows(pause))
    }

    /// Ends it now.
    pub(super) fn end(&mut self) {
        self.failing.iter_mut().for_each(|(_, deadline)| deadline.end());
    }
}

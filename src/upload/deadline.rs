//! How long the head of an upload is retried.

use std::time::Duration;

use super::commit::FileIndex;
use crate::client::{ClientOptions, Deadline};

/// Counts from the head's first failure in a row. Other files may fail for as long as the server is
/// busy with the head.
#[derive(Debug, Default)]
pub(super) struct HeadDeadline {
    failing: Option<(FileIndex, Deadline)>,
}

impl HeadDeadline {
    /// Notes a failed request for the head; only the first failure in a row counts.
    pub(super) fn begin(&mut self, head: FileIndex, options: &ClientOptions) {
        let is_known = self.failing.as_ref().is_some_and(|(failing, _)| *failing == head);
        if !is_known {
            self.failing = Some((head, Deadline::new(options)));
        }
    }

    /// Whether an attempt after this pause begins in time.
    pub(super) fn allows(&self, file: FileIndex, pause: Duration) -> bool {
        let of_file = self.failing.as_ref().filter(|(failing, _)| *failing == file);
        of_file.is_none_or(|(_, deadline)| deadline.allows(pause))
    }

    /// Ends the time now.
    pub(super) fn end(&mut self) {
        self.failing.iter_mut().for_each(|(_, deadline)| deadline.end());
    }
}

//! If the server stages no more files, the others go through the gate.

use super::shell::{Shell, Transfer};
use crate::{
    error::Error,
    upload::{
        commit::{CommitWhen, Mode, Order, Stop, StopCause},
        error::UploadError,
    },
};

/// Files that are still to be sent.
pub(super) struct Rest {
    pub(super) transfer: Transfer,
    /// Why the feed ended before them.
    pub(super) feed_error: Option<UploadError>,
    /// Notes for the caller once the server has accepted one of them.
    pub(super) note: Option<String>,
}

impl Rest {
    pub(super) fn of(transfer: Transfer) -> Self {
        Self { transfer, feed_error: None, note: None }
    }
}

impl Shell {
    /// Whether the server has rejected a file because of its size or because too much is staged
    /// already, perhaps by others. A plain upload of the file may be accepted.
    pub(super) fn may_go_on_without_staging(&self, stop: Stop, error: &Error) -> bool {
        self.transfer.mode == Mode::Stages(CommitWhen::NextStaged)
            && stop.cause == StopCause::Failed
            && stop.file == self.first_uncommitted()
            && matches!(error, Error::Refused { status: 413, .. })
    }

    /// The files that are not committed, to be sent through the gate.
    pub(super) fn without_staging(self, error: &Error) -> Rest {
        let next = self.first_uncommitted();
        let Self { mut transfer, feed_error, .. } = self;
        let files = transfer.files.split_off(next);
        let note = files.first().map(|first| {
            format!(
                "{} and the files after it were committed one by one, which is slower: they could \
                 not be staged, because {error}",
                first.name
            )
        });
        tracing::warn!("the remaining files are committed one by one: {error}");
        for file in &files {
            transfer.tracker.ended(file.position);
        }
        transfer.before.extend(transfer.files.into_iter().map(|file| file.name));
        transfer.files = files;
        transfer.mode = Mode::Uploads(Order::Planned);
        Rest { transfer, feed_error, note }
    }
}

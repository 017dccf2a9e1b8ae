//! The requests in progress, and the tasks that report events.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{
    future::{AbortHandle, Abortable, BoxFuture, abortable},
    stream::FuturesUnordered,
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use super::{connections::Connections, read_ahead::FilesAhead, recorder::Recorder};
use crate::{
    client::{ApiClient, BodyHandle, CommitOutcome, backoff},
    error::{Error, Result},
    upload::{
        commit::{
            CommitConfig, CommitWhen, Event, FileIndex, Grace, Group, Mode, RequestId, Verdict,
        },
        deadline::HeadDeadline,
        error::UploadError,
        feed::Coming,
        ledger::Tracker,
        outgoing::OutgoingFile,
        sent_record::SentRecord,
    },
    wire::{messages::DatasetFile, staging::StagedFile},
};

/// Sends files into a dataset.
pub(in crate::upload) struct Transfer {
    pub(in crate::upload) client: ApiClient,
    pub(in crate::upload) dataset_id: String,
    /// The known files that the dataset does not contain yet.
    pub(in crate::upload) files: Vec<OutgoingFile>,
    /// Files that arrive while others are sent.
    pub(in crate::upload) coming: Option<Coming>,
    /// Names that the dataset contained before.
    pub(in crate::upload) before: Vec<String>,
    pub(in crate::upload) mode: Mode,
    pub(in crate::upload) config: CommitConfig,
    pub(in crate::upload) tracker: Arc<Tracker>,
    /// Records the files that are sent.
    pub(in crate::upload) record: Option<SentRecord>,
}

impl Transfer {
    /// Whether nothing is committed before all files are staged.
    pub(super) fn stages_first(&self) -> bool {
        matches!(self.mode, Mode::Stages(CommitWhen::AllStaged | CommitWhen::Never))
    }
}

/// An event that a task reports to the shell.
pub(super) enum News {
    Event(Event),
    Ended(RequestId, Result<Accepted>),
    Listed(FileIndex, Result<Vec<DatasetFile>>),
    GroupEnded(Group, Result<CommitOutcome>),
    Compared(Result<(usize, Verdict)>),
}

/// The server's response to a file that it accepts.
pub(super) enum Accepted {
    /// Its id in the dataset.
    Uploaded(String),
    Staged(StagedFile),
}

pub(super) struct Shell {
    pub(super) transfer: Transfer,
    pub(super) connections: Connections,
    pub(super) waiting: Option<Waiting>,
    /// A tail was released, and its connection has not had a turn since.
    pub(super) has_released: bool,
    pub(super) files_ahead: FilesAhead,
    pub(super) recorder: Option<Recorder>,
    /// Requests that send files. Dropped with the shell, which ends them: no tail goes out
    /// afterwards. They run in the task of the shell, because a response of a small file costs less
    /// than to wake another task. Connections that read large files or encrypt have tasks of their
    /// own.
    pub(super) sending: FuturesUnordered<Abortable<BoxFuture<'static, ()>>>,
    /// Everything else. Dropped with the shell.
    pub(super) tasks: JoinSet<()>,
    pub(super) news: mpsc::UnboundedSender<News>,
    pub(super) requests: HashMap<usize, Request>,
    pub(super) last_errors: HashMap<usize, Error>,
    pub(super) deadline: HeadDeadline,
    /// The deadline of commits of staged files.
    pub(super) commit_deadline: HeadDeadline,
    /// Why the feed ended.
    pub(super) feed_error: Option<UploadError>,
    /// Notes for the caller once the server has accepted a file.
    pub(super) note: Option<String>,
}

/// A request that starts when the connections allow it.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    pub(super) id: RequestId,
    pub(super) until: Instant,
}

/// An open request.
pub(super) struct Request {
    pub(super) attempt: u32,
    pub(super) body: BodyHandle,
    pub(super) task: AbortHandle,
}

impl Shell {
    /// With the news that its tasks send.
    pub(super) fn new(
        transfer: Transfer,
        feed_error: Option<UploadError>,
        note: Option<String>,
    ) -> (Self, mpsc::UnboundedReceiver<News>) {
        let (news, received) = mpsc::unbounded_channel();
        let shell = Self {
            connections: Connections::new(
                &transfer.client,
                transfer.mode,
                transfer.config.concurrency,
            ),
            waiting: None,
            has_released: false,
            files_ahead: FilesAhead::new(transfer.config.concurrency),
            recorder: transfer.record.clone().map(Recorder::new),
            transfer,
            sending: FuturesUnordered::new(),
            tasks: JoinSet::new(),
            news,
            requests: HashMap::new(),
            last_errors: HashMap::new(),
            deadline: HeadDeadline::default(),
            commit_deadline: HeadDeadline::default(),
            feed_error,
            note,
        };
        (shell, received)
    }

    /// Passes the strategy an event that no task reports.
    pub(super) fn happened(&self, event: Event) {
        // The shell is gone only when the run is over.
        let _ = self.news.send(News::Event(event));
    }

    /// What is known of a file whose listing failed.
    pub(super) fn without_listing(&mut self, file: FileIndex, error: Error) -> Verdict {
        let verdict = if error.is_temporary() {
            Verdict::Unavailable { retry_after: error.retry_after() }
        } else {
            Verdict::Unknown
        };
        self.last_errors.insert(file, error);
        verdict
    }

    pub(super) fn tell_pause(&self, file: FileIndex, pause: Duration) {
        let error = self.last_errors.get(&file).map(ToString::to_string).unwrap_or_default();
        tracing::warn!(pause_ms = pause.as_millis(), "retrying: {error}");
    }

    pub(super) fn wait(&self, grace: Grace) -> Duration {
        let options = self.transfer.client.options();
        match grace {
            Grace::None => Duration::ZERO,
            Grace::Short => options.grace,
            Grace::Long => options.long_grace,
            Grace::Retry { failures, at_least } => backoff(options, failures, at_least),
        }
    }

    pub(super) fn spawn(&mut self, task: impl Future<Output = News> + Send + 'static) {
        let news = self.news.clone();
        self.tasks.spawn(async move {
            // The shell is gone only when the run is over.
            let _ = news.send(task.await);
        });
    }

    /// Runs a request that sends a file.
    pub(super) fn send(
        &mut self,
        request: impl Future<Output = News> + Send + 'static,
    ) -> AbortHandle {
        let news = self.news.clone();
        // Through the channel, after the earlier events of its body.
        let request: BoxFuture<'static, ()> = Box::pin(async move {
            let _ = news.send(request.await);
        });
        let (request, handle) = abortable(request);
        self.sending.push(request);
        handle
    }

    /// Staged files are committed in the order of the plan.
    pub(super) fn first_uncommitted(&self) -> FileIndex {
        self.transfer.files.partition_point(|file| file.is_committed)
    }

    pub(super) fn position(&self, file: FileIndex) -> usize {
        self.transfer.files[file].position
    }
}

//! The shell around the gate: it does what the gate's actions say and tells it what
//! happened. All decisions are the gate's.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    UploadError,
    check::CheckedFile,
    deadline::HeadDeadline,
    feed::Feed,
    gate::{
        Action, Ending, Event, FileIndex, Gate, GateConfig, Grace, RequestId, Stop, StopCause,
        Verdict,
    },
    progress::Tracker,
    settle::{Expected, verdict, verdict_unordered},
};
use crate::{
    client::{ApiClient, BodyEvent, BodyState, SourceFile, TailOrder, UploadAttempt, backoff},
    config::TICK,
    error::{Error, Result},
};

/// A file on its way into a dataset.
#[derive(Clone, Debug)]
pub(super) struct OutgoingFile {
    pub(super) name: String,
    size_bytes: u64,
    row_count: u64,
    /// Let go when the file is committed: a temporary one takes up disk space.
    source: Option<SourceFile>,
}

/// Sends the files of a plan from `first` on into a dataset.
pub(super) struct Transfer {
    pub(super) client: ApiClient,
    pub(super) dataset_id: String,
    /// The plan, as far as it is known.
    pub(super) files: Vec<OutgoingFile>,
    /// More files, which are made while others are sent.
    pub(super) feed: Option<Feed>,
    /// Files before this one are in the dataset already.
    pub(super) first: usize,
    /// Names in the dataset before `first` was sent.
    pub(super) before: Arc<Vec<String>>,
    pub(super) config: GateConfig,
    pub(super) tracker: Arc<Tracker>,
}

/// News from a task to the shell.
enum News {
    Gate(Event),
    Ended(RequestId, Result<String>),
    Listed(FileIndex, Result<Verdict>),
}

struct Request {
    attempt: u32,
    orders: mpsc::UnboundedSender<TailOrder>,
    body: Arc<BodyState>,
    task: AbortHandle,
}

struct Shell {
    transfer: Transfer,
    /// Dropped with the shell, which ends all requests: no tail goes out afterwards.
    tasks: JoinSet<()>,
    news: mpsc::UnboundedSender<News>,
    requests: HashMap<usize, Request>,
    last_errors: HashMap<usize, Error>,
    head: usize,
    head_sent: u64,
    deadline: HeadDeadline,
    /// Why the feed ended.
    feed_error: Option<UploadError>,
}

impl Transfer {
    /// Runs until every file is committed or the run has to stop. Returns the whole plan.
    ///
    /// # Errors
    /// The error of the file that stopped the run, or of the feed when what it gave before is
    /// committed. Dropping the future closes all connections; nothing is committed after
    /// that but what was released before.
    pub(super) async fn run(self) -> Result<Vec<OutgoingFile>, UploadError> {
        let mut gate = Gate::new(self.config);
        let (sender, mut news) = mpsc::unbounded_channel();
        let mut shell = Shell {
            transfer: self,
            tasks: JoinSet::new(),
            news: sender,
            requests: HashMap::new(),
            last_errors: HashMap::new(),
            head: 0,
            head_sent: 0,
            deadline: HeadDeadline::default(),
            feed_error: None,
        };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let known = shell.transfer.files.len() - shell.transfer.first;
        let mut actions = VecDeque::from(gate.on(Event::Planned(known)));
        if shell.transfer.feed.is_none() {
            actions.extend(gate.on(Event::PlanEnded));
        }
        loop {
            while let Some(action) = actions.pop_front() {
                if let Action::Finish(stop) = action {
                    return match (stop, shell.feed_error.take()) {
                        (Some(stop), _) => Err(shell.error_of(stop).into()),
                        (None, Some(error)) => Err(error),
                        (None, None) => Ok(shell.transfer.files),
                    };
                }
                shell.perform(action);
            }
            let event = tokio::select! {
                Some(news) = news.recv() => shell.take_in(news),
                file = shell.next_file(), if gate.wants_file() => Some(shell.plan(file)),
                _ = ticks.tick() => Some(Event::Tick { head_moved: shell.head_has_moved(gate.head()) }),
            };
            if let Some(event) = event {
                actions.extend(gate.on(event));
                shell.transfer.tracker.in_transfer(gate.in_transfer());
            }
        }
    }
}

impl Shell {
    /// Never asked when the plan has ended.
    async fn next_file(&mut self) -> Option<Result<CheckedFile, UploadError>> {
        self.transfer.feed.as_mut()?.next().await
    }

    fn plan(&mut self, file: Option<Result<CheckedFile, UploadError>>) -> Event {
        let Some(Ok(file)) = file else {
            self.feed_error = file.and_then(Result::err);
            return Event::PlanEnded;
        };
        let files = &mut self.transfer.files;
        self.transfer.tracker.made(files.len(), &file);
        files.push(OutgoingFile::from(&file));
        Event::Planned(1)
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Start(request) => self.start(request),
            Action::Drip(file) => self.order(file, TailOrder::Drip),
            Action::Release(file) => self.order(file, TailOrder::Release),
            Action::Drop(file) => self.drop_request(file),
            Action::Commit(file) => {
                let position = self.position(file);
                self.transfer.files[position].source = None;
                self.transfer.tracker.committed(position);
            }
            Action::Pause { file, failures, at_least } => {
                let options = self.transfer.client.options();
                let pause = backoff(options, failures, at_least);
                if !self.deadline.allows(file, pause) {
                    // Its next start ends the run.
                    self.deadline.end();
                    let _ = self.news.send(News::Gate(Event::PauseOver(file)));
                    return;
                }
                let error =
                    self.last_errors.get(&file).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(pause_ms = pause.as_millis(), "trying again: {error}");
                let news = self.news.clone();
                self.tasks.spawn(async move {
                    sleep(pause).await;
                    let _ = news.send(News::Gate(Event::PauseOver(file)));
                });
            }
            Action::Settle(file, grace) => self.settle(file, grace),
            Action::Finish(_) => {}
        }
    }

    fn start(&mut self, id: RequestId) {
        let position = self.position(id.file);
        let file = &self.transfer.files[position];
        let Some(source) = file.source.clone() else { return };
        if !self.deadline.allows(id.file, Duration::ZERO) {
            let _ = self.news.send(News::Gate(Event::Ended(id, Ending::Final)));
            return;
        }
        let body = Arc::new(BodyState::default());
        let (orders, receiver) = mpsc::unbounded_channel();
        let (news, tracker) = (self.news.clone(), Arc::clone(&self.transfer.tracker));
        tracker.started(position, Arc::clone(&body));
        let listener = move |event| {
            let event = match event {
                BodyEvent::Started => Event::Started(id),
                BodyEvent::TailReached => {
                    tracker.transferred(position);
                    Event::TailReached(id)
                }
            };
            // The shell is gone only when the run is over.
            let _ = news.send(News::Gate(event));
        };
        let upload = UploadAttempt {
            dataset_id: self.transfer.dataset_id.clone(),
            file_name: file.name.clone(),
            source,
            orders: receiver,
            listener: Box::new(listener),
            state: Arc::clone(&body),
        };
        let (client, news) = (self.transfer.client.clone(), self.news.clone());
        let task = self.tasks.spawn(async move {
            let outcome = client.upload_to_dataset(upload).await;
            let _ = news.send(News::Ended(id, outcome));
        });
        let attempt = id.attempt;
        self.requests.insert(id.file, Request { attempt, orders, body, task });
    }

    fn order(&self, file: FileIndex, order: TailOrder) {
        if let Some(request) = self.requests.get(&file) {
            // A request that is over has told so, or is about to.
            let _ = request.orders.send(order);
        }
    }

    fn drop_request(&mut self, file: FileIndex) {
        if let Some(request) = self.requests.remove(&file) {
            request.task.abort();
        }
        self.transfer.tracker.ended(self.position(file));
    }

    fn settle(&mut self, file: FileIndex, grace: Grace) {
        let position = self.position(file);
        let (client, news) = (self.transfer.client.clone(), self.news.clone());
        let files = self.transfer.files[self.transfer.first..=position].to_vec();
        let before = Arc::clone(&self.transfer.before);
        let dataset_id = self.transfer.dataset_id.clone();
        let ordered = self.transfer.config.ordered;
        self.tasks.spawn(async move {
            sleep(match grace {
                Grace::None => Duration::ZERO,
                Grace::Short => client.options().grace,
                Grace::Long => client.options().long_grace,
            })
            .await;
            let listing = client.list_dataset_files(&dataset_id).await;
            let verdict = listing.map(|listing| {
                if ordered {
                    let plan: Vec<_> = files.iter().map(Expected::from).collect();
                    verdict(&before, &plan, file, &listing)
                } else {
                    verdict_unordered(Expected::from(&files[file]), &listing)
                }
            });
            let _ = news.send(News::Listed(file, verdict));
        });
    }

    fn take_in(&mut self, news: News) -> Option<Event> {
        match news {
            News::Gate(event) => Some(event),
            News::Ended(id, outcome) => {
                // Ignored when it was dropped in the meantime.
                self.requests.get(&id.file).filter(|request| request.attempt == id.attempt)?;
                let request = self.requests.remove(&id.file)?;
                let position = self.position(id.file);
                self.transfer.tracker.ended(position);
                let ending = ending(&outcome);
                if id.file == self.head {
                    self.deadline.note(id.file, ending, self.transfer.client.options());
                }
                match outcome {
                    Ok(file_id) => self.transfer.tracker.has_id(position, Some(&file_id)),
                    Err(error) => {
                        let error = with_likely_cause(error, &request.body);
                        self.last_errors.insert(id.file, error);
                    }
                }
                Some(Event::Ended(id, ending))
            }
            News::Listed(file, verdict) => {
                let verdict = verdict.unwrap_or_else(|error| {
                    self.last_errors.insert(file, error);
                    Verdict::Unknown
                });
                Some(Event::Settled(file, verdict))
            }
        }
    }

    fn head_has_moved(&mut self, head: usize) -> bool {
        let sent = self.requests.get(&head).map_or(0, |request| request.body.sent());
        let has_moved = (head, sent) != (self.head, self.head_sent);
        (self.head, self.head_sent) = (head, sent);
        has_moved
    }

    fn error_of(&mut self, stop: Stop) -> Error {
        let file_name = self.transfer.files[self.position(stop.file)].name.clone();
        let last_error = self.last_errors.remove(&stop.file);
        let message = last_error.as_ref().map(ToString::to_string).unwrap_or_default();
        let dataset_id = self.transfer.dataset_id.clone();
        match stop.cause {
            StopCause::Failed => last_error
                .unwrap_or_else(|| Error::Internal(format!("{file_name} failed without an error"))),
            StopCause::OutcomeUnknown => Error::OutcomeUnknown { file_name, message },
            StopCause::ForeignWriter => Error::ForeignWriter {
                dataset_id,
                message: format!("at {file_name} its list of files is another one {message}"),
            },
            StopCause::CommittedEarly => Error::ForeignWriter {
                dataset_id,
                message: format!(
                    "the service took {file_name} before its last byte was sent; use concurrency=1"
                ),
            },
        }
    }

    fn position(&self, file: FileIndex) -> usize {
        self.transfer.first + file
    }
}

impl OutgoingFile {
    /// The same file, when the dataset has it.
    pub(super) fn committed(self) -> Self {
        Self { source: None, ..self }
    }
}

impl From<&CheckedFile> for OutgoingFile {
    fn from(file: &CheckedFile) -> Self {
        Self {
            name: file.planned.name.clone(),
            size_bytes: file.planned.source.size(),
            row_count: file.footer.row_count,
            source: Some(file.planned.source.clone()),
        }
    }
}

impl<'a> From<&'a OutgoingFile> for Expected<'a> {
    fn from(file: &'a OutgoingFile) -> Self {
        Self { name: &file.name, size_bytes: Some(file.size_bytes), row_count: file.row_count }
    }
}

/// A server that refuses a large body and closes at once looks like a broken connection: its
/// answer is lost more often than not.
fn with_likely_cause(error: Error, body: &BodyState) -> Error {
    match error {
        Error::Connection { host, file_name, message } if body.sent() > 0 => {
            let name = file_name.as_deref().unwrap_or("it");
            let message = format!("{message} while it was sent; is {name} over a size limit?");
            Error::Connection { host, file_name, message }
        }
        error => error,
    }
}

/// What the end of a request means for the gate.
fn ending(outcome: &Result<String>) -> Ending {
    match outcome {
        Ok(_) => Ending::Committed,
        Err(Error::Authentication { .. } | Error::Refused { status: 404, .. }) => {
            Ending::RefusedAll
        }
        Err(Error::Refused { status, message, .. })
            if *status == 409 || message.contains("already exists") =>
        {
            Ending::NameTaken
        }
        Err(Error::Refused { .. }) => Ending::Refused,
        Err(error) if error.is_temporary() => Ending::Temporary {
            retry_after: error.retry_after(),
            still_at_work: matches!(
                error,
                Error::Timeout { .. } | Error::Unavailable { status: 504 | 524, .. }
            ),
        },
        Err(_) => Ending::Final,
    }
}

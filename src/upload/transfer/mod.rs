//! The shell around a commit strategy: it performs the actions and reports what happened. The
//! strategy makes all decisions.

mod connections;
mod group_commit;
mod read_ahead;
mod recorder;
mod requests;
mod shell;
mod staged;
#[cfg(test)]
mod tests;
mod unstaged;

use std::{collections::VecDeque, future::pending, ops::ControlFlow, time::Duration};

use futures_util::stream::StreamExt;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

pub(super) use self::shell::Transfer;
use self::{
    shell::{Accepted, News, Shell},
    unstaged::Rest,
};

use super::{
    commit::{
        Action, CommitWhen, Ending, Event, FileIndex, Grace, Mode, Order, RequestId, Stop, Verdict,
        strategy,
    },
    error::UploadError,
    feed::{Coming, Fed},
    outcome::{ending, none_or_all_error, stop_error, with_likely_cause},
    outgoing::OutgoingFile,
    sent_record::SentFile,
    settle::{Expected, verdict},
    staging::too_many_for_one_commit,
};
use crate::{
    client::{TailOrder, backoff},
    config::TICK,
    error::{Error, Result},
    wire::{digest::ContentHash, messages::DatasetFile, staging::MAX_COMMIT_FILES},
};

impl Transfer {
    /// Runs until every file is committed or the run has to stop. Returns the names that the
    /// dataset contained before, and the files.
    ///
    /// # Errors
    /// The error of the file that stopped the run, or of the feed once its earlier files are
    /// committed. Dropping the future closes all connections; after that, only files whose tails
    /// were released before can still be committed.
    pub(super) async fn run(self) -> Result<(Vec<String>, Vec<OutgoingFile>), UploadError> {
        if self.stages_first() {
            self.tracker.staging();
        }
        let mut rest = Rest::of(self);
        loop {
            match rest.run().await? {
                End::Complete { before, files } => return Ok((before, files)),
                End::NotStaged(files) => rest = *files,
            }
        }
    }
}

/// The end of a run that did not fail.
enum End {
    Complete {
        before: Vec<String>,
        files: Vec<OutgoingFile>,
    },
    /// The server would not stage these files.
    NotStaged(Box<Rest>),
}

impl Rest {
    async fn run(self) -> Result<End, UploadError> {
        let Self { transfer, feed_error, note } = self;
        let mut strategy = strategy(transfer.mode, transfer.config);
        let (mut shell, mut news) = Shell::new(transfer, feed_error, note);
        // The head and how much of it was sent.
        let mut head_at_tick = (0, 0);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let known = shell.transfer.files.len();
        let mut actions = VecDeque::from(strategy.on(Event::Planned(known)));
        if shell.transfer.coming.is_none() {
            actions.extend(strategy.on(Event::PlanEnded));
        }
        loop {
            while let Some(action) = actions.pop_front() {
                if matches!(action, Action::Start(_)) {
                    shell.let_tail_go().await;
                }
                if let ControlFlow::Break(stop) = shell.perform(action) {
                    return shell.end(stop);
                }
            }
            if shell.waiting.is_some() {
                shell.let_tail_go().await;
                shell.start_waiting();
            }
            let waits_until = shell.waiting.map(|waiting| waiting.until);
            let event = tokio::select! {
                Some(news) = news.recv() => shell.take_in(news, strategy.head()),
                Some(_) = shell.sending.next() => None,
                file = next_of(&mut shell.transfer.coming), if strategy.wants_file() => {
                    Some(shell.plan(file))
                }
                () = until(waits_until) => {
                    shell.end_patience();
                    None
                }
                _ = ticks.tick() => {
                    shell.connections.close_unused();
                    let before = std::mem::replace(&mut head_at_tick, shell.sent_of(strategy.head()));
                    Some(Event::Tick { head_moved: before != head_at_tick })
                }
            };
            if shell.is_given_up() {
                return shell.end(None);
            }
            if let Some(event) = event {
                actions.extend(strategy.on(event));
                shell.transfer.tracker.note_concurrency(strategy.in_transfer());
            }
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// Never asked when the plan has ended.
async fn next_of(coming: &mut Option<Coming>) -> Option<Fed> {
    coming.as_mut()?.next().await
}

impl Shell {
    fn plan(&mut self, file: Option<Fed>) -> Event {
        let Some(Ok(file)) = file else {
            self.transfer.coming = None;
            self.feed_error = file.and_then(Result::err);
            return Event::PlanEnded;
        };
        if self.transfer.mode == Mode::Stages(CommitWhen::AllStaged)
            && self.transfer.files.len() == MAX_COMMIT_FILES
        {
            self.transfer.coming = None;
            self.feed_error = Some(too_many_for_one_commit(None).into());
            return Event::PlanEnded;
        }
        self.transfer.tracker.made(&file);
        self.transfer.files.push(file);
        Event::Planned(1)
    }

    /// An atomic batch that is incomplete is not committed.
    fn is_given_up(&self) -> bool {
        self.transfer.stages_first() && self.feed_error.is_some()
    }

    /// Performs the actions of the strategy. Breaks when the run is over.
    fn perform(&mut self, action: Action) -> ControlFlow<Option<Stop>> {
        match action {
            Action::Start(request) => self.start(request),
            Action::Drip(file) => self.order(file, TailOrder::Drip),
            Action::Release(file) => {
                self.order(file, TailOrder::Release);
                self.has_released = true;
            }
            Action::Drop(file) => self.drop_request(file),
            Action::Commit(file) => {
                self.keep_record(file);
                self.transfer.files[file].committed();
                self.transfer.tracker.committed(self.position(file));
            }
            Action::Pause { request, failures, at_least } => {
                self.pause(request, failures, at_least);
            }
            Action::Settle(file, grace) => self.settle(file, grace),
            Action::CommitGroup(group) => self.commit_group(group),
            Action::GatherGroup => self.gather_group(),
            Action::PauseGroup { failures, at_least } => self.pause_group(failures, at_least),
            Action::Compare(grace) => self.compare(grace),
            Action::Finish(stop) => return ControlFlow::Break(stop),
        }
        ControlFlow::Continue(())
    }

    fn end(mut self, stop: Option<Stop>) -> Result<End, UploadError> {
        if let Some(stop) = stop {
            let error = self.error_of(stop);
            return if self.may_go_on_without_staging(stop, &error) {
                Ok(End::NotStaged(Box::new(self.without_staging(&error))))
            } else {
                Err(error.into())
            };
        }
        let Transfer { before, files, .. } = self.transfer;
        self.feed_error.map_or(Ok(End::Complete { before, files }), Err)
    }

    fn pause(&mut self, request: RequestId, failures: u32, at_least: Option<Duration>) {
        let file = request.file;
        let over = Event::PauseOver(request);
        let pause = backoff(self.transfer.client.options(), failures, at_least);
        if !self.deadline.allows(file, pause) {
            // Its next start ends the run.
            self.deadline.end();
            self.happened(over);
            return;
        }
        self.tell_pause(file, pause);
        self.spawn(async move {
            sleep(pause).await;
            News::Event(over)
        });
    }

    /// Records what was sent, for the next run, if the server reports no hashes.
    fn keep_record(&self, file: FileIndex) {
        let file = &self.transfer.files[file];
        let hash = file.content.as_ref().and_then(|content| content.known_hashes().xxh3);
        let Some((recorder, hash)) = self.recorder.as_ref().zip(hash) else { return };
        if !self.transfer.client.tells_hashes() {
            let (name, size_bytes) = (file.name.clone(), file.size_bytes);
            recorder.add(SentFile { name, size_bytes, hash: ContentHash::Xxh3(hash) });
        }
    }

    fn settle(&mut self, file: FileIndex, grace: Grace) {
        let client = self.transfer.client.clone();
        let wait = self.wait(grace);
        if matches!(grace, Grace::Retry { .. }) {
            if !self.deadline.allows(file, wait) {
                self.happened(Event::Settled(file, Verdict::Unknown));
                return;
            }
            self.tell_pause(file, wait);
        }
        let outgoing = self.transfer.files[file].clone();
        let dataset_id = self.transfer.dataset_id.clone();
        self.spawn(async move {
            sleep(wait).await;
            let listing = async {
                let listing = client.try_list_dataset_files(&dataset_id).await?;
                outgoing.hash_to_compare(&listing).await?;
                Ok(listing)
            };
            News::Listed(file, listing.await)
        });
    }

    fn take_in(&mut self, news: News, head: FileIndex) -> Option<Event> {
        match news {
            News::Event(event) => {
                if let Event::Started(request) = event {
                    self.connections.opened(request);
                }
                Some(event)
            }
            News::Ended(id, outcome) => self.ended(id, outcome, head),
            News::Listed(file, listing) => Some(self.listed(file, listing, head)),
            News::GroupEnded(group, outcome) => Some(self.group_ended(group, outcome)),
            News::Compared(compared) => Some(self.compared(compared)),
        }
    }

    /// Takes in the outcome of a request; `None` if it was dropped in the meantime.
    fn ended(
        &mut self,
        id: RequestId,
        outcome: Result<Accepted>,
        head: FileIndex,
    ) -> Option<Event> {
        self.requests.get(&id.file).filter(|request| request.attempt == id.attempt)?;
        let request = self.requests.remove(&id.file)?;
        let position = self.position(id.file);
        self.transfer.tracker.ended(position);
        let ending = ending(&outcome);
        if id.file == head && matches!(ending, Ending::Temporary { .. }) {
            self.deadline.begin(id.file, self.transfer.client.options());
        }
        match outcome {
            Ok(Accepted::Uploaded(file_id)) => {
                self.connections.answered(id);
                self.transfer.tracker.noted(self.note.take());
                self.transfer.tracker.has_id(position, &file_id);
            }
            Ok(Accepted::Staged(staged)) => {
                self.transfer.tracker.staged(position);
                self.transfer.files[id.file].staged = Some(staged);
            }
            Err(error) => {
                self.connections.failed();
                let error = with_likely_cause(error, request.body.state());
                self.last_errors.insert(id.file, error);
            }
        }
        Some(Event::Ended(id, ending))
    }

    /// Takes in the listing that settles a file in doubt.
    fn listed(
        &mut self,
        file: FileIndex,
        listing: Result<Vec<DatasetFile>>,
        head: FileIndex,
    ) -> Event {
        let verdict = match listing {
            Ok(listing) => self.verdict(file, &listing),
            Err(error) => {
                if file == head {
                    self.deadline.begin(file, self.transfer.client.options());
                }
                self.without_listing(file, error)
            }
        };
        Event::Settled(file, verdict)
    }

    fn verdict(&self, file: FileIndex, listing: &[DatasetFile]) -> Verdict {
        let Transfer { files, before, mode, .. } = &self.transfer;
        let order = match mode {
            Mode::Uploads(order) => *order,
            Mode::Stages(_) => Order::Planned,
        };
        let confirmed = files.iter().filter(|file| file.is_committed).map(|file| &file.name);
        let known = before.iter().chain(confirmed).map(String::as_str);
        verdict(order, known, Expected::from(&files[file]), listing)
    }

    /// The file, and how many bytes of its current request were sent.
    fn sent_of(&self, file: FileIndex) -> (FileIndex, u64) {
        (file, self.requests.get(&file).map_or(0, |request| request.body.state().sent()))
    }

    fn error_of(&mut self, stop: Stop) -> Error {
        let file_name = self.transfer.files[stop.file].name.clone();
        let last_error = self.last_errors.remove(&stop.file);
        let dataset_id = self.transfer.dataset_id.clone();
        let is_whole = self.transfer.mode == Mode::Stages(CommitWhen::AllStaged);
        if is_whole && self.first_uncommitted() == 0 {
            none_or_all_error(stop.cause, file_name, dataset_id, last_error)
        } else {
            stop_error(stop.cause, file_name, dataset_id, last_error)
        }
    }
}

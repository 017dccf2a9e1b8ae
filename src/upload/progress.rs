//! Counters of a running upload. The upload writes them; progress displays read them.

use std::{
    sync::{Arc, MutexGuard},
    time::{Instant, SystemTime},
};

use super::{
    outgoing::OutgoingFile,
    recipe::Recipe,
    report::{Change, FileStatus, UploadReport, UploadedFile},
};
use crate::{
    client::BodyState,
    hint::Message,
    lock::Lock,
    wire::{messages::DatasetFile, places::Places},
};

/// Where an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadPhase {
    /// Footers are read.
    Check,
    /// Files whose names are there already are read and compared.
    Compare,
    /// Bodies are sent and committed.
    Transfer,
    /// The dataset's listing is compared with the plan.
    Verify,
}

impl UploadPhase {
    /// The phase's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Compare => "compare",
            Self::Transfer => "transfer",
            Self::Verify => "verify",
        }
    }
}

/// A snapshot of a running upload. Bytes never go back, not even when a file is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where the upload is.
    pub phase: UploadPhase,
    /// Bytes that connections have taken, of files to be sent in this run.
    pub bytes_sent: u64,
    /// Bytes to be sent in this run.
    pub bytes_total: u64,
    /// Files that this run has committed.
    pub files_committed: usize,
    /// Files whose body or answer is on its way.
    pub files_in_transfer: usize,
    /// Files that wait for their turn with all but their tail sent.
    pub files_held: usize,
    /// Files of the plan.
    pub files_total: usize,
    /// Files that an earlier run has committed.
    pub files_skipped: usize,
    /// The first file that is not committed, if its answer is waited for: with order, that holds
    /// up the rest.
    pub waiting_for: Option<String>,
    /// Bytes read of files whose names are there already, to compare their contents.
    pub bytes_compared: u64,
    /// Bytes to be read for that.
    pub bytes_to_compare: u64,
}

/// Shared by an upload and those who watch it.
#[derive(Debug)]
pub struct Tracker {
    begun: Instant,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    phase: UploadPhase,
    bytes_compared: u64,
    bytes_to_compare: u64,
    dataset_id: String,
    files: Vec<TrackedFile>,
    concurrency: usize,
    file_count: usize,
    notes: Vec<Message>,
}

#[derive(Debug)]
struct TrackedFile {
    report: UploadedFile,
    bytes_sent: u64,
    body: Option<Arc<BodyState>>,
}

impl Default for Tracker {
    fn default() -> Self {
        let state = State {
            phase: UploadPhase::Check,
            bytes_compared: 0,
            bytes_to_compare: 0,
            dataset_id: String::new(),
            files: Vec::new(),
            concurrency: 0,
            file_count: 0,
            notes: Vec::new(),
        };
        Self { begun: Instant::now(), state: Lock::new(state) }
    }
}

impl Tracker {
    /// How far the upload is now.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let mut state = self.lock();
        let mut progress = Progress {
            phase: state.phase,
            bytes_sent: 0,
            bytes_total: 0,
            files_committed: 0,
            files_in_transfer: 0,
            files_held: 0,
            files_total: state.files.len().max(state.file_count),
            files_skipped: 0,
            waiting_for: None,
            bytes_compared: state.bytes_compared,
            bytes_to_compare: state.bytes_to_compare,
        };
        let mut is_next = true;
        for file in &mut state.files {
            file.take_in_bytes();
            file.add_to(&mut progress, is_next);
            is_next &= file.report.status != FileStatus::Pending;
        }
        progress
    }

    /// The report as far as the upload is.
    #[must_use]
    pub fn report(&self) -> UploadReport {
        let mut state = self.lock();
        state.files.iter_mut().for_each(TrackedFile::take_in_bytes);
        let files: Vec<_> = state.files.iter().map(|file| file.report.clone()).collect();
        let uploaded = files.iter().filter(|file| file.status == FileStatus::Uploaded);
        UploadReport {
            dataset_id: state.dataset_id.clone(),
            bytes: uploaded.map(|file| file.size_bytes).sum(),
            bytes_sent: state.files.iter().map(|file| file.bytes_sent).sum(),
            seconds: self.begun.elapsed().as_secs_f64(),
            concurrency: state.concurrency,
            notes: state.notes.clone(),
            files,
        }
    }

    pub(super) fn noted(&self, notes: impl IntoIterator<Item = impl Into<Message>>) {
        self.lock().notes.extend(notes.into_iter().map(Into::into));
    }

    /// `file_count` is that of the whole plan, where more files are made during the upload.
    pub(super) fn planned(&self, files: &[Recipe], file_count: usize) {
        let mut state = self.lock();
        state.files = files.iter().map(TrackedFile::planned).collect();
        state.file_count = file_count;
    }

    /// A file of the plan has been made: only now its size is known.
    pub(super) fn made(&self, file: &OutgoingFile) {
        let mut state = self.lock();
        match state.files.get_mut(file.position) {
            Some(tracked) => *tracked = TrackedFile::made(file),
            None => state.files.push(TrackedFile::made(file)),
        }
    }

    pub(super) fn transferring_into(&self, dataset_id: &str) {
        let mut state = self.lock();
        dataset_id.clone_into(&mut state.dataset_id);
        state.phase = UploadPhase::Transfer;
    }

    /// So many bytes are to be read, to compare files with what is there.
    pub(super) fn comparing(&self, bytes: u64) {
        let mut state = self.lock();
        state.phase = UploadPhase::Compare;
        state.bytes_to_compare += bytes;
    }

    pub(super) fn compared(&self, bytes: u64) {
        self.lock().bytes_compared += bytes;
    }

    pub(super) fn comparison_is_over(&self) {
        self.lock().phase = UploadPhase::Transfer;
    }

    pub(super) fn verifying(&self) {
        self.lock().phase = UploadPhase::Verify;
    }

    pub(super) fn in_transfer(&self, files: usize) {
        let mut state = self.lock();
        state.concurrency = state.concurrency.max(files);
    }

    pub(super) fn skipped(&self, position: usize) {
        self.with(position, |file| file.report.status = FileStatus::Skipped);
    }

    pub(super) fn started(&self, position: usize, body: Arc<BodyState>) {
        self.with(position, |file| {
            file.report.attempts += 1;
            file.report.started = Some(SystemTime::now());
            file.report.transferred = None;
            file.body = Some(body);
        });
    }

    pub(super) fn transferred(&self, position: usize) {
        self.with(position, |file| file.report.transferred = Some(SystemTime::now()));
    }

    pub(super) fn ended(&self, position: usize) {
        self.with(position, |file| {
            file.take_in_bytes();
            file.body = None;
        });
    }

    pub(super) fn committed(&self, position: usize) {
        self.with(position, |file| {
            file.report.status = FileStatus::Uploaded;
            file.report.committed = Some(SystemTime::now());
            file.bytes_sent = file.report.size_bytes;
        });
    }

    pub(super) fn has_id(&self, position: usize, file_id: &str) {
        self.with(position, |file| file.report.file_id = Some(file_id.to_owned()));
    }

    /// Sets the file ids that the dataset's listing has.
    pub(super) fn listed(&self, listing: &[DatasetFile]) {
        let mut state = self.lock();
        let places = Places::of(state.files.iter().map(|file| file.report.name.as_str()), listing);
        for file in &mut state.files {
            let listed = places.get(&file.report.name).map(|place| &listing[place]);
            if let Some(file_id) = listed.and_then(|listed| listed.file_id.clone()) {
                file.report.file_id = Some(file_id);
            }
        }
    }

    fn with(&self, position: usize, change: impl FnOnce(&mut TrackedFile)) {
        if let Some(file) = self.lock().files.get_mut(position) {
            change(file);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl TrackedFile {
    /// Of a file that may still have to be made.
    fn planned(file: &Recipe) -> Self {
        Self::new(file.position, &file.name, file.source_bytes(), file.row_count(), Vec::new())
    }

    fn made(file: &OutgoingFile) -> Self {
        let changes = file.changes.clone();
        Self::new(file.position, &file.name, file.size_bytes, file.row_count, changes)
    }

    fn new(
        position: usize,
        name: &str,
        size_bytes: u64,
        row_count: u64,
        changes: Vec<Change>,
    ) -> Self {
        let report = UploadedFile {
            position,
            name: name.to_owned(),
            file_id: None,
            size_bytes,
            row_count,
            status: FileStatus::Pending,
            changes,
            attempts: 0,
            started: None,
            transferred: None,
            committed: None,
        };
        Self { report, bytes_sent: 0, body: None }
    }

    /// `is_next` says that no file before it waits to be committed.
    fn add_to(&self, progress: &mut Progress, is_next: bool) {
        if let Some(body) = &self.body {
            let count = if body.is_held() {
                &mut progress.files_held
            } else {
                &mut progress.files_in_transfer
            };
            *count += 1;
            if is_next && self.report.status == FileStatus::Pending && body.is_complete() {
                progress.waiting_for = Some(self.report.name.clone());
            }
        }
        match self.report.status {
            FileStatus::Skipped => progress.files_skipped += 1,
            FileStatus::Uploaded => progress.files_committed += 1,
            FileStatus::Pending => {}
        }
        if self.report.status != FileStatus::Skipped {
            progress.bytes_sent += self.bytes_sent;
            progress.bytes_total += self.report.size_bytes;
        }
    }

    fn take_in_bytes(&mut self) {
        if let Some(body) = &self.body {
            self.bytes_sent = self.bytes_sent.max(body.sent());
        }
    }
}

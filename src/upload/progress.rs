//! Counters of a running upload: written by the upload, read by whoever shows progress.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use super::{
    check::CheckedFile,
    report::{FileStatus, UploadReport, UploadedFile},
};
use crate::client::BodyState;

/// Where an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadPhase {
    /// Footers are read.
    Check,
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
    /// The file whose answer holds up the rest.
    pub waiting_for: Option<String>,
}

/// Shared by an upload and those who watch it.
#[derive(Debug)]
pub struct Tracker {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: UploadPhase,
    dataset_id: String,
    files: Vec<TrackedFile>,
    concurrency: usize,
    file_count: usize,
    notes: Vec<String>,
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
            dataset_id: String::new(),
            files: Vec::new(),
            concurrency: 0,
            file_count: 0,
            notes: Vec::new(),
        };
        Self { begun: Instant::now(), state: Mutex::new(state) }
    }
}

impl Tracker {
    /// How far the upload is now.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let mut state = self.lock();
        state.files.iter_mut().for_each(TrackedFile::take_in_bytes);
        let files = &state.files;
        let count = |matches: &dyn Fn(&TrackedFile) -> bool| {
            files.iter().filter(|file| matches(file)).count()
        };
        let to_send = || files.iter().filter(|file| file.report.status != FileStatus::Skipped);
        let next = files.iter().find(|file| file.report.status == FileStatus::Pending);
        let is_answer_due =
            |file: &&TrackedFile| file.body.as_ref().is_some_and(|body| body.is_complete());
        Progress {
            phase: state.phase,
            bytes_sent: to_send().map(|file| file.bytes_sent).sum(),
            bytes_total: to_send().map(|file| file.report.size_bytes).sum(),
            files_committed: count(&|file| file.report.status == FileStatus::Uploaded),
            files_in_transfer: count(&|file| {
                file.body.as_ref().is_some_and(|body| !body.is_held())
            }),
            files_held: count(&|file| file.body.as_ref().is_some_and(|body| body.is_held())),
            files_total: files.len().max(state.file_count),
            files_skipped: count(&|file| file.report.status == FileStatus::Skipped),
            waiting_for: next.filter(is_answer_due).map(|file| file.report.name.clone()),
        }
    }

    /// The report as far as the upload is.
    #[must_use]
    pub fn report(&self) -> UploadReport {
        let state = self.lock();
        let files: Vec<_> = state.files.iter().map(|file| file.report.clone()).collect();
        let uploaded = files.iter().filter(|file| file.status == FileStatus::Uploaded);
        UploadReport {
            dataset_id: state.dataset_id.clone(),
            bytes: uploaded.map(|file| file.size_bytes).sum(),
            seconds: self.begun.elapsed().as_secs_f64(),
            concurrency: state.concurrency,
            notes: state.notes.clone(),
            files,
        }
    }

    pub(super) fn noted(&self, notes: Vec<String>) {
        self.lock().notes = notes;
    }

    /// `file_count` is that of the whole plan, where more files are made during the upload.
    pub(super) fn planned(&self, files: &[CheckedFile], file_count: usize) {
        let mut state = self.lock();
        state.files = files.iter().enumerate().map(TrackedFile::new).collect();
        state.file_count = file_count;
    }

    /// A file of the plan has been made: only now its size is known.
    pub(super) fn made(&self, position: usize, file: &CheckedFile) {
        let mut state = self.lock();
        match state.files.get_mut(position) {
            Some(tracked) => *tracked = TrackedFile::new((position, file)),
            None => state.files.push(TrackedFile::new((position, file))),
        }
    }

    pub(super) fn transferring_into(&self, dataset_id: &str) {
        let mut state = self.lock();
        dataset_id.clone_into(&mut state.dataset_id);
        state.phase = UploadPhase::Transfer;
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

    pub(super) fn has_id(&self, position: usize, file_id: Option<&str>) {
        self.with(position, |file| {
            file.report.file_id = file_id.map(str::to_owned).or(file.report.file_id.take());
        });
    }

    fn with(&self, position: usize, change: impl FnOnce(&mut TrackedFile)) {
        if let Some(file) = self.lock().files.get_mut(position) {
            change(file);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TrackedFile {
    fn new((position, file): (usize, &CheckedFile)) -> Self {
        let report = UploadedFile {
            position,
            name: file.planned.name.clone(),
            file_id: None,
            size_bytes: file.planned.source.size(),
            row_count: file.footer.row_count,
            status: FileStatus::Pending,
            changes: file.changes.clone(),
            attempts: 0,
            started: None,
            transferred: None,
            committed: None,
        };
        Self { report, bytes_sent: 0, body: None }
    }

    fn take_in_bytes(&mut self) {
        if let Some(body) = &self.body {
            self.bytes_sent = self.bytes_sent.max(body.sent());
        }
    }
}

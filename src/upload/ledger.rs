//! The state of a running upload. The upload writes it; progress and reports are made from it.

use std::{
    sync::{Arc, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use super::{
    outgoing::OutgoingFile,
    progress::{Progress, UploadPhase},
    recipe::Recipe,
    report::{Change, FileStatus, UploadReport, UploadedFile},
};
use crate::{
    client::BodyState,
    hint::Message,
    lock::Lock,
    wire::{messages::DatasetFile, places::Places},
};

/// Shared by an upload and its observers.
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
    peak_concurrency: usize,
    file_count: usize,
    notes: Vec<Message>,
}

#[derive(Debug)]
struct TrackedFile {
    report: UploadedFile,
    bytes_sent: u64,
    body: Option<Arc<BodyState>>,
    is_staged: bool,
}

impl Default for Tracker {
    fn default() -> Self {
        let state = State {
            phase: UploadPhase::Check,
            bytes_compared: 0,
            bytes_to_compare: 0,
            dataset_id: String::new(),
            files: Vec::new(),
            peak_concurrency: 0,
            file_count: 0,
            notes: Vec::new(),
        };
        Self { begun: Instant::now(), state: Lock::new(state) }
    }
}

impl Tracker {
    /// The current progress.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let mut state = self.lock();
        state.take_in_bytes();
        state.progress()
    }

    /// The report so far.
    #[must_use]
    pub fn report(&self) -> UploadReport {
        let mut state = self.lock();
        state.take_in_bytes();
        state.report(self.begun.elapsed())
    }

    pub(super) fn noted(&self, notes: impl IntoIterator<Item = impl Into<Message>>) {
        self.lock().notes.extend(notes.into_iter().map(Into::into));
    }

    /// `file_count` is the size of the whole plan, if more files are created during the upload.
    pub(super) fn planned(&self, files: &[Recipe], file_count: usize) {
        let mut state = self.lock();
        state.files = files.iter().map(TrackedFile::planned).collect();
        state.file_count = file_count;
    }

    /// A file of the plan was created: only now is its size known.
    pub(super) fn made(&self, file: &OutgoingFile) {
        let mut state = self.lock();
        match state.files.get_mut(file.position) {
            Some(tracked) => {
                let sources = std::mem::take(&mut tracked.report.sources);
                *tracked = TrackedFile::made(file);
                tracked.report.sources = sources;
            }
            None => state.files.push(TrackedFile::made(file)),
        }
    }

    pub(super) fn transferring_into(&self, dataset_id: &str) {
        let mut state = self.lock();
        dataset_id.clone_into(&mut state.dataset_id);
        state.phase = UploadPhase::Transfer;
    }

    /// This many bytes will be read to compare files with the dataset's.
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

    pub(super) fn staging(&self) {
        self.lock().phase = UploadPhase::Stage;
    }

    pub(super) fn committing(&self) {
        self.lock().phase = UploadPhase::Commit;
    }

    pub(super) fn verifying(&self) {
        self.lock().phase = UploadPhase::Verify;
    }

    /// This many files are in transfer now. The report has the largest number.
    pub(super) fn note_concurrency(&self, files: usize) {
        let mut state = self.lock();
        state.peak_concurrency = state.peak_concurrency.max(files);
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
            file.is_staged = false;
        });
    }

    pub(super) fn transferred(&self, position: usize) {
        self.with(position, |file| file.report.transferred = Some(SystemTime::now()));
    }

    /// The file waits for its commit.
    pub(super) fn staged(&self, position: usize) {
        self.with(position, |file| {
            file.is_staged = true;
            file.report.transferred = Some(SystemTime::now());
        });
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
            // Files without attempts were staged, and thus sent, by other processes.
            if file.report.attempts > 0 {
                file.bytes_sent = file.report.size_bytes;
            }
        });
    }

    pub(super) fn has_id(&self, position: usize, file_id: &str) {
        self.with(position, |file| file.report.file_id = Some(file_id.to_owned()));
    }

    /// Sets the file ids from the dataset's listing.
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

impl State {
    fn take_in_bytes(&mut self) {
        self.files.iter_mut().for_each(TrackedFile::take_in_bytes);
    }

    fn progress(&self) -> Progress {
        let mut progress = Progress {
            bytes_compared: self.bytes_compared,
            bytes_to_compare: self.bytes_to_compare,
            ..Progress::new(self.phase, self.files.len().max(self.file_count))
        };
        let mut is_next = true;
        for TrackedFile { report, bytes_sent, body, is_staged } in &self.files {
            progress.add(report, *bytes_sent, body.as_deref(), is_next);
            let is_held = *is_staged && report.status == FileStatus::Pending;
            progress.files_held += usize::from(is_held);
            is_next &= report.status != FileStatus::Pending;
        }
        progress
    }

    fn report(&self, time: Duration) -> UploadReport {
        let files: Vec<_> = self.files.iter().map(|file| file.report.clone()).collect();
        let uploaded = files.iter().filter(|file| file.status == FileStatus::Uploaded);
        UploadReport {
            dataset_id: self.dataset_id.clone(),
            bytes: uploaded.map(|file| file.size_bytes).sum(),
            bytes_sent: self.files.iter().map(|file| file.bytes_sent).sum(),
            seconds: time.as_secs_f64(),
            concurrency: self.peak_concurrency,
            notes: self.notes.clone(),
            files,
        }
    }
}

impl TrackedFile {
    /// For a file that may still have to be created.
    fn planned(file: &Recipe) -> Self {
        let (size_bytes, row_count) = (file.source_bytes(), file.row_count());
        let mut planned = Self::new(file.position, &file.name, size_bytes, row_count, Vec::new());
        planned.report.sources = file.sources();
        planned
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
            sources: Vec::new(),
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
        Self { report, bytes_sent: 0, body: None, is_staged: false }
    }

    fn take_in_bytes(&mut self) {
        if let Some(body) = &self.body {
            self.bytes_sent = self.bytes_sent.max(body.sent());
        }
    }
}

//! The upload: sources, plan, check, transfer through the commit gate, report.
//!
//! ```text
//! sources ──> plan ──> check ──> resume ──> transfer (gate) ──> verify ──> report
//! ```

mod check;
mod check_report;
mod compare;
mod dataset_schema;
mod deadline;
mod feed;
pub mod frames;
pub mod gate;
mod hive;
mod identify;
mod mismatch;
mod outcome;
mod outgoing;
mod parallel;
mod plan;
mod progress;
mod report;
mod resume;
mod rewrite;
mod sent_record;
pub mod settle;
mod sources;
mod storage;
mod stored_values;
mod temporary;
mod transfer;

pub use check::{Mending, Problem};
pub use check_report::{CheckReport, Checker, FileFacts, check_files};
pub use feed::{MadeFile, MadeFiles};
pub use hive::Hive;
pub use mismatch::{Cast, CheckError, CheckErrorKind, Outliers};
pub use plan::check_names;
pub use progress::{Progress, Tracker, UploadPhase};
pub use report::{Change, FileStatus, UploadReport, UploadedFile};
pub use sources::{Found, FoundFile, Partition, Paths, natural_order, partition_of_open_file};
pub use temporary::Spool;

use std::sync::Arc;

use self::{
    check::CheckedFile, dataset_schema::Held, feed::Feed, gate::GateConfig, outgoing::OutgoingFile,
    rewrite::Rewrite, sent_record::SentRecord, settle::Places, transfer::Transfer,
};
use crate::{
    client::{ApiClient, in_background},
    config::{CONCURRENCY, MAX_HELD},
    error::{Error, Result},
    message::bounded,
    schema::Schema,
    wire::{
        file_name::folded,
        messages::{DatasetFile, DatasetFileList},
    },
};

/// How to upload.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// The dataset; `None` creates one, after the check.
    pub dataset_id: Option<String>,
    /// Names in the dataset, one for each file; `None` takes the last part of each path.
    pub names: Option<Vec<String>>,
    /// Bodies sent at the same time; at least 1.
    pub concurrency: usize,
    /// Whether the dataset gets the files in the order of the plan.
    pub ordered: bool,
    /// What may be mended on the way.
    pub mending: Mending,
    /// What to do with folders that are called `key=value`.
    pub hive: Hive,
    /// Whether to stop before anything is created or sent.
    pub dry_run: bool,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            dataset_id: None,
            names: None,
            concurrency: CONCURRENCY,
            ordered: true,
            mending: Mending::default(),
            hive: Hive::default(),
            dry_run: false,
        }
    }
}

/// Why an upload did not complete.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Refused before anything was sent or created.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Failed before this run had committed a file.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Failed after some files were committed: the dataset holds a prefix of the plan.
    #[error("{}", incomplete(.report, .source))]
    Incomplete {
        /// What is done.
        report: Box<UploadReport>,
        /// What went wrong.
        source: Box<UploadError>,
    },
}

impl UploadError {
    /// Whether the same call can succeed, without a change of what is uploaded.
    fn is_mended_by_trying_again(&self) -> bool {
        match self {
            Self::Check(_) => false,
            Self::Failed(error) => !matches!(
                error,
                Error::Configuration(_)
                    | Error::Frame { .. }
                    | Error::Rewrite { .. }
                    | Error::NamesTaken { .. }
                    | Error::Refused { .. }
                    | Error::Intermediary { .. }
                    | Error::Authentication { .. }
            ),
            Self::Incomplete { source, .. } => source.is_mended_by_trying_again(),
        }
    }
}

fn incomplete(report: &UploadReport, source: &UploadError) -> String {
    let (done, all, dataset_id) = (report.done(), report.files.len(), &report.dataset_id);
    let done = match (done, all) {
        (1, 1) => "the first file is".to_owned(),
        // How many more a generator has, nobody knows.
        (done, all) if done == all => format!("the first {done} files are"),
        (done, all) => format!("{done} of {all} files are"),
    };
    let source_words = source.to_string();
    let reason = source_words.trim_end_matches('.');
    let advice = if source.is_mended_by_trying_again() {
        "Run the same upload again with this dataset id to go on"
    } else {
        "Mend that, and run the upload again with this dataset id: what is there is skipped"
    };
    bounded(format_args!("{done} in {dataset_id}, in order; then: {reason}. {advice}"))
}

/// What to upload.
#[derive(Debug)]
pub enum Source {
    /// Files on this machine.
    Files(Found),
    /// Files that are made while earlier ones are sent.
    Made(MadeFiles),
}

/// Puts the files of `source` into one dataset, in order.
///
/// Everything that can be known is checked before a byte is sent. Called again after a
/// failure with the same source and dataset, it goes on where it ended.
///
/// # Errors
/// See [`UploadError`]. Dropping the future closes all connections; `tracker` has the report.
pub async fn upload(
    client: &ApiClient,
    source: Source,
    options: UploadOptions,
    tracker: Arc<Tracker>,
) -> Result<UploadReport, UploadError> {
    if options.concurrency == 0 {
        return Err(Error::Configuration("concurrency must be at least 1".to_owned()).into());
    }
    let (plan, dataset) = match source {
        Source::Files(found) => Plan::of_files(client, found, &options, &tracker).await?,
        Source::Made(files) => {
            let dataset = listed(client, &options).await?;
            tracker.planned(&[], files.file_count.unwrap_or(0));
            let held = Held::by(dataset.as_ref());
            let hive = options.hive.clone();
            let mut feed = Feed::of_made_files(files, options.mending, hive, held);
            feed.first().await?;
            (Plan { files: Vec::new(), rewrite: Rewrite::default(), feed: Some(feed) }, dataset)
        }
    };
    run(client, plan, dataset, &options, &tracker).await.map_err(|error| {
        let report = tracker.report();
        if report.files.iter().any(|file| file.status == FileStatus::Uploaded) {
            UploadError::Incomplete { report: Box::new(report), source: Box::new(error) }
        } else {
            error
        }
    })
}

/// Files that are there, and those that are made on the way.
struct Plan {
    files: Vec<CheckedFile>,
    rewrite: Rewrite,
    feed: Option<Feed>,
}

/// What the dataset that was named holds.
async fn listed(client: &ApiClient, options: &UploadOptions) -> Result<Option<DatasetFileList>> {
    match &options.dataset_id {
        Some(dataset_id) => client.list_dataset(dataset_id).await.map(Some),
        None => Ok(None),
    }
}

impl Plan {
    /// The dataset is asked for what it holds only where nothing is wrong with the files alone.
    async fn of_files(
        client: &ApiClient,
        found: Found,
        options: &UploadOptions,
        tracker: &Tracker,
    ) -> Result<(Self, Option<DatasetFileList>), UploadError> {
        let Found { files, notes } = found;
        tracker.noted(notes);
        let UploadOptions { names, mending, hive, .. } = options.clone();
        let file_count = files.len();
        let read = in_background(move || {
            let (planned, mut problems) = plan::plan(&files, names.as_deref(), &hive)?;
            let mut files = check::read(planned, &mut problems, mending);
            hive::apply(&hive, &mut files, &mut problems);
            Ok((files, problems))
        });
        let (files, problems) = read.await?;
        let dataset = if problems.is_empty() { listed(client, options).await? } else { None };
        let held = Held::by(dataset.as_ref());
        let judge = move || Ok(check::judge_files(files, problems, file_count, mending, &held));
        let (files, rewrite) = in_background(judge).await??;
        tracker.planned(&files, files.len());
        Ok((Self { files, rewrite, feed: None }, dataset))
    }
}

async fn run(
    client: &ApiClient,
    plan: Plan,
    dataset: Option<DatasetFileList>,
    options: &UploadOptions,
    tracker: &Arc<Tracker>,
) -> Result<UploadReport, UploadError> {
    let held = Held::by(dataset.as_ref());
    let mut listing = dataset.map_or_else(Vec::new, |dataset| dataset.files);
    let dataset_id = match &options.dataset_id {
        Some(dataset_id) => dataset_id.clone(),
        None if options.dry_run => String::new(),
        None => client.create_dataset().await?,
    };
    tracker.transferring_into(&dataset_id);
    let record = SentRecord::of_client(client, &dataset_id);
    if let Some(record) = &record {
        record.complete(&mut listing);
    }
    let Plan { files: planned, rewrite, mut feed } = plan;
    check_summary(&planned, &rewrite, feed.as_mut(), &held).await?;
    let mut files: Vec<_> = planned.iter().map(OutgoingFile::from).collect();
    let there = match &mut feed {
        None => resume::among_files(&listing, &planned, &rewrite, &dataset_id, tracker).await?,
        Some(feed) => resume::from_feed(&listing, feed, &mut files, &dataset_id, tracker).await?,
    };
    tracker.noted(resume::note(&there));
    let first = there.count;
    (0..first).for_each(|position| tracker.skipped(position));
    if options.dry_run {
        return would_be_sent(feed, files, tracker).await;
    }
    if planned[first.min(planned.len())..]
        .iter()
        .any(|file| !rewrite.changes(&file.footer).is_empty())
    {
        files.truncate(first);
        let rest = planned.into_iter().skip(first).collect();
        feed = Some(Feed::of(rewrite.feed(rest)));
    }
    tracing::info!(dataset_id, files = files.len(), already_there = first, "upload begins");
    let is_complete = feed.is_none() && first == files.len();
    let before: Vec<_> = listing.iter().map(|file| file.file_name.clone()).collect();
    // What is not needed any more: a long list takes much memory.
    let listing = is_complete.then_some(listing);
    let transfer = Transfer {
        client: client.clone(),
        dataset_id: dataset_id.clone(),
        files,
        feed: feed.map(|feed| feed.without(&before, &dataset_id)),
        first,
        before: Arc::new(before),
        config: GateConfig {
            concurrency: options.concurrency,
            max_held: MAX_HELD,
            ordered: options.ordered,
            max_retries: client.options().max_retries,
        },
        tracker: Arc::clone(tracker),
        record,
    };
    let files = transfer.run().await?;
    tracker.verifying();
    let listing = match listing {
        Some(listing) => listing,
        None => client.list_dataset_files(&dataset_id).await?,
    };
    if first < files.len() {
        let listed = listing.get(there.begin..).unwrap_or_default();
        verify(listed, &files, options.ordered, &dataset_id)?;
    }
    let places = Places::of(files.iter().map(|file| file.name.as_str()), &listing);
    for (position, file) in files.iter().enumerate() {
        let listed = places.get(&file.name).map(|place| &listing[place]);
        tracker.has_id(position, listed.and_then(|listed| listed.file_id.as_deref()));
    }
    tracing::info!(dataset_id, files = files.len(), "upload is complete");
    Ok(tracker.report())
}

/// The report of a dry run: what is there, and what would be sent.
async fn would_be_sent(
    feed: Option<Feed>,
    files: Vec<OutgoingFile>,
    tracker: &Tracker,
) -> Result<UploadReport, UploadError> {
    let mut place = files.len();
    if let Some(mut feed) = feed {
        while let Some(file) = feed.next().await {
            tracker.made(place, &file?);
            place += 1;
        }
    }
    Ok(tracker.report())
}

/// Compares the schema of the plan with the summary of the dataset's, where the service tells
/// no more.
async fn check_summary(
    files: &[CheckedFile],
    rewrite: &Rewrite,
    feed: Option<&mut Feed>,
    held: &Held,
) -> Result<(), UploadError> {
    let first = match feed {
        Some(feed) => feed.peek().await,
        None => files.first(),
    };
    let Some(first) = first else { return Ok(()) };
    let names: Vec<_> = files.iter().map(|file| file.planned.name.clone()).collect();
    let names = if names.is_empty() { vec![first.planned.name.clone()] } else { names };
    let common = rewrite.schema.as_ref().map(|schema| Schema::from_parquet(schema));
    let schema = common.as_ref().unwrap_or(&first.footer.schema);
    Ok(held.check_summary(names, schema)?)
}

/// Compares what the dataset shows with the plan.
fn verify(
    listed: &[DatasetFile],
    files: &[OutgoingFile],
    ordered: bool,
    dataset_id: &str,
) -> Result<()> {
    let mut found: Vec<_> = listed.iter().map(|file| folded(&file.file_name)).collect();
    let mut planned: Vec<_> = files.iter().map(|file| folded(&file.name)).collect();
    let is_as_planned = found == planned;
    found.sort_unstable();
    planned.sort_unstable();
    let message = match (is_as_planned, found == planned) {
        (true, _) => return Ok(()),
        (false, true) if !ordered => return Ok(()),
        (false, true) => {
            "all files are there, in another order: this service does not keep the order in \
             which uploads end; use concurrency=1"
        }
        (false, false) => "its list of files is another one",
    };
    Err(Error::ForeignWriter { dataset_id: dataset_id.to_owned(), message: message.to_owned() })
}

impl UploadReport {
    fn done(&self) -> usize {
        self.files.iter().filter(|file| file.status != FileStatus::Pending).count()
    }
}

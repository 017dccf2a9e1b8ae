//! A run of an upload: sources, plan, check, resume, transfer, verify, report.

use std::sync::Arc;

use super::{
    already_there::AlreadyThere,
    check,
    commit::CommitConfig,
    dataset_schema::Held,
    error::UploadError,
    feed::{Feed, MadeFiles},
    files::CheckedFile,
    hive,
    options::UploadOptions,
    order::Order,
    outgoing::OutgoingFile,
    plan,
    progress::Tracker,
    report::{FileStatus, UploadReport},
    resume::{self, Target},
    rewrite::Rewrite,
    sent_record::SentRecord,
    sources::Found,
    transfer::Transfer,
    verify::Sent,
};
use crate::{
    background::in_background,
    client::ApiClient,
    config::MAX_HELD,
    error::{Error, Result},
    schema::Schema,
    wire::messages::DatasetFileList,
};

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
            let mut feed = Feed::of_made_files(files, options.mending, hive, &held);
            feed.first().await?;
            (Plan { files: Vec::new(), rewrite: Rewrite::default(), feed: Some(feed) }, dataset)
        }
    };
    run(client, plan, dataset, &options, &tracker).await.map_err(|error| {
        let report = tracker.report();
        if report.files.iter().any(|file| file.status == FileStatus::Uploaded) {
            let (report, source) = (Box::new(report), Box::new(error));
            UploadError::Incomplete { report, ordered: options.ordered, source }
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
        tracker.noted(check::notes(&files));
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
    let ordered = options.ordered;
    let target = Target { dataset_id: &dataset_id, listing: &listing, ordered };
    let mut files = Vec::new();
    if let Some(made) = feed {
        feed = Some(resume::from_feed(&target, made, tracker).await?);
    } else {
        let there = resume::among_files(&target, &planned, &rewrite, tracker).await?;
        let rest = without(planned, &there, tracker);
        if !options.dry_run && rest.iter().any(|file| !rewrite.changes(&file.footer).is_empty()) {
            feed = Some(Feed::of(rewrite.feed(rest)));
        } else {
            files = rest.iter().map(OutgoingFile::from).collect();
        }
    }
    if options.dry_run {
        return would_be_sent(feed, tracker).await;
    }
    tracing::info!(target: "sutro::upload", dataset_id, files = files.len(), "upload begins");
    let is_complete = feed.is_none() && files.is_empty();
    let before = listing.iter().map(|file| file.file_name.clone()).collect();
    // What is not needed any more: a long list takes much memory.
    let listing = is_complete.then_some(listing);
    let transfer = Transfer {
        client: client.clone(),
        dataset_id: dataset_id.clone(),
        files,
        feed,
        before,
        order: Order::of(ordered),
        config: CommitConfig {
            concurrency: options.concurrency,
            max_held: MAX_HELD,
            max_retries: client.options().max_retries,
        },
        tracker: Arc::clone(tracker),
        record,
    };
    let (before, files) = transfer.run().await?;
    tracker.verifying();
    let sent = Sent { dataset_id: &dataset_id, before: &before, files: &files, ordered };
    let listing = match listing {
        Some(listing) => listing,
        None => sent.verify(client).await?,
    };
    tracker.listed(&listing);
    tracing::info!(target: "sutro::upload", dataset_id, files = files.len(), "upload is complete");
    Ok(tracker.report())
}

/// The files of a plan that are to be sent.
fn without(planned: Vec<CheckedFile>, there: &AlreadyThere, tracker: &Tracker) -> Vec<CheckedFile> {
    tracker.noted(resume::note(there));
    there.positions.iter().for_each(|&position| tracker.skipped(position));
    planned.into_iter().filter(|file| !there.contains(file.planned.position)).collect()
}

/// The report of a dry run: what is there, and what would be sent.
async fn would_be_sent(feed: Option<Feed>, tracker: &Tracker) -> Result<UploadReport, UploadError> {
    if let Some(mut feed) = feed {
        while let Some(file) = feed.next().await {
            tracker.made(&file?);
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

//! Runs an upload: sources, plan, check, resume, transfer, verify, report.

use std::sync::Arc;

use super::{
    check,
    commit::{CommitConfig, CommitWhen, Mode},
    dataset::{Dataset, names_taken},
    dataset_schema::Held,
    error::{Call, UploadError},
    feed::{Coming, Feed, MadeFiles},
    hive,
    ledger::Tracker,
    options::{Staging, UploadOptions},
    order::Order,
    outgoing::OutgoingFile,
    pack,
    plan::{self, Naming},
    report::{FileStatus, UploadReport},
    resume,
    sent_record::SentRecord,
    sources::Found,
    staging::{Needs, atomic_is_ordered, must_stage, too_many_for_one_commit},
    transfer::Transfer,
    verify::Sent,
};
use crate::{
    background::in_background,
    client::ApiClient,
    config::MAX_HELD,
    error::{Error, Result, TakenReason},
    wire::{
        messages::{DatasetFile, DatasetFileList},
        staging::{MAX_COMMIT_FILES, StagedFile},
    },
};

/// The source of an upload.
#[derive(Debug)]
pub enum Source {
    /// Files on this machine.
    Files(Found),
    /// Files that are created while earlier ones are sent.
    Made(MadeFiles),
}

/// Uploads the files of `source` to one dataset, in order.
///
/// Checks everything that can be checked before it sends a byte. After a failure, another call with
/// the same source and dataset resumes the upload.
///
/// # Errors
/// See [`UploadError`]. Dropping the future closes all connections; `tracker` has the report.
pub async fn upload(
    client: &ApiClient,
    source: Source,
    options: UploadOptions,
    tracker: Arc<Tracker>,
) -> Result<UploadReport, UploadError> {
    let run = Run { client, options: &options, tracker: &tracker, needs_names: true };
    let (feed, listing) = run.check(source).await?;
    let sent = run.send(feed, listing).await;
    let call = Call::Upload { ordered: options.ordered };
    sent.map_err(|error| incomplete(tracker.report(), call, error))
}

/// Stages the files of `source` for the dataset in `options`, and returns what the server knows
/// about them, in plan order. They stay invisible until [`commit`](super::commit_staged).
///
/// Checks everything that can be checked before it sends a byte, except whether the dataset has the
/// names: the server checks that, so the work does not grow with the dataset. Staged files are not
/// resumed: a second call stages them again, and those of the first call expire.
///
/// # Errors
/// See [`UploadError`]; [`Error::Configuration`] if the server does not stage files;
/// [`Error::NamesTaken`] for the first name that is in use.
pub async fn stage(
    client: &ApiClient,
    source: Source,
    options: UploadOptions,
    tracker: Arc<Tracker>,
) -> Result<Vec<StagedFile>, UploadError> {
    let run = Run { client, options: &options, tracker: &tracker, needs_names: false };
    let (feed, _) = run.check(source).await?;
    let Some(id) = options.dataset_id.clone() else {
        return Err(Error::configuration(
            "files are staged for a dataset that exists; its id is missing",
        )
        .into());
    };
    must_stage(client, Needs::Stage)?;
    tracker.transferring_into(&id);
    let dataset = Dataset { id: id.clone(), listing: Vec::new(), order: Order::Planned };
    let mode = Mode::Stages(CommitWhen::Never);
    let transferred = run.transfer(dataset, None, feed, mode).await;
    let (_, files) = transferred.map_err(|error| match error {
        UploadError::Failed(Error::NameTaken { file_name: Some(name), .. }) => {
            names_taken(&id, vec![name], TakenReason::InUse).into()
        }
        error => error,
    })?;
    Ok(files.into_iter().filter_map(|file| file.staged).collect())
}

/// The log target of all steps, whichever module they are in.
const LOG: &str = "sutro::upload";

struct Run<'a> {
    client: &'a ApiClient,
    options: &'a UploadOptions,
    tracker: &'a Arc<Tracker>,
    /// Whether the names of the dataset's files matter, or only its schema.
    needs_names: bool,
}

impl Run<'_> {
    async fn check(&self, source: Source) -> Result<(Feed, Vec<DatasetFile>), UploadError> {
        let UploadOptions { concurrency, ordered, staging, .. } = *self.options;
        if concurrency == 0 {
            return Err(Error::configuration("concurrency must be at least 1").into());
        }
        if staging == Staging::Atomic && !ordered {
            return Err(atomic_is_ordered().into());
        }
        match source {
            Source::Files(found) => self.check_files(found).await,
            Source::Made(files) => self.check_first(files).await,
        }
    }

    /// Checks the files, and lists the dataset if the files alone have no problem.
    async fn check_files(&self, found: Found) -> Result<(Feed, Vec<DatasetFile>), UploadError> {
        let Found { files, notes } = found;
        self.tracker.noted(notes);
        let (options, rewrite) = (self.options.clone(), self.options.rewrite);
        let file_count = files.len();
        let read = in_background(move || {
            let (planned, mut problems) = plan::plan(&files, Naming::of(&options)?, &options.hive)?;
            let mut files = check::read(planned, &mut problems, rewrite);
            hive::apply(&options.hive, &mut files, &mut problems);
            Ok((files, problems))
        });
        let (files, problems) = read.await?;
        self.tracker.noted(check::notes(&files));
        let dataset = if problems.is_empty() { self.listed().await? } else { None };
        let held = Held::by(dataset.as_ref());
        let judge = move || Ok(check::recipes(files, problems, file_count, rewrite, &held));
        let mut recipes = in_background(judge).await??;
        if let Some(target_size) = self.options.target_file_size {
            recipes = pack::regroup(recipes, target_size, self.options.merge_row_groups);
        }
        self.tracker.planned(&recipes, recipes.len());
        Ok((Feed::of_known(recipes), files_of(dataset)))
    }

    /// Checks the first file. The others are checked as they arrive.
    async fn check_first(
        &self,
        mut files: MadeFiles,
    ) -> Result<(Feed, Vec<DatasetFile>), UploadError> {
        if self.options.target_file_size.is_some() {
            return Err(Error::configuration(
                "files that are made during the upload cannot be regrouped to a target size",
            )
            .into());
        }
        let held = files.held.take();
        let dataset = if held.is_some() { None } else { self.listed().await? };
        let held = held.unwrap_or_else(|| Held::by(dataset.as_ref()));
        self.tracker.planned(&[], files.file_count.unwrap_or(0));
        let UploadOptions { rewrite, hive, .. } = self.options.clone();
        let mut coming = Coming::of_made_files(files, rewrite, hive, held);
        coming.first().await?;
        Ok((Feed::of_coming(coming), files_of(dataset)))
    }

    /// Lists the dataset, if the caller named one.
    async fn listed(&self) -> Result<Option<DatasetFileList>> {
        let Some(dataset_id) = &self.options.dataset_id else { return Ok(None) };
        let list = if self.needs_names {
            self.client.list_dataset(dataset_id).await?
        } else {
            self.client.list_first(dataset_id).await?
        };
        Ok(Some(list))
    }

    async fn send(
        &self,
        feed: Feed,
        listing: Vec<DatasetFile>,
    ) -> Result<UploadReport, UploadError> {
        if self.options.staging == Staging::Atomic {
            self.may_be_atomic(feed.known.len()).await?;
        }
        let mut dataset = self.dataset(listing).await?;
        self.tracker.transferring_into(&dataset.id);
        let record = SentRecord::of_client(self.client, &dataset.id);
        if let Some(record) = &record {
            record.complete(&mut dataset.listing);
        }
        let feed = resume::missing(&dataset, feed, self.tracker).await?;
        if self.options.dry_run {
            self.make_all(feed).await?;
            return Ok(self.tracker.report());
        }
        let listing = if feed.is_empty() {
            self.tracker.verifying();
            dataset.listing
        } else {
            self.transfer_and_verify(dataset, record, feed).await?
        };
        self.tracker.listed(&listing);
        Ok(self.tracker.report())
    }

    /// Returns the id of the dataset; creates one if the caller named none.
    async fn dataset(&self, listing: Vec<DatasetFile>) -> Result<Dataset> {
        let id = match &self.options.dataset_id {
            Some(dataset_id) => dataset_id.clone(),
            None if self.options.dry_run => String::new(),
            None => self.client.create_dataset().await?,
        };
        Ok(Dataset { id, listing, order: Order::of(self.options.ordered) })
    }

    /// Fails, before a dataset is created, if the files cannot be committed in one transaction.
    async fn may_be_atomic(&self, known_files: usize) -> Result<()> {
        if self.options.dataset_id.is_none() {
            // The first call to this server.
            self.client.try_authentication().await?;
        }
        must_stage(self.client, Needs::Atomic)?;
        if known_files > MAX_COMMIT_FILES {
            return Err(too_many_for_one_commit(Some(known_files)));
        }
        Ok(())
    }

    /// Sends the files, and returns the listing that shows them.
    async fn transfer_and_verify(
        &self,
        dataset: Dataset,
        record: Option<SentRecord>,
        feed: Feed,
    ) -> Result<Vec<DatasetFile>, UploadError> {
        let id = dataset.id.clone();
        let mode = match (dataset.order, self.options.staging) {
            (Order::Planned, Staging::Atomic) => Mode::Stages(CommitWhen::AllStaged),
            (Order::Planned, Staging::IfAnnounced) if self.client.stages() => {
                Mode::Stages(CommitWhen::NextStaged)
            }
            (order, _) => Mode::Uploads(order),
        };
        let (before, files) = self.transfer(dataset, record, feed, mode).await?;
        self.tracker.verifying();
        let ordered = self.options.ordered;
        let sent = Sent { dataset_id: &id, before: &before, files: &files, ordered };
        let listing = sent.verify(self.client).await?;
        tracing::info!(target: LOG, dataset_id = id, files = files.len(), "upload is complete");
        Ok(listing)
    }

    /// Sends the files. Returns the names that the dataset had before, and the files.
    async fn transfer(
        &self,
        dataset: Dataset,
        record: Option<SentRecord>,
        feed: Feed,
        mode: Mode,
    ) -> Result<(Vec<String>, Vec<OutgoingFile>), UploadError> {
        let Dataset { id, listing, .. } = dataset;
        let (files, coming) = feed.prepared();
        tracing::info!(target: LOG, dataset_id = id, files = files.len(), "upload begins");
        let transfer = Transfer {
            client: self.client.clone(),
            dataset_id: id,
            files,
            coming,
            // A long list takes much memory: its names are enough.
            before: listing.into_iter().map(|file| file.file_name).collect(),
            mode,
            config: CommitConfig {
                concurrency: self.options.concurrency,
                max_held: MAX_HELD,
                max_retries: self.client.options().max_retries,
            },
            tracker: Arc::clone(self.tracker),
            // Servers that stage files report hashes.
            record: record.filter(|_| matches!(mode, Mode::Uploads(_))),
        };
        transfer.run().await
    }

    /// In a dry run, files are created and discarded.
    async fn make_all(&self, feed: Feed) -> Result<(), UploadError> {
        let Some(mut coming) = feed.coming else { return Ok(()) };
        while let Some(file) = coming.next().await {
            self.tracker.made(&file?);
        }
        Ok(())
    }
}

/// Adds the report to the error if the run has committed files.
pub(super) fn incomplete(report: UploadReport, call: Call, error: UploadError) -> UploadError {
    if report.files.iter().all(|file| file.status != FileStatus::Uploaded) {
        return error;
    }
    UploadError::Incomplete { report: Box::new(report), call, source: Box::new(error) }
}

fn files_of(dataset: Option<DatasetFileList>) -> Vec<DatasetFile> {
    dataset.map_or_else(Vec::new, |dataset| dataset.files)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Source, UploadOptions, stage, upload};
    use crate::{client::ApiClient, upload::commit_staged};

    /// Bindings run them as tasks.
    #[test]
    fn uploads_may_move_between_threads() {
        fn is_send<T: Send>(_: impl FnOnce(&'static ApiClient, Source, UploadOptions) -> T) {}
        is_send(|client, source, options| upload(client, source, options, Arc::default()));
        is_send(|client, source, options| stage(client, source, options, Arc::default()));
        is_send(|client, _, _| commit_staged(client, vec![], "", None, Arc::default()));
    }
}

//! Commits files that were staged before, perhaps by other processes.

use std::{collections::HashSet, sync::Arc};

use super::{
    commit::{CommitConfig, CommitWhen, Mode},
    dataset::names_taken,
    error::{Call, UploadError},
    ledger::Tracker,
    outgoing::OutgoingFile,
    report::UploadReport,
    run::incomplete,
    staging::{Needs, must_stage},
    transfer::Transfer,
};
use crate::{
    client::ApiClient,
    error::{Error, Result, TakenReason},
    wire::{
        file_name::folded,
        messages::DatasetFile,
        places::Places,
        staging::{CommitRequest, MAX_COMMIT_FILES, StagedFile},
    },
};

/// Appends staged files to their dataset, in this order. Up to 10,000 files are committed in one
/// transaction, all or none. More files need several transactions.
///
/// `expected_file_count` is the number of files that the dataset must have before them; `None` uses
/// its current number. The call can be repeated safely: files that it has already committed are
/// recognised.
///
/// # Errors
/// [`Error::Configuration`] if no file is given, or one is listed twice; [`Error::NotCommitted`] if
/// the dataset has another number of files than expected; [`Error::Refused`] if a staged file has expired, or
/// belongs to another dataset; [`Error::NamesTaken`]; and the errors of every call.
pub async fn commit_staged(
    client: &ApiClient,
    staged: Vec<StagedFile>,
    dataset_id: &str,
    expected_file_count: Option<u64>,
    tracker: Arc<Tracker>,
) -> Result<UploadReport, UploadError> {
    check_twice(&staged)?;
    let listing = client.list_dataset_files(dataset_id).await?;
    must_stage(client, Needs::Commit)?;
    none_taken(&listing, &staged, dataset_id)?;
    let before = count_before(&listing, &staged);
    if let Some(expected) = expected_file_count
        && expected != before as u64
        && !(before < listing.len() && went_through(client, &staged, dataset_id, expected).await?)
    {
        return Err(other_count(dataset_id, before, expected).into());
    }
    tracker.transferring_into(dataset_id);
    let files: Vec<_> = staged.into_iter().enumerate().map(outgoing).collect();
    for file in &files {
        tracker.made(file);
    }
    let options = client.options();
    let transfer = Transfer {
        client: client.clone(),
        dataset_id: dataset_id.to_owned(),
        files,
        coming: None,
        before: listing.into_iter().take(before).map(|file| file.file_name).collect(),
        mode: Mode::Stages(CommitWhen::AllStaged),
        config: CommitConfig { concurrency: 1, max_held: 0, max_retries: options.max_retries },
        tracker: Arc::clone(&tracker),
        record: None,
    };
    match transfer.run().await {
        Ok(_) => Ok(tracker.report()),
        Err(error) => Err(incomplete(tracker.report(), Call::Commit, error)),
    }
}

/// Rejects duplicates: a worker that was retried may have reported its files twice.
fn check_twice(staged: &[StagedFile]) -> Result<()> {
    if staged.is_empty() {
        return Err(Error::configuration("there is nothing to commit: no staged files"));
    }
    let mut ids = HashSet::with_capacity(staged.len());
    let mut names = HashSet::with_capacity(staged.len());
    for file in staged {
        let name = &file.file_name;
        if !ids.insert(&file.staged_id) {
            let id = &file.staged_id;
            let message = format!("the staged file {name} ({id}) is listed twice");
            return Err(Error::configuration(message));
        }
        if !names.insert(folded(name)) {
            let message = format!("two of the staged files are called {name}: commit one of them");
            return Err(Error::configuration(message));
        }
    }
    Ok(())
}

/// The names that the dataset already has, unless this commit went through before.
fn none_taken(listing: &[DatasetFile], staged: &[StagedFile], dataset_id: &str) -> Result<()> {
    let places = Places::of_all(listing);
    let is_taken = |file: &&StagedFile| {
        let listed = places.get(&file.file_name).map(|place| &listing[place]);
        listed.is_some_and(|listed| listed.file_id.as_ref() != Some(&file.staged_id))
    };
    let taken: Vec<_> = staged.iter().filter(is_taken).map(|file| file.file_name.clone()).collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(names_taken(dataset_id, taken, TakenReason::InUse))
}

/// The number of files that the dataset has before the staged ones.
fn count_before(listing: &[DatasetFile], staged: &[StagedFile]) -> usize {
    let first = staged.first().map(|first| first.staged_id.as_str());
    let is_first = |file: &DatasetFile| first.is_some() && file.file_id.as_deref() == first;
    // This commit went through before, if the dataset has the first file.
    listing.iter().position(is_first).unwrap_or(listing.len())
}

/// Whether files, the first of which the dataset has, were committed behind so many others. Only
/// the server knows whether some of those were deleted since.
async fn went_through(
    client: &ApiClient,
    staged: &[StagedFile],
    dataset_id: &str,
    expected_file_count: u64,
) -> Result<bool> {
    let ids = staged.iter().take(MAX_COMMIT_FILES).map(|file| file.staged_id.clone());
    let request = CommitRequest {
        dataset_id: dataset_id.to_owned(),
        expected_file_count,
        staged_ids: ids.collect(),
    };
    client.has_committed(&request).await
}

fn other_count(dataset_id: &str, before: usize, expected: u64) -> Error {
    let message =
        format!("the dataset has {before} files before these, not {expected} as expected");
    Error::NotCommitted { dataset_id: dataset_id.to_owned(), message }
}

fn outgoing((position, staged): (usize, StagedFile)) -> OutgoingFile {
    OutgoingFile {
        position,
        name: staged.file_name.clone(),
        size_bytes: staged.size_bytes,
        row_count: staged.row_count,
        changes: Vec::new(),
        content: None,
        staged: Some(staged),
        is_committed: false,
    }
}

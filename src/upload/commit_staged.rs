//! Commits files that were staged before, perhaps by others.

use std::sync::Arc;

use super::{
    commit::{CommitConfig, CommitWhen, Mode},
    error::UploadError,
    ledger::Tracker,
    outgoing::OutgoingFile,
    report::UploadReport,
    run::incomplete,
    staging::must_stage,
    transfer::Transfer,
};
use crate::{
    client::ApiClient,
    error::{Error, Result},
    wire::{messages::DatasetFile, staging::StagedFile},
};

/// Appends staged files to their dataset, in this order. Up to 10,000 files are one transaction:
/// all of them, or none; more files are several transactions.
///
/// `expected_file_count` is the number of files that the dataset must have before them; `None`
/// takes the number that it has now. The same call may be repeated: files that it has committed
/// are recognized.
///
/// # Errors
/// [`Error::ForeignWriter`] if the dataset has other files than expected; [`Error::Refused`] if a
/// staged file has expired, or belongs to another dataset; [`Error::NameTaken`]; and those of
/// every call.
pub async fn commit_staged(
    client: &ApiClient,
    staged: Vec<StagedFile>,
    dataset_id: &str,
    expected_file_count: Option<u64>,
    tracker: Arc<Tracker>,
) -> Result<UploadReport, UploadError> {
    let listing = client.list_dataset_files(dataset_id).await?;
    must_stage(client, "commit staged files")?;
    let before = count_before(&listing, &staged, dataset_id, expected_file_count)?;
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
        Err(error) => Err(incomplete(tracker.report(), true, error)),
    }
}

/// How many files the dataset had before the staged ones.
fn count_before(
    listing: &[DatasetFile],
    staged: &[StagedFile],
    dataset_id: &str,
    expected: Option<u64>,
) -> Result<usize> {
    let Some(expected) = expected else {
        let first = staged.first().map(|first| first.staged_id.as_str());
        let is_first = |file: &DatasetFile| first.is_some() && file.file_id.as_deref() == first;
        return Ok(listing.iter().position(is_first).unwrap_or(listing.len()));
    };
    let has = listing.len();
    usize::try_from(expected).ok().filter(|&count| count <= has).ok_or_else(|| {
        Error::ForeignWriter {
            dataset_id: dataset_id.to_owned(),
            message: format!("expected {expected} files, but it has {has}").into(),
        }
    })
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

//! Commits of staged files: what their outcomes mean for the strategy, and what a listing shows
//! after a failed one.

use crate::{
    client::{ApiClient, CommitOutcome},
    error::{Error, Result},
    upload::{
        commit::{Group, GroupEnding, Order, Verdict},
        outgoing::OutgoingFile,
        settle::{Comparison, Expected, Standing, standing},
    },
    wire::{file_name::are_one, messages::DatasetFile, staging::CommitRequest},
};

/// The request that commits a group of `files`; the dataset has `before` files before the first of
/// them all.
pub(super) fn request(
    dataset_id: &str,
    before: usize,
    files: &[OutgoingFile],
    group: Group,
) -> CommitRequest {
    let staged = files[group.start..group.end].iter().filter_map(|file| file.staged.as_ref());
    CommitRequest {
        dataset_id: dataset_id.to_owned(),
        expected_file_count: (before + group.start) as u64,
        staged_ids: staged.map(|staged| staged.staged_id.clone()).collect(),
    }
}

/// What the end of a commit means for the strategy.
pub(super) fn ending(
    outcome: &Result<CommitOutcome>,
    group: Group,
    files: &[OutgoingFile],
) -> GroupEnding {
    let find = |is_it: &dyn Fn(&OutgoingFile) -> bool| {
        (group.start..group.end).find(|&file| is_it(&files[file]))
    };
    match outcome {
        Ok(CommitOutcome::Committed(_)) => GroupEnding::Committed,
        Ok(CommitOutcome::CountDiffers(_)) => GroupEnding::CountDiffers,
        Ok(CommitOutcome::Gone { staged_id, .. }) => {
            let is_gone = |file: &OutgoingFile| {
                file.staged.as_ref().is_some_and(|staged| staged.staged_id == *staged_id)
            };
            GroupEnding::Gone { file: find(&is_gone) }
        }
        Ok(CommitOutcome::Refused { file_name, .. }) => {
            let name = file_name.as_deref().unwrap_or_default();
            GroupEnding::Refused { file: find(&|file| are_one(&file.name, name)) }
        }
        Err(Error::Authentication { .. } | Error::DatasetNotFound { .. }) => {
            GroupEnding::RefusedAll
        }
        Err(error) if error.is_temporary() => {
            GroupEnding::Temporary { retry_after: error.retry_after() }
        }
        // The server read and rejected the request.
        Err(Error::Refused { .. }) => GroupEnding::Refused { file: None },
        Err(_) => GroupEnding::Final,
    }
}

/// The files that a listing is compared with.
pub(super) struct Compared {
    /// Names of the files that are known to be in the dataset.
    pub(super) known: Vec<String>,
    /// The files of the plan that follow them.
    pub(super) next: Vec<OutgoingFile>,
    /// More files may follow those.
    pub(super) is_open: bool,
}

impl Compared {
    /// How many of the next files a listing shows after the known ones, and what follows them.
    pub(super) async fn with_listing(
        &self,
        client: &ApiClient,
        dataset_id: &str,
    ) -> Result<(usize, Verdict)> {
        let listing = client.try_list_dataset_files(dataset_id).await?;
        let known = self.known.iter().map(String::as_str);
        match standing(Order::Planned, known, &listing) {
            Standing::Stale(_) => Ok((0, Verdict::Stale)),
            Standing::Foreign => Ok((0, Verdict::Foreign)),
            Standing::Current(rest) => self.with_files(rest).await,
        }
    }

    async fn with_files(&self, listed: &[DatasetFile]) -> Result<(usize, Verdict)> {
        for (place, (listed, file)) in listed.iter().zip(&self.next).enumerate() {
            file.hash_to_compare(std::slice::from_ref(listed)).await?;
            match Expected::from(file).compare(listed) {
                Comparison::Same => {}
                Comparison::Alike => return Ok((place, Verdict::Alike)),
                Comparison::OtherName | Comparison::OtherContent => {
                    return Ok((place, Verdict::Foreign));
                }
            }
        }
        let ours = listed.len().min(self.next.len());
        let may_be_ours = self.is_open || ours == listed.len();
        Ok((ours, if may_be_ours { Verdict::Absent } else { Verdict::Foreign }))
    }
}

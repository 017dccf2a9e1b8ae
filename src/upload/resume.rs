//! What an earlier run of the same upload has put into the dataset already. The dataset is
//! the truth; nothing is kept on this machine.

use super::{
    UploadError,
    check::CheckedFile,
    feed::Feed,
    progress::Tracker,
    rewrite::Rewrite,
    settle::{self, Conflict, Expected, another_content},
    transfer::OutgoingFile,
};
use crate::{
    error::{Error, Result},
    wire::{file_name::are_one, messages::DatasetFile},
};

/// How many of `files`, all of the plan, are there.
///
/// # Errors
/// [`Error::NamesTaken`] where names of the plan stand in the dataset otherwise.
pub(super) fn among_files(
    listing: &[DatasetFile],
    files: &[CheckedFile],
    rewrite: &Rewrite,
    dataset_id: &str,
) -> Result<usize> {
    let plan: Vec<_> = files.iter().map(|file| expected(file, rewrite)).collect();
    settle::resume(listing, &plan).map_err(|conflict| names_taken(dataset_id, conflict))
}

fn expected<'a>(file: &'a CheckedFile, rewrite: &Rewrite) -> Expected<'a> {
    Expected {
        name: &file.planned.name,
        // The size of what is rewritten is not known before.
        size_bytes: rewrite.changes(&file.footer).is_empty().then_some(file.planned.source.size()),
        row_count: file.footer.row_count,
    }
}

/// Takes the files that are there from `feed` to `files`. How many more `feed` has is not
/// known, so the first one's name says where the earlier run began.
///
/// # Errors
/// [`Error::NamesTaken`] as above, and what is wrong with a file of the feed.
pub(super) async fn from_feed(
    listing: &[DatasetFile],
    feed: &mut Feed,
    files: &mut Vec<OutgoingFile>,
    dataset_id: &str,
    tracker: &Tracker,
) -> Result<usize, UploadError> {
    let Some(first) = feed.peek().await else { return Ok(0) };
    let begin = listing.iter().position(|listed| are_one(&listed.file_name, &first.planned.name));
    let done = begin.map_or(&[][..], |begin| &listing[begin..]);
    for listed in done {
        let Some(file) = feed.next().await.transpose()? else {
            let names = vec![listed.file_name.clone()];
            let reason = "this upload has fewer files than the dataset has from its first one on";
            return Err(taken(dataset_id, names, reason).into());
        };
        let outgoing = OutgoingFile::from(&file);
        if !Expected::from(&outgoing).is(listed) {
            return Err(does_not_continue(dataset_id, &file, listed).into());
        }
        tracker.made(files.len(), &file);
        files.push(outgoing.committed());
    }
    Ok(done.len())
}

fn does_not_continue(dataset_id: &str, file: &CheckedFile, listed: &DatasetFile) -> Error {
    let name = &file.planned.name;
    let reason = if are_one(&listed.file_name, name) {
        another_content(name)
    } else {
        format!("{} stands in the dataset where this upload has {name}", listed.file_name)
    };
    taken(dataset_id, vec![name.clone()], &reason)
}

pub(super) fn names_taken(dataset_id: &str, conflict: Conflict) -> Error {
    taken(dataset_id, conflict.names, &conflict.reason)
}

fn taken(dataset_id: &str, names: Vec<String>, reason: &str) -> Error {
    Error::NamesTaken { dataset_id: dataset_id.to_owned(), names, reason: reason.to_owned() }
}

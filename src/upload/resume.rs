//! What an earlier run of the same upload has put into the dataset already. The dataset is
//! the truth.

use std::sync::Arc;

use super::{
    UploadError,
    check::CheckedFile,
    feed::Feed,
    identify::identities,
    outgoing::OutgoingFile,
    progress::Tracker,
    rewrite::Rewrite,
    settle::{self, AlreadyThere, Comparison, Conflict, Expected, OTHER_CONTENT},
};
use crate::{
    error::{Error, Result},
    wire::{file_name::are_one, messages::DatasetFile},
};

/// Which of `files`, all of the plan, are there.
///
/// # Errors
/// [`Error::NamesTaken`] where names of the plan stand in the dataset otherwise, and what is
/// wrong with a file whose content is compared.
pub(super) async fn among_files(
    listing: &[DatasetFile],
    files: &[CheckedFile],
    rewrite: &Rewrite,
    dataset_id: &str,
    tracker: &Arc<Tracker>,
) -> Result<AlreadyThere> {
    let identities = identities(listing, files, rewrite, tracker).await?;
    let plan: Vec<_> =
        files.iter().zip(identities).map(|(file, identity)| file.expected(identity)).collect();
    settle::resume(listing, &plan).map_err(|conflict| names_taken(dataset_id, conflict))
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
) -> Result<AlreadyThere, UploadError> {
    let none = AlreadyThere { begin: listing.len(), ..AlreadyThere::default() };
    let Some(first) = feed.peek().await else { return Ok(none) };
    let is_first = |listed: &DatasetFile| are_one(&listed.file_name, &first.planned.name);
    let Some(begin) = listing.iter().position(is_first) else { return Ok(none) };
    let mut there = AlreadyThere { begin, ..none };
    for listed in &listing[begin..] {
        // The whole upload is there, and other files behind it.
        let Some(file) = feed.next().await.transpose()? else { break };
        let outgoing = OutgoingFile::from(&file);
        match Expected::from(&outgoing).compare(listed) {
            Comparison::Same => {}
            Comparison::Alike => there.not_compared += 1,
            Comparison::OtherName | Comparison::OtherContent => {
                return Err(does_not_continue(dataset_id, &file, listed).into());
            }
        }
        tracker.made(files.len(), &file);
        files.push(outgoing.committed());
        there.count += 1;
    }
    Ok(there)
}

/// What the caller should know about the files that are there.
pub(super) fn note(there: &AlreadyThere) -> Option<String> {
    let (files, was) = match there.not_compared {
        0 => return None,
        1 => ("1 file".to_owned(), "was"),
        count => (format!("{count} files"), "were"),
    };
    Some(format!(
        "{files} of {} already there {was} recognized by name, size and number of rows alone: \
         this service tells no hashes, and this machine has no record of sending them",
        there.count
    ))
}

fn does_not_continue(dataset_id: &str, file: &CheckedFile, listed: &DatasetFile) -> Error {
    let name = &file.planned.name;
    if are_one(&listed.file_name, name) {
        return taken(dataset_id, vec![name.clone()], OTHER_CONTENT);
    }
    let reason = format!(
        "but not as the end of an earlier run of this upload: {} stands there where this upload \
         has {name}. Upload into another dataset, or leave these files out",
        listed.file_name
    );
    taken(dataset_id, vec![listed.file_name.clone()], &reason)
}

fn names_taken(dataset_id: &str, conflict: Conflict) -> Error {
    taken(dataset_id, conflict.names, &conflict.reason)
}

fn taken(dataset_id: &str, names: Vec<String>, reason: &str) -> Error {
    Error::NamesTaken { dataset_id: dataset_id.to_owned(), names, reason: reason.to_owned() }
}

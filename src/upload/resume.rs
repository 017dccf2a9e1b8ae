//! What an earlier run of the same upload has put into the dataset already. The dataset is
//! the truth.

use std::sync::Arc;

use futures_util::{StreamExt, future::ready, stream};

use super::{
    already_there::{self, AlreadyThere, Conflict, OTHER_CONTENT},
    error::UploadError,
    feed::Feed,
    files::CheckedFile,
    identify::identities,
    outgoing::OutgoingFile,
    progress::Tracker,
    rewrite::Rewrite,
    settle::{Comparison, Expected},
};
use crate::{
    error::{Error, Result},
    wire::{file_name::are_one, messages::DatasetFile, places::Places},
};

/// What an upload goes into, as far as resume goes by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) dataset_id: &'a str,
    /// What the dataset holds.
    pub(super) listing: &'a [DatasetFile],
    /// Whether it is to have the order of the upload.
    pub(super) ordered: bool,
}

/// Which of `files`, all of the plan, are there.
///
/// # Errors
/// [`Error::NamesTaken`] where names of the plan stand in the dataset otherwise, and what is
/// wrong with a file whose content is compared.
pub(super) async fn among_files(
    target: &Target<'_>,
    files: &[CheckedFile],
    rewrite: &Rewrite,
    tracker: &Arc<Tracker>,
) -> Result<AlreadyThere> {
    let identities = identities(target.listing, files, rewrite, tracker).await?;
    let plan: Vec<_> =
        files.iter().zip(identities).map(|(file, identity)| file.expected(identity)).collect();
    let resume =
        if target.ordered { already_there::resume } else { already_there::resume_unordered };
    resume(target.listing, &plan).map_err(|conflict| names_taken(target.dataset_id, conflict))
}

/// The rest of `feed`, without the files that are there, which `tracker` learns about. How many
/// files a feed has is not known.
///
/// # Errors
/// [`Error::NamesTaken`] as above, and what is wrong with a file of the feed. Those of later files
/// come out of the feed that is returned.
pub(super) async fn from_feed(
    target: &Target<'_>,
    feed: Feed,
    tracker: &Arc<Tracker>,
) -> Result<Feed, UploadError> {
    if target.ordered {
        behind_the_prefix(target, feed, tracker).await
    } else {
        Ok(missing(target, feed, Arc::clone(tracker)))
    }
}

/// The first file's name says where the earlier run began.
async fn behind_the_prefix(
    target: &Target<'_>,
    mut feed: Feed,
    tracker: &Tracker,
) -> Result<Feed, UploadError> {
    let &Target { dataset_id, listing, .. } = target;
    let first = feed.peek().await.map(|first| first.planned.name.clone());
    let is_first = |listed: &DatasetFile| {
        first.as_deref().is_some_and(|first| are_one(&listed.file_name, first))
    };
    let begin = listing.iter().position(is_first).unwrap_or(listing.len());
    let mut there = AlreadyThere::default();
    for listed in &listing[begin..] {
        // The whole upload is there, and other files behind it.
        let Some(file) = feed.next().await.transpose()? else { break };
        let comparison = Expected::from(&OutgoingFile::from(&file)).compare(listed);
        if matches!(comparison, Comparison::OtherName | Comparison::OtherContent) {
            return Err(does_not_continue(dataset_id, &file, listed).into());
        }
        skip(&file, comparison, &mut there, tracker);
    }
    tracker.noted(note(&there));
    let names: Vec<_> = listing.iter().map(|listed| listed.file_name.as_str()).collect();
    Ok(feed.without(&names, dataset_id))
}

/// Looks at each file as it comes: a feed may be endless, and its files take up disk space.
fn missing(target: &Target<'_>, feed: Feed, tracker: Arc<Tracker>) -> Feed {
    let (listing, dataset_id) = (target.listing.to_vec(), target.dataset_id.to_owned());
    let places = Places::of_all(&listing);
    let at_end = Arc::clone(&tracker);
    let looked_at = feed.into_stream().map(Some).chain(stream::iter([None]));
    let missing = looked_at.scan(AlreadyThere::default(), move |there, file| {
        let file = match file {
            // All have been looked at.
            None => {
                at_end.noted(note(there));
                return ready(None);
            }
            Some(Ok(file)) => file,
            error => return ready(Some(error)),
        };
        let outgoing = OutgoingFile::from(&file);
        let listed = places.get(&outgoing.name).map(|place| &listing[place]);
        let comparison = listed.map(|listed| Expected::from(&outgoing).compare(listed));
        ready(Some(match comparison {
            None | Some(Comparison::OtherName) => Some(Ok(file)),
            Some(Comparison::OtherContent) => {
                let names = vec![file.planned.name];
                Some(Err(taken(&dataset_id, names, OTHER_CONTENT).into()))
            }
            Some(comparison) => {
                skip(&file, comparison, there, &tracker);
                None
            }
        }))
    });
    Feed::of(missing.filter_map(ready))
}

fn skip(file: &CheckedFile, comparison: Comparison, there: &mut AlreadyThere, tracker: &Tracker) {
    tracker.made(file);
    tracker.skipped(file.planned.position);
    there.add(file.planned.position, comparison);
}

/// What the caller should know about the files that are there.
pub(super) fn note(there: &AlreadyThere) -> Option<String> {
    let (files, was) = match there.not_compared {
        0 => return None,
        1 => ("1 file".to_owned(), "was"),
        count => (format!("{count} files"), "were"),
    };
    Some(format!(
        "{files} of {} already there {was} recognized only by name, size and number of rows: \
         this server reports no hashes, and this machine has no record of sending them",
        there.positions.len()
    ))
}

fn does_not_continue(dataset_id: &str, file: &CheckedFile, listed: &DatasetFile) -> Error {
    let name = &file.planned.name;
    if are_one(&listed.file_name, name) {
        return taken(dataset_id, vec![name.clone()], OTHER_CONTENT);
    }
    let reason = format!(
        "but not from an earlier run of this upload: it has {} where this upload has {name}. If an \
         unordered upload was interrupted, resume it with ordered=False; otherwise upload to another \
         dataset, or leave these files out",
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

//! Decides from the listing of the dataset which files an earlier run of the same upload committed.

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt, future::ready, stream};

use super::{
    already_there::{self, AlreadyThere},
    dataset::{Dataset, names_taken},
    error::UploadError,
    feed::{Coming, Feed},
    identify::identities,
    ledger::Tracker,
    order::Order,
    outgoing::OutgoingFile,
    recipe::Recipe,
    settle::{Comparison, Expected},
};
use crate::{
    error::{Error, Result, TakenReason},
    wire::{
        file_name::{are_one, folded},
        messages::DatasetFile,
        places::Places,
    },
};

/// Returns the files of `feed` that the dataset lacks, and marks the others as skipped in
/// `tracker`. Known files are compared before anything is sent, the others as they arrive.
///
/// # Errors
/// [`Error::NamesTaken`] if the dataset has names of the upload, but not from an earlier run;
/// errors of a file whose content is compared. For files that arrive later, the stream of files has
/// the error.
pub(super) async fn missing(
    dataset: &Dataset,
    feed: Feed,
    tracker: &Arc<Tracker>,
) -> Result<Feed, UploadError> {
    let Feed { mut known, coming } = feed;
    let there = among_known(dataset, &known, tracker).await?;
    tracker.noted(note(&there));
    there.positions.iter().for_each(|&position| tracker.skipped(position));
    known.retain(|file| !there.contains(file.position));
    let coming = match (coming, dataset.order) {
        (None, _) => None,
        (Some(coming), Order::Planned) => Some(behind_the_prefix(dataset, coming, tracker).await?),
        (Some(coming), Order::Any) => Some(each_missing(dataset, coming, Arc::clone(tracker))),
    };
    Ok(Feed { known, coming })
}

/// Returns which of `files` the dataset has.
///
/// # Errors
/// The errors of [`missing`].
pub(super) async fn among_known(
    dataset: &Dataset,
    files: &[Recipe],
    tracker: &Arc<Tracker>,
) -> Result<AlreadyThere> {
    let identities = identities(&dataset.listing, files, tracker).await?;
    let plan: Vec<_> =
        files.iter().zip(identities).map(|(file, identity)| file.expected(identity)).collect();
    let resume = match dataset.order {
        Order::Planned => already_there::resume,
        Order::Any => already_there::resume_unordered,
    };
    resume(&dataset.listing, &plan)
        .map_err(|conflict| dataset.has_taken(conflict.names, conflict.reason))
}

/// The name of the first file shows where the earlier run began. The number of files is not known.
async fn behind_the_prefix(
    dataset: &Dataset,
    mut coming: Coming,
    tracker: &Tracker,
) -> Result<Coming, UploadError> {
    let listing = &dataset.listing;
    let first = coming.peek().await.map(|first| first.name.clone());
    let is_first = |listed: &DatasetFile| {
        first.as_deref().is_some_and(|first| are_one(&listed.file_name, first))
    };
    let begin = listing.iter().position(is_first).unwrap_or(listing.len());
    let mut there = AlreadyThere::default();
    for listed in &listing[begin..] {
        // The dataset has the complete upload, followed by other files.
        let Some(file) = coming.next().await.transpose()? else { break };
        let comparison = Expected::from(&file).compare(listed);
        if matches!(comparison, Comparison::OtherName | Comparison::OtherContent) {
            return Err(does_not_continue(dataset, &file, listed).into());
        }
        skip(&file, comparison, &mut there, tracker);
    }
    tracker.noted(note(&there));
    Ok(without_taken(dataset, coming))
}

/// Adds an error at the first file whose name the dataset has.
fn without_taken(dataset: &Dataset, coming: Coming) -> Coming {
    let names = dataset.listing.iter().map(|listed| folded(&listed.file_name));
    let (names, id): (HashSet<_>, _) = (names.collect(), dataset.id.clone());
    Coming::of(coming.into_stream().map(move |file| match file {
        Ok(file) if names.contains(&folded(&file.name)) => {
            Err(names_taken(&id, vec![file.name], TakenReason::OtherPlace).into())
        }
        file => file,
    }))
}

/// Compares each file as it arrives: there may be endlessly many, and they take up disk space.
fn each_missing(dataset: &Dataset, coming: Coming, tracker: Arc<Tracker>) -> Coming {
    let (listing, id) = (dataset.listing.clone(), dataset.id.clone());
    let places = Places::of_all(&listing);
    let at_end = Arc::clone(&tracker);
    let looked_at = coming.into_stream().map(Some).chain(stream::iter([None]));
    let missing = looked_at.scan(AlreadyThere::default(), move |there, file| {
        let file = match file {
            // All files were compared.
            None => {
                at_end.noted(note(there));
                return ready(None);
            }
            Some(Ok(file)) => file,
            error => return ready(Some(error)),
        };
        let listed = places.get(&file.name).map(|place| &listing[place]);
        let comparison = listed.map(|listed| Expected::from(&file).compare(listed));
        ready(Some(match comparison {
            None | Some(Comparison::OtherName) => Some(Ok(file)),
            Some(Comparison::OtherContent) => {
                Some(Err(names_taken(&id, vec![file.name], TakenReason::OtherContent).into()))
            }
            Some(comparison) => {
                skip(&file, comparison, there, &tracker);
                None
            }
        }))
    });
    Coming::of(missing.filter_map(ready))
}

fn skip(file: &OutgoingFile, comparison: Comparison, there: &mut AlreadyThere, tracker: &Tracker) {
    tracker.made(file);
    tracker.skipped(file.position);
    there.add(file.position, comparison);
}

/// A note for the caller about files that were not compared by content.
fn note(there: &AlreadyThere) -> Option<String> {
    let (files, was) = match there.not_compared {
        0 => return None,
        1 => ("1 file".to_owned(), "was"),
        count => (format!("{count} files"), "were"),
    };
    Some(format!(
        "{files} of {} already there {was} recognised only by name, size and number of rows: \
         this server reports no hashes, and this machine has no record of sending them",
        there.positions.len()
    ))
}

fn does_not_continue(dataset: &Dataset, file: &OutgoingFile, listed: &DatasetFile) -> Error {
    let name = &file.name;
    if are_one(&listed.file_name, name) {
        return dataset.has_taken(vec![name.clone()], TakenReason::OtherContent);
    }
    let found = listed.file_name.clone();
    let reason = TakenReason::OtherFile { found: found.clone(), expected: name.clone() };
    dataset.has_taken(vec![found], reason)
}

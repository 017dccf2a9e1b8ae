//! Reads the contents of planned files whose names the dataset already has.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt, stream};

use super::{
    ledger::Tracker,
    recipe::{Identity, Recipe},
};
use crate::{
    background::in_background,
    config::CHECK_THREADS,
    error::{Error, Result},
    wire::{digest::HashKind, messages::DatasetFile, places::Places},
};

/// Sets its flag when the caller stops waiting.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Returns the identity of each file. A file's content is read only if the listing has a hash for
/// its name. A file that the upload rewrites is rewritten to compute its hash; rewriting gives the
/// same bytes each time.
///
/// # Errors
/// [`Error::File`], [`Error::FileChanged`] and [`Error::Rewrite`] of a file that is read.
pub(super) async fn identities(
    listing: &[DatasetFile],
    files: &[Recipe],
    tracker: &Arc<Tracker>,
) -> Result<Vec<Identity>> {
    let mut identities: Vec<_> = files.iter().map(Recipe::identity).collect();
    let names = files.iter().map(|file| file.name.as_str());
    let places = Places::of(names, listing);
    let hash_to_read = |file: &Recipe, identity: Identity| {
        let listed = &listing[places.get(&file.name)?];
        file.expected(identity).hash_to_compare(listed).filter(|_| !file.is_released())
    };
    let wanted: Vec<_> = files
        .iter()
        .enumerate()
        .filter_map(|(index, file)| {
            Some((index, file.clone(), hash_to_read(file, identities[index])?))
        })
        .collect();
    if wanted.is_empty() {
        return Ok(identities);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let _stop_on_drop = StopOnDrop(Arc::clone(&stop));
    tracker.comparing(wanted.iter().map(|(_, file, _)| file.source_bytes()).sum());
    let read_one = |(index, file, kind): (usize, Recipe, HashKind)| {
        let (stop, counter) = (Arc::clone(&stop), Arc::clone(tracker));
        in_background(move || {
            let read = |bytes: usize| {
                counter.compared(bytes as u64);
                let is_given_up = stop.load(Ordering::Relaxed);
                if is_given_up { Err(Error::Internal("given up".to_owned())) } else { Ok(()) }
            };
            Ok((index, read_content(file, kind, read)?))
        })
    };
    let mut read = stream::iter(wanted).map(read_one).buffer_unordered(CHECK_THREADS);
    while let Some(outcome) = read.next().await {
        let (index, identity) = outcome?;
        identities[index] = identity;
    }
    tracker.comparison_is_over();
    Ok(identities)
}

fn read_content(
    recipe: Recipe,
    kind: HashKind,
    mut read: impl FnMut(usize) -> Result<()>,
) -> Result<Identity> {
    if !recipe.changes.is_empty() {
        // Rewriting reads the file, and hashes the result.
        read(usize::try_from(recipe.source_bytes()).unwrap_or(usize::MAX))?;
    }
    let Some(content) = recipe.make()?.content else { return Ok(Identity::default()) };
    content.read_hash(kind, read)?;
    Ok(Identity::of(&content))
}

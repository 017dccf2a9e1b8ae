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
    wire::{messages::DatasetFile, places::Places},
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
    let is_to_be_read = |(file, identity): (&Recipe, &Identity)| {
        identity.hash.is_none()
            && !file.is_released()
            && places.get(&file.name).is_some_and(|place| {
                let listed = &listing[place];
                listed.sha256.is_some() && file.expected(*identity).is(listed)
            })
    };
    let wanted: Vec<_> = (0..files.len())
        .filter(|&index| is_to_be_read((&files[index], &identities[index])))
        .map(|index| (index, files[index].clone()))
        .collect();
    if wanted.is_empty() {
        return Ok(identities);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let _stop_on_drop = StopOnDrop(Arc::clone(&stop));
    tracker.comparing(wanted.iter().map(|(_, file)| file.source_bytes()).sum());
    let read_one = |(index, file): (usize, Recipe)| {
        let (stop, counter) = (Arc::clone(&stop), Arc::clone(tracker));
        in_background(move || {
            let read = |bytes: usize| {
                counter.compared(bytes as u64);
                let is_given_up = stop.load(Ordering::Relaxed);
                if is_given_up { Err(Error::Internal("given up".to_owned())) } else { Ok(()) }
            };
            Ok((index, read_content(file, read)?))
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

fn read_content(recipe: Recipe, mut read: impl FnMut(usize) -> Result<()>) -> Result<Identity> {
    if !recipe.changes.is_empty() {
        // Rewriting reads the file, and hashes the result.
        read(usize::try_from(recipe.source_bytes()).unwrap_or(usize::MAX))?;
    }
    let Some(content) = recipe.make()?.content else { return Ok(Identity::default()) };
    content.read_hash(read)?;
    Ok(Identity::of(&content))
}

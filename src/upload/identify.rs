//! The contents of those files of a plan whose names the dataset holds already.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt, stream};

use super::{files::CheckedFile, progress::Tracker, rewrite::Rewrite, settle::Expected};
use crate::{
    background::in_background,
    config::CHECK_THREADS,
    error::{Error, Result},
    wire::{digest::Sha256Digest, messages::DatasetFile, places::Places},
};

/// What a file would be in the dataset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity {
    /// Its size; `None` for a file that is rewritten on the way, and was not yet.
    pub(super) size_bytes: Option<u64>,
    /// Its hash, where it is known.
    pub(super) hash: Option<Sha256Digest>,
}

/// Sets its flag when whoever waits is gone.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The identity of each file. Contents are read only where the listing tells the hash of a file
/// of that name. A file that is rewritten on the way is rewritten for it, which gives the same
/// bytes each time.
///
/// # Errors
/// [`Error::File`], [`Error::FileChanged`] and [`Error::Rewrite`] of a file that is read.
pub(super) async fn identities(
    listing: &[DatasetFile],
    files: &[CheckedFile],
    rewrite: &Rewrite,
    tracker: &Arc<Tracker>,
) -> Result<Vec<Identity>> {
    let mut identities: Vec<_> = files.iter().map(|file| before_reading(file, rewrite)).collect();
    let names = files.iter().map(|file| file.planned.name.as_str());
    let places = Places::of(names, listing);
    let is_to_be_read = |(file, identity): (&CheckedFile, &Identity)| {
        identity.hash.is_none()
            && !file.planned.content.is_released()
            && places.get(&file.planned.name).is_some_and(|place| {
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
    tracker.comparing(wanted.iter().map(|(_, file)| file.planned.content.size()).sum());
    let read_one = |(index, file): (usize, CheckedFile)| {
        let (stop, rewrite, counter) = (Arc::clone(&stop), rewrite.clone(), Arc::clone(tracker));
        in_background(move || {
            let read = |bytes: usize| {
                counter.compared(bytes as u64);
                let is_given_up = stop.load(Ordering::Relaxed);
                if is_given_up { Err(Error::Internal("given up".to_owned())) } else { Ok(()) }
            };
            Ok((index, read_content(&file, &rewrite, read)?))
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

fn before_reading(file: &CheckedFile, rewrite: &Rewrite) -> Identity {
    if rewrite.changes(&file.footer).is_empty() {
        let content = &file.planned.content;
        Identity { size_bytes: Some(content.size()), hash: content.known_hash() }
    } else {
        Identity::default()
    }
}

fn read_content(
    file: &CheckedFile,
    rewrite: &Rewrite,
    mut read: impl FnMut(usize) -> Result<()>,
) -> Result<Identity> {
    if rewrite.changes(&file.footer).is_empty() {
        let content = &file.planned.content;
        let hash = content.read_hash(read)?;
        return Ok(Identity { size_bytes: Some(content.size()), hash: Some(hash) });
    }
    read(usize::try_from(file.planned.content.size()).unwrap_or(usize::MAX))?;
    let content = rewrite.file(file.clone())?.planned.content;
    Ok(Identity { size_bytes: Some(content.size()), hash: content.known_hash() })
}

impl CheckedFile {
    /// As it should stand in a listing.
    pub(super) fn expected(&self, identity: Identity) -> Expected<'_> {
        let Identity { size_bytes, hash } = identity;
        Expected { name: &self.planned.name, size_bytes, row_count: self.footer.row_count, hash }
    }
}

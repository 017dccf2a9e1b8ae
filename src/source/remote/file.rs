//! Objects that were listed or named, and pinned ones.

use std::{ops::Range, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;

use super::{
    error::{Body, ReadError},
    identity::Identity,
    store::Store,
    wait::wait,
};
use crate::{
    error::{Error, Result},
    location::Location,
};

/// Number of objects that are checked at the same time.
pub(in crate::source) const LOOKS_AT_ONCE: usize = 32;

/// An object of a store, or a file on the web. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RemoteObject {
    pub(super) store: Store,
    /// Its URL without secrets.
    pub(super) url: Arc<str>,
    /// The state that a listing shows.
    pub(super) identity: Option<Identity>,
    pub(super) runtime: Handle,
}

impl RemoteObject {
    /// Its URL, for messages.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its size as a listing shows it.
    pub(crate) fn size(&self) -> Option<u64> {
        self.identity.as_ref().map(|identity| identity.size)
    }

    pub(crate) fn location(&self) -> Location {
        Location::Url(Arc::clone(&self.url))
    }

    /// Pins it in the state that was listed, or else in its present state. May block.
    ///
    /// # Errors
    /// [`Error::File`] if there is no such object, or if it cannot be read.
    pub(in crate::source) fn pin(&self) -> Result<RemoteFile> {
        let identity = if let Some(identity) = &self.identity {
            identity.clone()
        } else {
            let store = self.store.clone();
            let look = async move { store.look().await };
            wait(&self.runtime, look)?.map_err(|error| error.of(&self.location()))?
        };
        let (store, location) = (self.store.clone(), self.location());
        Ok(RemoteFile { store, location, identity, runtime: self.runtime.clone() })
    }
}

impl PartialEq for RemoteObject {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url && self.identity == other.identity
    }
}

impl Eq for RemoteObject {}

/// An object in the state in which it was pinned.
#[derive(Debug)]
pub(in crate::source) struct RemoteFile {
    store: Store,
    location: Location,
    identity: Identity,
    runtime: Handle,
}

impl RemoteFile {
    pub(in crate::source) fn size(&self) -> u64 {
        self.identity.size
    }

    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(in crate::source) fn is_same(&self, other: &Self) -> bool {
        self.location == other.location && self.identity == other.identity
    }

    /// Reads a range if the object is still the one that was pinned.
    pub(super) async fn get(&self, range: Range<u64>) -> Result<Body, ReadError> {
        self.store.get(range, &self.identity).await
    }

    /// Checks that objects are still those that were pinned. May block.
    pub(in crate::source) fn verify(files: Vec<Arc<Self>>) -> Result<()> {
        let Some(runtime) = files.first().map(|file| file.runtime.clone()) else { return Ok(()) };
        let looks = stream::iter(files).map(|file| async move { file.look().await });
        wait(&runtime, looks.buffered(LOOKS_AT_ONCE).try_collect())?
    }

    /// Checks that the object is still the one that was pinned.
    pub(in crate::source) async fn look(&self) -> Result<()> {
        let looked = self.store.look().await;
        let now = looked.map_err(|error| error.while_reading(&self.location))?;
        self.identity.change(&now).map_or(Ok(()), |change| Err(self.changed(change)))
    }

    pub(super) fn changed(&self, change: &'static str) -> Error {
        ReadError::Changed(change).of(&self.location)
    }
}

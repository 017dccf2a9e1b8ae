//! Reads objects and files on the web alike.

use std::{fmt, ops::Range, sync::Arc};

use futures_util::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetRange, ObjectStore, list::PaginatedListStore, path::Path};

use super::{
    error::{Body, ReadError},
    identity::Identity,
    wait::Attempts,
    web::WebFile,
};
use crate::object_stores::words;

/// A store of objects that lists pages of keys, by any prefix.
pub(super) trait ListedStore: ObjectStore + PaginatedListStore {}

impl<T: ObjectStore + PaginatedListStore> ListedStore for T {}

/// Where the bytes of one object are.
#[derive(Clone)]
pub(super) enum Store {
    Object(Arc<dyn ObjectStore>, Path),
    Web(Arc<WebFile>),
}

impl Store {
    /// The present state of the object.
    pub(super) async fn look(&self) -> Result<Identity, ReadError> {
        let mut attempts = Attempts::default();
        loop {
            let looked = match self {
                Self::Object(store, path) => look(&**store, path).await,
                Self::Web(file) => file.look().await,
            };
            match looked {
                Ok(identity) => return Ok(identity),
                Err(error) => attempts.pause_after(error).await?,
            }
        }
    }

    /// Reads a range of the pinned object. The body may break.
    pub(super) async fn get(
        &self,
        range: Range<u64>,
        pinned: &Identity,
    ) -> Result<Body, ReadError> {
        match self {
            Self::Object(store, path) => get(&**store, path, range, pinned).await,
            Self::Web(file) => file.get(range, pinned).await,
        }
    }
}

async fn look(store: &dyn ObjectStore, path: &Path) -> Result<Identity, ReadError> {
    let options = GetOptions { head: true, ..GetOptions::default() };
    let found = store.get_opts(path, options).await;
    Ok(Identity::from(&found.map_err(|error| ReadError::of_store(&error))?.meta))
}

async fn get(
    store: &dyn ObjectStore,
    path: &Path,
    range: Range<u64>,
    pinned: &Identity,
) -> Result<Body, ReadError> {
    let options = GetOptions {
        if_match: pinned.if_match(),
        range: Some(GetRange::Bounded(range)),
        ..GetOptions::default()
    };
    let found = store.get_opts(path, options).await;
    let found = found.map_err(|error| ReadError::of_store(&error))?;
    match pinned.change(&Identity::from(&found.meta)) {
        Some(change) => Err(ReadError::Changed(change)),
        None => Ok(found.into_stream().map_err(|error| ReadError::Broken(words(&error))).boxed()),
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(_, path) => write!(f, "Object({path})"),
            Self::Web(_) => f.write_str("Web"),
        }
    }
}

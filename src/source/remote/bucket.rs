//! A bucket, and the objects that it lists.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, path::Path};
use tokio::runtime::Handle;

use super::{
    error::ReadError,
    file::RemoteObject,
    identity::Identity,
    store::{ListedStore, Store},
    wait::wait,
};
use crate::{
    error::{Error, Result},
    location::Location,
};

/// Requests at the same time.
const LOOKS_AT_ONCE: usize = 32;

/// A bucket. Its calls block.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    store: Arc<dyn ListedStore>,
    /// `s3://BUCKET`.
    url: String,
    pub(super) runtime: Handle,
}

/// What is directly in a folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Keys and objects.
    pub(crate) objects: Vec<(String, RemoteObject)>,
    /// Keys of folders, without a slash at their end.
    pub(crate) folders: Vec<String>,
}

impl Bucket {
    pub(super) fn new(store: Arc<dyn ListedStore>, url: String, runtime: Handle) -> Self {
        Self { store, url, runtime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An object whose key is known, in whatever state it is.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the key cannot be used.
    pub(crate) fn object(&self, key: &str) -> Result<RemoteObject> {
        let url = format!("{}/{key}", self.url);
        let path = Path::parse(key)
            .map_err(|error| Error::configuration(format!("{url} cannot be read: {error}")))?;
        Ok(RemoteObject {
            store: Store::Object(self.store(), path),
            url: url.into(),
            identity: None,
            runtime: self.runtime.clone(),
        })
    }

    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        self.listed_store()
    }

    pub(super) fn listed_store(&self) -> Arc<dyn ListedStore> {
        Arc::clone(&self.store)
    }

    /// Lists what is directly in a folder.
    ///
    /// # Errors
    /// [`Error::File`] if the store refuses or does not respond.
    pub(crate) fn folder(&self, folder: &str) -> Result<Listing> {
        let (store, path) = (self.store(), self.path(folder)?);
        let list = async move { store.list_with_delimiter(Some(&path)).await };
        let listed = wait(&self.runtime, list)?.map_err(|error| self.failed(folder, &error))?;
        let folders = listed.common_prefixes.into_iter().map(String::from).collect();
        let objects = listed.objects.into_iter().map(|meta| self.listed(meta)).collect();
        Ok(Listing { objects, folders })
    }

    /// Lists everything below a folder.
    ///
    /// # Errors
    /// As [`Bucket::folder`].
    pub(crate) fn tree(&self, folder: &str) -> Result<Vec<(String, RemoteObject)>> {
        let (store, path) = (self.store(), self.path(folder)?);
        let list = async move { store.list(Some(&path)).try_collect::<Vec<_>>().await };
        let listed = wait(&self.runtime, list)?.map_err(|error| self.failed(folder, &error))?;
        Ok(listed.into_iter().map(|meta| self.listed(meta)).collect())
    }

    /// The objects with these keys, as far as they can be read.
    ///
    /// # Errors
    /// [`Error::Configuration`] if a key cannot be used.
    pub(crate) fn look_up(&self, keys: &[&str]) -> Result<Vec<Option<RemoteObject>>> {
        let objects: Vec<_> = keys.iter().map(|key| self.object(key)).collect::<Result<_>>()?;
        let look = |object: RemoteObject| async move {
            let identity = object.store.look().await.ok()?;
            Some(RemoteObject { identity: Some(identity), ..object })
        };
        let looks = stream::iter(objects).map(look).buffered(LOOKS_AT_ONCE);
        wait(&self.runtime, looks.collect::<Vec<_>>())
    }

    pub(super) fn path(&self, folder: &str) -> Result<Path> {
        Path::parse(folder).map_err(|error| {
            Error::configuration(format!("{}/{folder} is no valid URL: {error}", self.url))
        })
    }

    pub(super) fn listed(&self, meta: ObjectMeta) -> (String, RemoteObject) {
        let identity = Some(Identity::from(&meta));
        let key = String::from(meta.location.clone());
        let object = RemoteObject {
            store: Store::Object(self.store(), meta.location),
            url: format!("{}/{key}", self.url).into(),
            identity,
            runtime: self.runtime.clone(),
        };
        (key, object)
    }

    pub(super) fn failed(&self, folder: &str, error: &object_store::Error) -> Error {
        let location = Location::Url(format!("{}/{folder}", self.url).into());
        ReadError::of_store(error).of(&location)
    }
}

//! A bucket, and the objects that it lists.

use std::{fmt, sync::Arc};

use futures_util::{StreamExt, stream};
use object_store::{ObjectStore, path::Path};
use tokio::runtime::Handle;

use super::{
    contents::Contents,
    error::ReadError,
    file::{LOOKS_AT_ONCE, RemoteObject},
    files::Files,
    identity::Identity,
    url::BucketName,
    wait::wait,
};
use crate::{
    error::{Error, Result},
    location::Location,
};

/// A bucket, or a repository of the Hugging Face hub. Its calls block. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bucket {
    files: Files,
    /// `s3://BUCKET`.
    url: Arc<str>,
    /// The store's name for it: "bucket", "container", …
    kind: &'static str,
    pub(super) runtime: Handle,
}

/// The direct contents of a folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Keys and objects.
    pub(crate) objects: Vec<(String, RemoteObject)>,
    /// Keys of folders, without a slash at their end.
    pub(crate) folders: Vec<String>,
}

impl Bucket {
    pub(super) fn new(files: Files, name: &BucketName, runtime: Handle) -> Self {
        Self { files, url: name.to_string().into(), kind: name.scheme.bucket(), runtime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An object with this key, in any state.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the key cannot be used.
    pub(crate) fn object(&self, key: &str) -> Result<RemoteObject> {
        self.at(self.path(key)?, None)
    }

    /// # Errors
    /// [`Error::Configuration`] if files cannot be written to it.
    pub(super) fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        match &self.files {
            Files::Store(store) => Ok(Arc::clone(store) as _),
            Files::Hub(_) => {
                let url = &self.url;
                Err(Error::configuration(format!("files cannot be written to {url}")))
            }
        }
    }

    /// Lists what is directly in a folder.
    ///
    /// # Errors
    /// [`Error::File`] if the store rejects the request or does not respond.
    pub(crate) fn folder(&self, folder: &str) -> Result<Listing> {
        self.with_prefix(&self.start_of(folder)?, false)
    }

    /// Lists everything below a folder.
    ///
    /// # Errors
    /// As [`Bucket::folder`].
    pub(crate) fn tree(&self, folder: &str) -> Result<Vec<(String, RemoteObject)>> {
        Ok(self.with_prefix(&self.start_of(folder)?, true)?.objects)
    }

    /// Lists the keys that start with `prefix`: all of them, or those in its folder and the folders
    /// in it.
    ///
    /// # Errors
    /// As [`Bucket::folder`].
    pub(crate) fn with_prefix(&self, prefix: &str, is_recursive: bool) -> Result<Listing> {
        let (files, start) = (self.files.clone(), prefix.to_owned());
        let listed = wait(&self.runtime, async move { files.list(&start, is_recursive).await })?;
        let shown = prefix.trim_end_matches('/');
        let Contents { files, folders } = listed.map_err(|error| self.failed_at(shown, error))?;
        Ok(Listing { objects: self.objects(files)?, folders })
    }

    /// How the keys in a folder start.
    fn start_of(&self, folder: &str) -> Result<String> {
        let path = self.path(folder)?;
        Ok(if path.as_ref().is_empty() { String::new() } else { format!("{path}/") })
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

    /// For each folder, whether anything is in it. A store that does not allow to list has none.
    pub(crate) fn have_entries(&self, folders: &[String]) -> Result<Vec<bool>> {
        let paths: Vec<_> =
            folders.iter().map(|folder| self.path(folder)).collect::<Result<_>>()?;
        let files = self.files.clone();
        wait(&self.runtime, async move { files.have_entries(paths).await })
    }

    pub(super) fn path(&self, key: &str) -> Result<Path> {
        Path::parse(key).map_err(|error| {
            Error::configuration(format!("{}/{key} is no valid URL: {error}", self.url))
        })
    }

    fn objects(&self, files: Vec<(Path, Identity)>) -> Result<Vec<(String, RemoteObject)>> {
        let object = |(path, identity): (Path, Identity)| {
            Ok((path.to_string(), self.at(path, Some(identity))?))
        };
        files.into_iter().map(object).collect()
    }

    pub(super) fn at(&self, path: Path, identity: Option<Identity>) -> Result<RemoteObject> {
        let url = format!("{}/{path}", self.url).into();
        let store = self.files.at(path)?;
        Ok(RemoteObject { store, url, identity, runtime: self.runtime.clone() })
    }

    pub(super) fn failed(&self, key: &str, error: &object_store::Error) -> Error {
        self.failed_at(key, ReadError::of_store(error))
    }

    fn failed_at(&self, key: &str, error: ReadError) -> Error {
        let location = Location::Url(format!("{}/{key}", self.url).into());
        error.in_bucket(self.kind).of(&location)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The store may hold secrets.
        write!(f, "Bucket({})", self.url)
    }
}

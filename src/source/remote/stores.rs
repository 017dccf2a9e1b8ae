//! The stores of an upload, each opened once.

use std::sync::Arc;

use reqwest::Client;
use tokio::runtime::Handle;

use super::{
    azure,
    bucket::Bucket,
    file::RemoteObject,
    files::Files,
    google,
    hub::{self, Repository},
    options::StorageOptions,
    s3,
    store::Store,
    url::{BucketName, Scheme},
    wait::wait,
    web::{self, WebFile},
};
use crate::{
    error::{Error, Result},
    location::Location,
};

/// Opens stores with the options of a call.
pub(crate) struct Stores {
    options: StorageOptions,
    buckets: Vec<(BucketName, Bucket)>,
    /// For servers elsewhere, and for those on this machine.
    web: [Option<Client>; 2],
}

impl Stores {
    pub(crate) fn new(options: StorageOptions) -> Self {
        Self { options, buckets: Vec::new(), web: [None, None] }
    }

    /// A bucket. May block.
    ///
    /// # Errors
    /// [`Error::Configuration`] if it cannot be opened with these options; [`Error::File`] if there
    /// is no such repository.
    pub(crate) fn bucket(&mut self, name: &BucketName) -> Result<Bucket> {
        if let Some((_, bucket)) = self.buckets.iter().find(|(known, _)| known == name) {
            return Ok(bucket.clone());
        }
        let options = &self.options;
        let files = match name.scheme {
            Scheme::S3 => Files::Store(s3::open(name, options)?),
            Scheme::Google => Files::Store(google::open(name, options)?),
            Scheme::Azure => Files::Store(azure::open(name, options)?),
            Scheme::Hub => Files::Hub(Arc::new(self.repository(name)?)),
        };
        let bucket = Bucket::new(files, name, runtime()?);
        self.buckets.push((name.clone(), bucket.clone()));
        Ok(bucket)
    }

    /// A file on the web.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the URL cannot be used.
    pub(crate) fn web(&mut self, url: &str) -> Result<RemoteObject> {
        let file = WebFile::new(self.client(url)?, url, None)?;
        Ok(RemoteObject {
            store: Store::Web(Arc::new(file)),
            url: web::without_query(url).into(),
            identity: None,
            runtime: runtime()?,
        })
    }

    fn repository(&mut self, name: &BucketName) -> Result<Repository> {
        let (endpoint, token) = (hub::endpoint()?, hub::token(name, &self.options)?);
        let client = self.client(endpoint.as_str())?;
        let opened = Repository::open(client, endpoint, name.name.clone(), token);
        let location = || Location::Url(name.to_string().into());
        wait(&runtime()?, opened)?
            .map_err(|error| error.in_bucket(name.scheme.bucket()).of(&location()))
    }

    fn client(&mut self, url: &str) -> Result<Client> {
        let is_here = web::is_on_this_machine(url);
        let kept = &mut self.web[usize::from(is_here)];
        Ok(match kept {
            Some(client) => client.clone(),
            None => kept.insert(web::client(is_here)?).clone(),
        })
    }
}

fn runtime() -> Result<Handle> {
    Handle::try_current()
        .map_err(|_| Error::Internal("remote files are read outside of a runtime".to_owned()))
}

//! The stores of an upload, each opened once.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{
    bucket::Bucket,
    file::RemoteObject,
    options::StorageOptions,
    s3,
    store::{ListedStore, Store},
    web::{self, WebFile},
};
use crate::error::{Error, Result};

/// Opens stores with the options of a call.
#[derive(Debug)]
pub(crate) struct Stores {
    options: StorageOptions,
    buckets: Vec<(String, Arc<dyn ListedStore>)>,
    /// For servers elsewhere, and for those on this machine.
    web: [Option<reqwest::Client>; 2],
}

impl Stores {
    pub(crate) fn new(options: StorageOptions) -> Self {
        Self { options, buckets: Vec::new(), web: [None, None] }
    }

    /// A bucket of S3. May block.
    ///
    /// # Errors
    /// [`Error::Configuration`] if it cannot be opened with these options.
    pub(crate) fn s3(&mut self, bucket: &str) -> Result<Bucket> {
        let known = self.buckets.iter().find(|(known, _)| known == bucket);
        let store = if let Some((_, store)) = known {
            Arc::clone(store)
        } else {
            let store = s3::open(bucket, &self.options)?;
            self.buckets.push((bucket.to_owned(), Arc::clone(&store)));
            store
        };
        Ok(Bucket::new(store, format!("s3://{bucket}"), runtime()?))
    }

    /// A file on the web.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the URL cannot be used.
    pub(crate) fn web(&mut self, url: &str) -> Result<RemoteObject> {
        self.web_object(url, web::without_query(url), None)
    }

    /// A file of the Hugging Face hub: `datasets/ORG/REPO@REVISION/PATH`.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the URL names no file.
    pub(crate) fn hub(&mut self, rest: &str) -> Result<RemoteObject> {
        let token = self.options.hub_token();
        self.web_object(&web::of_hub(rest)?, &format!("hf://{rest}"), token)
    }

    fn web_object(
        &mut self,
        url: &str,
        shown: &str,
        token: Option<String>,
    ) -> Result<RemoteObject> {
        let is_here = web::is_on_this_machine(url);
        let kept = &mut self.web[usize::from(is_here)];
        let client = match kept {
            Some(client) => client.clone(),
            None => kept.insert(web::client(is_here)?).clone(),
        };
        Ok(RemoteObject {
            store: Store::Web(Arc::new(WebFile::new(client, url, token)?)),
            url: shown.into(),
            identity: None,
            runtime: runtime()?,
        })
    }
}

fn runtime() -> Result<Handle> {
    Handle::try_current()
        .map_err(|_| Error::Internal("remote files are read outside of a runtime".to_owned()))
}

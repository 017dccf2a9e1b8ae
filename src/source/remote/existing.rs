//! Objects that are there before a download writes to their keys.

use object_store::{Attribute, Attributes, Error as StoreError, GetOptions};

use super::{bucket::Bucket, file::RemoteObject, identity::Identity};
use crate::{error::Result, wire::digest::Sha256Digest};

/// The name under which the SHA-256 of an object is kept in its metadata.
const SHA256: &str = "sha256";
const PARQUET: &str = "application/vnd.apache.parquet";

/// An object that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Existing {
    pub(crate) object: RemoteObject,
    /// From its metadata, which an overwritten object loses.
    pub(crate) sha256: Option<Sha256Digest>,
}

impl Bucket {
    /// Looks for an object.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the store rejects the request or does not respond.
    pub(crate) async fn find(&self, key: &str) -> Result<Option<Existing>> {
        let (store, path) = (self.store()?, self.path(key)?);
        let options = GetOptions { head: true, ..GetOptions::default() };
        match store.get_opts(&path, options).await {
            Ok(found) => {
                let sha256 = found.attributes.get(&Attribute::Metadata(SHA256.into()));
                let sha256 = sha256.and_then(|text| text.parse().ok());
                let identity = Identity::from(&found.meta);
                let object = self.at(found.meta.location, Some(identity))?;
                Ok(Some(Existing { object, sha256 }))
            }
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(key, &error)),
        }
    }

    /// Whether an object of this size is there, and is not the one from before.
    pub(super) async fn was_written(
        &self,
        key: &str,
        size: u64,
        before: Option<&Existing>,
    ) -> bool {
        let found = self.find(key).await.ok().flatten();
        found.is_some_and(|found| found.object.size() == Some(size) && before != Some(&found))
    }
}

/// The attributes that a store keeps with a Parquet file.
pub(super) fn attributes_of(sha256: Option<Sha256Digest>) -> Attributes {
    let mut attributes = Attributes::from_iter([(Attribute::ContentType, PARQUET)]);
    if let Some(sha256) = sha256 {
        attributes.insert(Attribute::Metadata(SHA256.into()), sha256.to_string().into());
    }
    attributes
}

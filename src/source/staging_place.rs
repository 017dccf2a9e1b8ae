//! Files in a bucket, between those who make them and the one who uploads them.

use std::sync::Arc;

use super::{
    content::Content,
    remote::{Bucket, RemoteUrl, StorageOptions, Stores},
};
use crate::{
    background::in_background,
    error::{Error, Result},
};

/// Writes a content to the URL of an object. An object there is replaced.
///
/// # Errors
/// [`Error::Configuration`] if the URL or an option cannot be used, and [`Error::File`] if the
/// store rejects the request or does not respond; nothing is left behind.
pub async fn put_object(content: Content, url: String, options: StorageOptions) -> Result<()> {
    let (bucket, key) = open(url, options).await?;
    let size = content.size();
    let file = Arc::new(in_background(move || content.open()).await?);
    bucket.put(&key, size, Arc::new(move |range| file.read(range))).await
}

/// Deletes all objects below a URL of a bucket.
///
/// # Errors
/// As [`put_object`].
pub async fn delete_objects(url: String, options: StorageOptions) -> Result<()> {
    let (bucket, folder) = open(url, options).await?;
    if folder.is_empty() {
        return Err(Error::Internal(format!("{} has no folder to delete", bucket.url())));
    }
    bucket.delete_tree(&folder).await
}

/// The bucket of a URL, and the key in it.
pub(super) async fn open(url: String, options: StorageOptions) -> Result<(Bucket, String)> {
    in_background(move || {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
        match RemoteUrl::parse(scheme, rest)? {
            Some(RemoteUrl::Bucket { bucket, key }) => {
                Ok((Stores::new(options).bucket(&bucket)?, key))
            }
            _ => Err(Error::configuration(
                "files can be written to buckets only, as s3://BUCKET/KEY",
            )),
        }
    })
    .await
}

//! The port for blobs, on objects.

use std::{ops::Range, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt, ready};

use super::{place::S3Place, store::S3Store, writer::S3Writer};
use crate::{
    error::Result,
    service::storage::{
        blobs::{BlobWriter, Blobs, ByteStream},
        error::StorageError,
    },
};

/// Blobs as objects under a prefix, which any number of instances share.
pub(in super::super) struct S3Blobs(pub(super) Arc<S3Store>);

impl S3Blobs {
    /// Opens a place, and checks that it can be used.
    ///
    /// # Errors
    /// [`crate::Error::Configuration`] says what to change.
    pub(in super::super) async fn open(place: &S3Place) -> Result<Self> {
        Ok(Self(Arc::new(super::open::open(place).await?)))
    }
}

impl Blobs for S3Blobs {
    fn create<'a>(
        &'a self,
        id: &'a str,
        most_bytes: u64,
    ) -> BoxFuture<'a, Result<Box<dyn BlobWriter>, StorageError>> {
        let writer = || Box::new(S3Writer::new(Arc::clone(&self.0), self.0.path(id), most_bytes));
        ready(self.0.health.may_try().map(|()| writer() as Box<dyn BlobWriter>)).boxed()
    }

    fn read<'a>(
        &'a self,
        id: &'a str,
        size: u64,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, StorageError>> {
        self.0.read(self.0.path(id), size, range).boxed()
    }

    fn delete<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        async move { self.0.delete(&self.0.path(id)).await }.boxed()
    }

    fn check_reachable(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        async {
            match self.0.health.check() {
                Ok(()) => Ok(()),
                Err(_) => self.0.look().await,
            }
        }
        .boxed()
    }
}

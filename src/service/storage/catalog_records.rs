//! Records of unfinished uploads in the catalog, for instances that share blobs and for blobs that
//! are in another place than the catalog.

use std::{sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};

use super::{
    catalog::Catalog,
    error::StorageError,
    pending::{Pending, PendingBlob},
    records::ChangeRecords,
};
use crate::service::clock::now;

/// Number of blobs in one batch of ids.
const EXPIRED_AT_A_TIME: i64 = 500;

pub(super) struct CatalogRecords {
    pub(super) catalog: Arc<Catalog>,
    /// Longer than any upload can last. The blob of an upload that lasted longer is deleted after
    /// the same time once more.
    pub(super) expiry: Duration,
}

impl CatalogRecords {
    fn after(&self, time: i64) -> i64 {
        time.saturating_add(i64::try_from(self.expiry.as_micros()).unwrap_or(i64::MAX))
    }

    async fn expire(&self) -> Result<i64, StorageError> {
        let now = now();
        self.catalog
            .change_records(ChangeRecords::Expire { now, delete_at: self.after(now) })
            .await?;
        Ok(now)
    }

    /// The next batch of ids after this one.
    async fn expired_after(&self, now: i64, last: &str) -> Result<Vec<String>, StorageError> {
        self.catalog.expired_records(now, last, EXPIRED_AT_A_TIME).await
    }
}

/// What the stream of expired ids has returned.
struct Returned {
    /// `None` before the first batch.
    now: Option<i64>,
    last: String,
}

impl Pending for CatalogRecords {
    fn begin<'a>(&'a self, blob: &'a PendingBlob<'a>) -> BoxFuture<'a, Result<(), StorageError>> {
        let (file_id, expires_at) = (blob.file_id, self.after(blob.begun_at));
        self.catalog.change_records(ChangeRecords::Begin { file_id, expires_at }).boxed()
    }

    fn expired(&self) -> BoxStream<'_, Result<Vec<String>, StorageError>> {
        let returned = Returned { now: None, last: String::new() };
        stream::try_unfold(returned, async |returned| {
            let now = match returned.now {
                Some(now) => now,
                None => self.expire().await?,
            };
            let ids = self.expired_after(now, &returned.last).await?;
            let last = ids.last().cloned();
            Ok(last.map(|last| (ids, Returned { now: Some(now), last })))
        })
        .boxed()
    }

    fn end<'a>(&'a self, file_id: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        async move { self.end_all(&[file_id]).await }.boxed()
    }

    fn end_all<'a>(&'a self, file_ids: &'a [&'a str]) -> BoxFuture<'a, Result<(), StorageError>> {
        self.catalog.change_records(ChangeRecords::End { file_ids }).boxed()
    }
}

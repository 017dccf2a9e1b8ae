//! Writes and deletes objects.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::Attributes;

use super::{bucket::Bucket, object_writer::ObjectWriter};
use crate::{background::in_background, error::Result};

/// Parts that are sent while the next one is read.
const PARTS_AT_ONCE: usize = 2;

/// Bytes that are read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Reads a range of what is written. May block.
pub(crate) type ReadRange = Arc<dyn Fn(Range<u64>) -> Result<Bytes> + Send + Sync>;

impl Bucket {
    /// Writes an object, which replaces one with the same key. It is durable when this returns, and
    /// there is nothing of it before.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the store rejects the request or does not respond, and those of
    /// `read`.
    pub(crate) async fn put(&self, key: &str, size: u64, read: ReadRange) -> Result<()> {
        let mut writer = self.writer(key, Some(size), Attributes::default(), PARTS_AT_ONCE)?;
        match write_all(&mut writer, size, read).await {
            Ok(()) => writer.finish().await,
            Err(error) => {
                writer.abandon().await;
                Err(error)
            }
        }
    }

    /// Deletes everything below a folder.
    ///
    /// # Errors
    /// As [`Bucket::folder`].
    pub(crate) async fn delete_tree(&self, folder: &str) -> Result<()> {
        let (store, path) = (self.store()?, self.path(folder)?);
        let listed = store.list(Some(&path)).map_ok(|meta| meta.location).boxed();
        let deleted = store.delete_stream(listed).try_for_each(|_| async { Ok(()) }).await;
        match deleted {
            // Another call was faster.
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failed(folder, &error)),
        }
    }
}

async fn write_all(writer: &mut ObjectWriter, size: u64, read: ReadRange) -> Result<()> {
    let mut begin = 0;
    while begin < size {
        let range = begin..size.min(begin.saturating_add(PIECE_BYTES));
        begin = range.end;
        let read = Arc::clone(&read);
        writer.write(in_background(move || read(range)).await?).await?;
    }
    Ok(())
}

//! Downloads files into a bucket: streams them into objects, which exist once they are complete.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;

use super::{http::ApiClient, transfer::Transfer};
use crate::{
    background::in_background,
    error::{Error, Result},
    source::{Content, Existing, OutputPrefix, Source},
    wire::{
        digest::{ContentHash, HashKind},
        messages::DatasetFile,
    },
};

impl ApiClient {
    /// Writes files of a dataset as objects under a prefix, with the rules of a folder.
    ///
    /// # Errors
    /// [`Error::OtherContent`] if objects would be overwritten, [`Error::File`] if the store
    /// rejects the request or does not respond; the errors of every call.
    pub(super) async fn download_to_prefix(
        &self,
        dataset_id: &str,
        files: Vec<DatasetFile>,
        prefix: &OutputPrefix,
        concurrency: usize,
        overwrite: bool,
    ) -> Result<()> {
        let missing = if overwrite {
            files
        } else {
            self.without_objects_there(dataset_id, files, prefix, concurrency).await?
        };
        let work = missing.into_iter().map(|file| async move {
            self.download_object(dataset_id, &file, prefix, overwrite).await
        });
        stream::iter(work).buffered(concurrency.max(1)).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    /// Returns the files without an object.
    ///
    /// # Errors
    /// [`Error::OtherContent`] with all objects that exist with other content.
    async fn without_objects_there(
        &self,
        dataset_id: &str,
        files: Vec<DatasetFile>,
        prefix: &OutputPrefix,
        concurrency: usize,
    ) -> Result<Vec<DatasetFile>> {
        let work = files.into_iter().map(|file| async move {
            let is_same = match prefix.find(&file.file_name).await? {
                Some(found) => Some(self.is_same(dataset_id, &file, found).await?),
                None => None,
            };
            Ok::<_, Error>((file, is_same))
        });
        let judged: Vec<_> = stream::iter(work).buffered(concurrency.max(1)).try_collect().await?;
        let others: Vec<_> = judged
            .iter()
            .filter(|(_, is_same)| *is_same == Some(false))
            .map(|(file, _)| PathBuf::from(prefix.url(&file.file_name)))
            .collect();
        if !others.is_empty() {
            return Err(Error::OtherContent { paths: others });
        }
        let missing = judged.into_iter().filter(|(_, is_same)| is_same.is_none());
        Ok(missing.map(|(file, _)| file).collect())
    }

    /// Compares an object with a file of the dataset: by size, then by hash. Reads the object only
    /// if its metadata has no hash, and the file only if the listing has none.
    async fn is_same(&self, dataset_id: &str, file: &DatasetFile, found: Existing) -> Result<bool> {
        if file.size_bytes.is_some_and(|size| found.object.size() != Some(size)) {
            return Ok(false);
        }
        let there = if let Some(hash) = found.sha256 {
            ContentHash::Sha256(hash)
        } else {
            let pin = move || Source::pin_remote(&found.object).map(Content::from);
            in_background(move || pin()?.read_hash(HashKind::Sha256, |_| Ok(()))).await?
        };
        let expected = match file.sha256 {
            Some(hash) => hash,
            None => self.receive_all(dataset_id, Transfer::to_nowhere(file)).await?.hash(),
        };
        Ok(there == ContentHash::Sha256(expected))
    }

    async fn download_object(
        &self,
        dataset_id: &str,
        file: &DatasetFile,
        prefix: &OutputPrefix,
        overwrite: bool,
    ) -> Result<()> {
        let name = &file.file_name;
        let transfer = Transfer::to_object(file, prefix)?;
        let transfer = self.receive_all(dataset_id, transfer).await?;
        let Some(writer) = transfer.into_writer() else { return Ok(()) };
        // Another process may have written an object meanwhile.
        if !overwrite && prefix.find(name).await?.is_some() {
            writer.abandon().await;
            return Err(Error::OtherContent { paths: vec![prefix.url(name).into()] });
        }
        writer.finish().await
    }

    /// Receives a file to its end. If the connection breaks, the next one continues at the same
    /// byte.
    async fn receive_all<'a>(
        &self,
        dataset_id: &str,
        transfer: Transfer<'a>,
    ) -> Result<Transfer<'a>> {
        let (transfer, received) = (Mutex::new(transfer), AtomicU64::new(0));
        let attempt = || async {
            let mut transfer = transfer.lock().await;
            let ended = self.receive_rest(dataset_id, &mut transfer).await;
            received.fetch_max(transfer.received(), Ordering::Relaxed);
            ended
        };
        let ended = self.retrying_while_advancing(|| received.load(Ordering::Relaxed), attempt);
        let ended = ended.await;
        let transfer = transfer.into_inner();
        match ended {
            Ok(()) => Ok(transfer),
            Err(error) => {
                transfer.abandon().await;
                Err(error)
            }
        }
    }
}

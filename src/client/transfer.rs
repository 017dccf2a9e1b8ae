//! A file that is received in one or several requests.

use bytes::Bytes;
use reqwest::{Response, StatusCode, header};

use super::{
    answer::{Subject, is_temporary},
    http::ApiClient,
};
use crate::{
    content_hash::ContentHasher,
    error::{Error, Result},
    source::{ObjectWriter, OutputPrefix},
    wire::{
        content_range::first_byte,
        digest::Sha256Digest,
        messages::{DatasetFile, DownloadFromDataset},
    },
};

/// A file that is written to an object. It continues where a connection broke.
pub(super) struct Transfer<'a> {
    file: &'a DatasetFile,
    prefix: Option<&'a OutputPrefix>,
    writer: Option<ObjectWriter>,
    /// The hash and the number of the bytes received so far.
    hasher: ContentHasher,
    received: u64,
}

impl<'a> Transfer<'a> {
    /// # Errors
    /// [`Error::Configuration`] if the object cannot have this name.
    pub(super) fn to_object(file: &'a DatasetFile, prefix: &'a OutputPrefix) -> Result<Self> {
        let mut transfer = Self { prefix: Some(prefix), ..Self::to_nowhere(file) };
        transfer.writer = transfer.new_writer()?;
        Ok(transfer)
    }

    /// Only to compute its hash.
    pub(super) fn to_nowhere(file: &'a DatasetFile) -> Self {
        let hasher = ContentHasher::default();
        Self { file, prefix: None, writer: None, hasher, received: 0 }
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn hash(&self) -> Sha256Digest {
        self.hasher.hash()
    }

    pub(super) fn into_writer(self) -> Option<ObjectWriter> {
        self.writer
    }

    pub(super) async fn abandon(self) {
        if let Some(writer) = self.writer {
            writer.abandon().await;
        }
    }

    fn new_writer(&self) -> Result<Option<ObjectWriter>> {
        let DatasetFile { file_name, size_bytes, sha256, .. } = self.file;
        self.prefix.map(|prefix| prefix.writer(file_name, *size_bytes, *sha256)).transpose()
    }

    async fn add(&mut self, bytes: Bytes) -> Result<()> {
        self.hasher.update(&bytes);
        self.received += bytes.len() as u64;
        match &mut self.writer {
            Some(writer) => writer.write(bytes).await,
            None => Ok(()),
        }
    }

    /// Removes what was written, because it is not the file.
    async fn start_again(&mut self) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            writer.abandon().await;
        }
        (self.hasher, self.received) = (ContentHasher::default(), 0);
        self.writer = self.new_writer()?;
        Ok(())
    }
}

/// The bytes at the start of a response that were received before.
struct Repeated {
    left: u64,
    hasher: ContentHasher,
}

impl Repeated {
    fn of(left: u64) -> Self {
        Self { left, hasher: ContentHasher::default() }
    }

    /// Removes them from the next bytes. Returns false if they differ from those before.
    fn is_removed_from(&mut self, chunk: &mut Bytes, before: &Transfer<'_>) -> bool {
        if self.left == 0 {
            return true;
        }
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len());
        self.hasher.update(&chunk.split_to(count));
        self.left -= count as u64;
        self.left > 0 || self.hasher.hash() == before.hash()
    }
}

impl ApiClient {
    /// Receives the rest of a file, all of it in the first request.
    ///
    /// # Errors
    /// Connection and server errors, after which another call continues; those of the store.
    pub(super) async fn receive_rest(
        &self,
        dataset_id: &str,
        transfer: &mut Transfer<'_>,
    ) -> Result<()> {
        let file_name = Some(transfer.file.file_name.clone());
        let subject = Subject { file_name, ..self.subject(Some(dataset_id)) };
        let rest = self.rest_of(&subject, dataset_id, transfer.file, transfer.received);
        let (mut answer, mut repeated) = rest.await?;
        loop {
            let next = async { answer.chunk().await.map_err(|error| subject.broken(&error)) };
            let next = subject.within(self.options().progress_timeout, "sent no bytes", next);
            let Some(mut chunk) = next.await? else { break };
            if !repeated.is_removed_from(&mut chunk, transfer) {
                return self.begin_again(&subject, transfer).await;
            }
            transfer.add(chunk).await?;
        }
        let is_expected = transfer.file.sha256.is_none_or(|hash| hash == transfer.hash());
        if repeated.left == 0 && is_expected {
            return Ok(());
        }
        self.begin_again(&subject, transfer).await
    }

    async fn begin_again(&self, subject: &Subject, transfer: &mut Transfer<'_>) -> Result<()> {
        transfer.start_again().await?;
        Err(Error::Connection {
            host: self.host().to_owned(),
            file_name: subject.file_name.clone(),
            message: "its bytes differ from those sent before, or from its list of files"
                .to_owned(),
        })
    }

    /// A response with the bytes from `begin` on, perhaps after those before.
    async fn rest_of(
        &self,
        subject: &Subject,
        dataset_id: &str,
        file: &DatasetFile,
        begin: u64,
    ) -> Result<(Response, Repeated)> {
        let DatasetFile { file_name, sha256, .. } = file;
        let limit = self.options().answer_timeout;
        if let Some(sha256) = sha256
            && begin > 0
        {
            let request = self.get_file(dataset_id, file_name);
            let request = request
                .header(header::RANGE, format!("bytes={begin}-"))
                .header(header::IF_MATCH, format!("\"{sha256}\""));
            let answer = subject.within(limit, "did not respond", subject.send(request)).await?;
            if answer.status() == StatusCode::PARTIAL_CONTENT
                && first_byte(answer.headers()) == Some(begin)
            {
                return Ok((answer, Repeated::of(0)));
            }
            if is_temporary(answer.status().as_u16()) {
                return Err(subject.error_of(answer).await);
            }
        }
        // Servers without ranges send it from its start.
        let request = self.post("download-from-dataset").json(&DownloadFromDataset {
            dataset_id: dataset_id.to_owned(),
            file_name: file_name.clone(),
        });
        let answer = subject.within(limit, "did not respond", subject.send(request)).await?;
        if answer.status().is_success() {
            return Ok((answer, Repeated::of(begin)));
        }
        Err(subject.error_of(answer).await)
    }
}

//! The list of a dataset's files, parsed while it comes.

use std::{io, sync::Arc};

use tokio::{sync::mpsc, task::spawn_blocking};

use super::{answer::Subject, http::ApiClient, retry::Since};
use crate::{
    error::{Error, Result},
    schema::Schema,
    wire::{
        listing::{InvalidListing, ListingSize, read_listing},
        messages::{DatasetFile, DatasetFileList, ListDatasetFiles},
    },
};

/// Pieces of an answer that wait to be parsed.
const PIECES_WAITING: usize = 4;

impl ApiClient {
    /// The files of a dataset, in the dataset's order.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`], and as for every call.
    pub async fn list_dataset_files(&self, dataset_id: &str) -> Result<Vec<DatasetFile>> {
        let DatasetFileList { mut files, dataset_schema, .. } =
            self.list_dataset(dataset_id).await?;
        // A form of another release is as good as none.
        let schema = dataset_schema.and_then(|text| Schema::from_text(&text).ok());
        if let Some(summary) = schema.map(|schema| Arc::new(schema.summary())) {
            for file in &mut files {
                file.schema.get_or_insert_with(|| Arc::clone(&summary));
            }
        }
        Ok(files)
    }

    /// The files of a dataset, and what the service tells of its schema. Asks for pages without
    /// the schema of each file; a service that does not know them answers with all at once.
    ///
    /// # Errors
    /// As for [`ApiClient::list_dataset_files`].
    pub(crate) async fn list_dataset(&self, dataset_id: &str) -> Result<DatasetFileList> {
        let mut request = ListDatasetFiles::compact(dataset_id);
        let mut list = DatasetFileList::default();
        let mut size = ListingSize::default();
        loop {
            let page = self.retrying(Since::Start, || self.page(&request, size)).await;
            let (page, so_far) = match page {
                // It takes no field that it does not know.
                Err(Error::Refused { status: 400 | 422, .. }) if request.is_first_page() => {
                    request = ListDatasetFiles::of(dataset_id);
                    continue;
                }
                page => page?,
            };
            size = so_far;
            let has_files = !page.files.is_empty();
            let next = list.append(page);
            if next.is_none() {
                return Ok(list);
            }
            if !has_files || next == request.after {
                let message = "a list of files that does not end".to_owned();
                return Err(self.subject(Some(dataset_id)).not_the_api(message));
            }
            request.after = next;
        }
    }

    async fn page(
        &self,
        request: &ListDatasetFiles,
        size: ListingSize,
    ) -> Result<(DatasetFileList, ListingSize)> {
        let subject = self.subject(Some(&request.dataset_id));
        let send = subject.send(self.post("list-dataset-files").json(request));
        let options = self.options();
        let mut answer = subject.within(options.answer_timeout, "did not answer", send).await?;
        if !answer.status().is_success() {
            return Err(subject.error_of(answer).await);
        }
        let (pieces, received) = mpsc::channel(PIECES_WAITING);
        let parsing = spawn_blocking(move || {
            read_listing(Pieces { received, piece: Vec::new(), read: 0 }, size)
        });
        let mut redacted = subject.redacted();
        loop {
            let next = async { answer.chunk().await.map_err(|error| subject.broken(&error)) };
            let next = subject.within(options.progress_timeout, "sent no bytes", next).await?;
            let is_last = next.is_none();
            let piece = match next {
                Some(chunk) => redacted.push(&chunk),
                None => redacted.end(),
            };
            // The parser has given up: it knows why.
            if pieces.send(piece).await.is_err() || is_last {
                break;
            }
        }
        drop(pieces);
        let parsed = parsing.await.map_err(|error| Error::Internal(error.to_string()))?;
        parsed.map_err(|error| subject.no_listing(error)).inspect(|_| subject.has_answered())
    }
}

impl Subject {
    fn no_listing(&self, error: InvalidListing) -> Error {
        match error {
            InvalidListing::Json(_) => {
                self.not_the_api("HTTP 200 without the expected JSON".to_owned())
            }
            InvalidListing::TooLarge(_) => self.not_the_api(error.to_string()),
            // Seen in the field: 200 with {"error"}.
            InvalidListing::Refused(words) => self.refused_with_success(&words),
        }
    }
}

/// The pieces of an answer, for a thread that reads them as a file.
struct Pieces {
    received: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    /// Of `piece`, the bytes that were read.
    read: usize,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            let Some(piece) = self.received.blocking_recv() else { return Ok(0) };
            (self.piece, self.read) = (piece, 0);
        }
        let bytes = (&self.piece[self.read..]).read(buffer)?;
        self.read += bytes;
        Ok(bytes)
    }
}

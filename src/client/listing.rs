//! Lists a dataset's files, and parses the list while it arrives.

use std::{io, sync::Arc};

use tokio::{sync::mpsc, task::spawn_blocking};

use super::{answer::Subject, calls::checked_id, http::ApiClient, retry::Since};
use crate::{
    error::{Error, Result},
    schema::Schema,
    wire::{
        listing::{InvalidListing, ListingSize, read_listing},
        messages::{DatasetFile, DatasetFileList, ListDatasetFiles, SchemaSummary},
    },
};

/// Maximum number of pieces of a response that wait to be parsed.
const PIECES_WAITING: usize = 4;

/// How a listing continues: requests its next page.
#[derive(Clone, Debug)]
pub struct ListingCursor {
    request: ListDatasetFiles,
    size: ListingSize,
    /// The columns of all files, if the server reports them once.
    columns: Option<Arc<SchemaSummary>>,
    /// For the first page. The pages after it are retried like any other call.
    attempts: Attempts,
}

/// How often a failed request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempts {
    Once,
    Retries,
}

impl ListingCursor {
    /// A listing before its first file. Requests pages without the schema of each file; a server
    /// that does not know pages returns everything at once.
    #[must_use]
    pub fn new(dataset_id: &str) -> Self {
        Self::of(ListDatasetFiles::compact(dataset_id))
    }

    fn of(request: ListDatasetFiles) -> Self {
        let size = ListingSize::default();
        Self { request, size, columns: None, attempts: Attempts::Retries }
    }
}

impl ApiClient {
    /// The files of a dataset, in the dataset's order.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`], and the errors of every call.
    pub async fn list_dataset_files(&self, dataset_id: &str) -> Result<Vec<DatasetFile>> {
        Ok(self.list_dataset(dataset_id).await?.files)
    }

    /// The files of a dataset, and what the server reports about its schema.
    ///
    /// # Errors
    /// The errors of [`ApiClient::list_dataset_files`].
    pub(crate) async fn list_dataset(&self, dataset_id: &str) -> Result<DatasetFileList> {
        self.list_from(ListingCursor::new(dataset_id)).await
    }

    /// The first files of a dataset, and what the server reports about its schema.
    ///
    /// # Errors
    /// The errors of [`ApiClient::list_dataset_files`].
    pub(crate) async fn list_beginning(&self, dataset_id: &str) -> Result<DatasetFileList> {
        Ok(self.next_page(&mut ListingCursor::new(dataset_id)).await?.0)
    }

    /// At least the first file of a dataset, and what the server reports about its schema. The
    /// response of this package's server does not grow with the dataset.
    ///
    /// # Errors
    /// The errors of [`ApiClient::list_dataset_files`].
    pub(crate) async fn list_first(&self, dataset_id: &str) -> Result<DatasetFileList> {
        let mut cursor = ListingCursor::of(ListDatasetFiles::first_file(dataset_id));
        Ok(self.next_page(&mut cursor).await?.0)
    }

    /// Like [`ApiClient::list_dataset_files`], but without retries: the caller knows what may be in
    /// the way, and when to try again.
    ///
    /// # Errors
    /// The errors of [`ApiClient::list_dataset_files`].
    pub(crate) async fn try_list_dataset_files(
        &self,
        dataset_id: &str,
    ) -> Result<Vec<DatasetFile>> {
        let cursor = ListingCursor { attempts: Attempts::Once, ..ListingCursor::new(dataset_id) };
        Ok(self.list_from(cursor).await?.files)
    }

    async fn list_from(&self, mut cursor: ListingCursor) -> Result<DatasetFileList> {
        let (mut list, mut has_more) = self.next_page(&mut cursor).await?;
        while has_more {
            let page;
            (page, has_more) = self.next_page(&mut cursor).await?;
            // A growing vector has up to twice the capacity that it needs.
            list.files.reserve_exact(page.files.len().max(list.files.len() / 8));
            list.files.extend(page.files);
        }
        Ok(list)
    }

    /// The next files of a listing, and how it continues.
    ///
    /// # Errors
    /// The errors of [`ApiClient::list_dataset_files`].
    pub async fn list_page(
        &self,
        mut cursor: ListingCursor,
    ) -> Result<(Vec<DatasetFile>, Option<ListingCursor>)> {
        let (page, has_more) = self.next_page(&mut cursor).await?;
        Ok((page.files, has_more.then_some(cursor)))
    }

    /// Advances to the next page; returns whether there is one.
    async fn next_page(&self, cursor: &mut ListingCursor) -> Result<(DatasetFileList, bool)> {
        let ListingCursor { request, size, columns, attempts } = cursor;
        checked_id(&request.dataset_id)?;
        let is_asked_once = *attempts == Attempts::Once && request.is_first_page();
        let ask = async |request: &ListDatasetFiles, size| {
            if is_asked_once {
                return self.page(request, size).await;
            }
            self.retrying(Since::Start, || self.page(request, size)).await
        };
        let (mut page, read) = match ask(request, *size).await {
            // The server rejects fields that it does not know.
            Err(Error::Refused { status: 400 | 422, .. }) if request.is_first_page() => {
                *request = ListDatasetFiles::of(&request.dataset_id);
                ask(request, *size).await?
            }
            page => page?,
        };
        if page.files.iter().any(|file| file.sha256.is_some()) {
            self.has_told_hashes();
        }
        // Ignored if another release wrote it.
        let schema = page.dataset_schema.as_deref().and_then(|text| Schema::from_text(text).ok());
        *columns = schema.map(|schema| Arc::new(schema.summary())).or(columns.take());
        if let Some(columns) = columns {
            for file in &mut page.files {
                file.schema.get_or_insert_with(|| Arc::clone(columns));
            }
        }
        let Some(next) = page.next.take() else { return Ok((page, false)) };
        if page.files.is_empty() || request.after.as_ref() == Some(&next) {
            let message = "a list of files that does not end".to_owned();
            return Err(self.subject(Some(&request.dataset_id)).not_the_api(message));
        }
        (request.after, *size) = (Some(next), read);
        Ok((page, true))
    }

    async fn page(
        &self,
        request: &ListDatasetFiles,
        size: ListingSize,
    ) -> Result<(DatasetFileList, ListingSize)> {
        let subject = self.subject(Some(&request.dataset_id));
        let send = subject.send(self.post("list-dataset-files").json(request));
        let options = self.options();
        let mut answer = subject.within(options.answer_timeout, "did not respond", send).await?;
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
            // The parser has failed, and has the reason.
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

/// The pieces of a response, for a thread that reads them like a file.
struct Pieces {
    received: mpsc::Receiver<Vec<u8>>,
    piece: Vec<u8>,
    /// The number of bytes of `piece` that were read.
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

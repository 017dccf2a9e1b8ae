//! `POST /upload-to-dataset`: the multipart body, streamed to a blob.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::time::timeout;

use super::{
    State,
    admission::admit_name,
    blobs::{BlobWriter, new_file_id},
    body::{Arrival, HeadAllowance, HeadTooLong, IncomingBody, is_timeout},
    common_mistakes,
    in_progress::{Tracked, UploadState},
    keys::Reader,
    refusal::{Refusal, Result},
};
use crate::wire::{digest::Sha256Digest, messages::UploadedFile};

/// More than the fields around a file and their boundaries can have, in bytes.
const MAX_AROUND_FILE: u64 = 64 * 1024;
/// RFC 2046, section 5.1.1.
const MAX_BOUNDARY_BYTES: usize = 70;
/// A body of which nothing came for so long may be held: its client waits with the end until
/// other files are committed.
const QUIET: Duration = Duration::from_millis(10);
/// Longest text field, in bytes.
const MAX_TEXT_BYTES: u64 = 256;

/// A file whose bytes are stored and durable, and which is not part of a dataset yet.
pub(super) struct ReceivedFile {
    pub(super) file_id: String,
    pub(super) file_name: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: Sha256Digest,
}

/// What has come of a request so far.
struct Parts {
    reader: Reader,
    upload: Tracked,
    dataset_id: Option<String>,
    file: Option<ReceivedFile>,
}

impl State {
    /// Receives an upload and makes it a file of its dataset, or leaves nothing of it.
    ///
    /// Not to be cancelled: it cleans up behind a client that hangs up, which it sees as a
    /// body that breaks off.
    pub(super) async fn receive(
        &self,
        reader: Reader,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<UploadedFile> {
        let mut body = IncomingBody::new(body, headers);
        let upload = self.in_progress.begin(reader.clone(), body.declared());
        let mut parts = Parts { reader, upload, dataset_id: None, file: None };
        match self.receive_body(headers, &mut body, &mut parts).await {
            Ok((dataset_id, arrival)) => match parts.file {
                Some(file) => self.admit(&dataset_id, file, arrival).await,
                None => Err(Refusal::bad_request("the field 'file' is missing")),
            },
            Err(refusal) => {
                let is_object_text = refusal.is_bad_request() && body.is_object_text().await;
                body.discard();
                if let Some(file) = parts.file {
                    self.blobs.delete(&file.file_id).await;
                }
                Err(if is_object_text { common_mistakes::object_as_text() } else { refusal })
            }
        }
    }

    /// Receives the whole body; the file is left in `parts`, whatever comes of the rest.
    async fn receive_body(
        &self,
        headers: &HeaderMap,
        body: &mut IncomingBody,
        parts: &mut Parts,
    ) -> Result<(String, Arrival)> {
        self.refuse_when_stopping()?;
        let _slot = self.upload_slots.try_acquire().map_err(|_| Refusal::busy())?;
        let boundary = boundary(headers)?;
        // The fields around a file are shorter than this.
        if body.declared().is_some_and(|bytes| bytes > self.limits.max_file_bytes + MAX_AROUND_FILE)
        {
            return Err(self.file_too_large());
        }
        let head = body.head_allowance();
        let limits = SizeLimit::new().for_field("dataset_id", MAX_TEXT_BYTES);
        let constraints = Constraints::new().size_limit(limits);
        body.expect_end(&boundary);
        let multipart = Multipart::with_constraints(&mut *body, boundary, constraints);
        self.receive_parts(multipart, &head, parts).await?;
        let arrival = body.receive_end().await.ok_or_else(|| {
            Refusal::bad_request("the request does not end with the body's closing boundary")
        })?;
        parts.upload.note(|upload| upload.state = UploadState::Committing);
        self.refuse_when_closed()?;
        let dataset_id = parts.dataset_id.take();
        let dataset_id = dataset_id.ok_or_else(|| common_mistakes::without_dataset_id(headers))?;
        Ok((dataset_id, arrival))
    }

    async fn receive_parts(
        &self,
        mut multipart: Multipart<'_>,
        head: &HeadAllowance,
        parts: &mut Parts,
    ) -> Result<()> {
        loop {
            head.limit();
            let field = multipart.next_field().await.map_err(|error| malformed(&error))?;
            let Some(field) = field else { return Ok(()) };
            head.lift();
            match field.name() {
                Some("dataset_id") if parts.dataset_id.is_none() => {
                    let dataset_id = field.text().await.map_err(|error| malformed(&error))?;
                    self.admit_dataset(&parts.reader, &dataset_id).await?;
                    parts.upload.note(|upload| upload.dataset_id = Some(dataset_id.clone()));
                    parts.dataset_id = Some(dataset_id);
                }
                Some("file") if parts.file.is_none() => {
                    parts.file = Some(self.receive_file(field, parts).await?);
                }
                name => return Err(unexpected(name.unwrap_or("without a name"))),
            }
        }
    }

    async fn receive_file(&self, field: Field<'_>, parts: &Parts) -> Result<ReceivedFile> {
        let file_name = field.file_name().unwrap_or_default().to_owned();
        admit_name(&file_name)?;
        parts.upload.note(|upload| upload.file_name = Some(file_name.clone()));
        if let Some(dataset_id) = &parts.dataset_id {
            self.admit_early(dataset_id, &file_name).await?;
        }
        let file_id = new_file_id();
        let mut blob = self.blobs.create(&file_id).await?;
        if let Err(refusal) = self.store(field, &mut blob, &parts.upload).await {
            blob.abort().await;
            return Err(refusal);
        }
        match blob.finish().await {
            Ok((size_bytes, sha256)) => Ok(ReceivedFile { file_id, file_name, size_bytes, sha256 }),
            Err(refusal) => {
                self.blobs.delete(&file_id).await;
                Err(refusal)
            }
        }
    }

    async fn store(
        &self,
        mut field: Field<'_>,
        blob: &mut BlobWriter,
        upload: &Tracked,
    ) -> Result<()> {
        loop {
            let patience = if blob.is_behind() { QUIET } else { Duration::MAX };
            let Ok(chunk) = timeout(patience, field.chunk()).await else {
                blob.begin_flush().await?;
                continue;
            };
            let Some(chunk) = chunk.map_err(|error| malformed(&error))? else { return Ok(()) };
            blob.write(chunk).await?;
            upload.note(|upload| upload.received_bytes = blob.size());
            if blob.size() > self.limits.max_file_bytes {
                return Err(self.file_too_large());
            }
        }
    }

    fn file_too_large(&self) -> Refusal {
        Refusal::too_large("the file", self.limits.max_file_bytes)
    }
}

fn boundary(headers: &HeaderMap) -> Result<String> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default()).ok();
    boundary.filter(|boundary| boundary.len() <= MAX_BOUNDARY_BYTES).ok_or_else(|| {
        Refusal::bad_request(
            "the body must be multipart/form-data with the fields dataset_id and file, and a \
             boundary of at most 70 characters",
        )
    })
}

fn unexpected(field: &str) -> Refusal {
    let name: String = field.chars().take(40).collect();
    Refusal::bad_request(format!("the field '{name}' is not expected, or comes twice"))
}

fn malformed(error: &multer::Error) -> Refusal {
    let message = match error {
        multer::Error::FieldSizeExceeded { .. } => "the field 'dataset_id' is too long",
        multer::Error::StreamReadFailed(error) if is_timeout(error.as_ref()) => {
            return Refusal::too_slow();
        }
        multer::Error::StreamReadFailed(error) if error.is::<HeadTooLong>() => {
            "the head of a part is too long"
        }
        multer::Error::StreamReadFailed(_)
        | multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => "the body ended before its closing boundary",
        _ => "the body is not valid multipart/form-data",
    };
    Refusal::bad_request(message)
}

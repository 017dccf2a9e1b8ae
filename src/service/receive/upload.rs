//! `POST /upload-to-dataset` and `POST /stage-file`: the multipart body, streamed to a blob.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::time::timeout;

use super::{
    body::{HeadAllowance, HeadTooLong, IncomingBody, is_timeout},
    common_mistakes,
};
use crate::{
    service::{
        admission::{
            MAX_AROUND_FILE, ReceivedFile, admit, admit_dataset, admit_early, admit_name,
            admit_quota, admit_staged,
        },
        app_state::AppState,
        clock::Arrival,
        in_progress::{Tracked, UploadState},
        keys::Caller,
        refusal::Refusal,
        storage::NewBlob,
    },
    wire::{messages::UploadedFile, staging::StagedFile},
};

/// RFC 2046, section 5.1.1.
const MAX_BOUNDARY_BYTES: usize = 70;
/// A body that is silent for this long may be held: its client sends the end when other files are
/// committed.
const QUIET: Duration = Duration::from_millis(10);
/// A look-up in the catalog costs more than to receive the rest of a body of this length.
const SMALL_BODY_BYTES: u64 = 64 * 1024;
/// Maximum length of a text field in bytes.
const MAX_TEXT_BYTES: u64 = 256;

/// Receives an upload and commits it to its dataset. If that fails, nothing is left of it.
///
/// Must not be cancelled: if a client disconnects, this sees a body that ends early, and cleans up.
pub(crate) async fn receive(
    app: &AppState,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<UploadedFile, Refusal> {
    let received = Receiving::begin(app, caller, End::Commit, headers, body).await?;
    let (file_id, bytes) = (received.file.blob.file_id.clone(), received.file.blob.size_bytes);
    admit(&app.storage, &received.dataset_id, received.file, received.arrival).await?;
    app.metrics.committed(1, bytes);
    Ok(UploadedFile { file_id })
}

/// Receives an upload and stages it. Otherwise like [`receive`].
pub(crate) async fn receive_staged(
    app: &AppState,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<StagedFile, Refusal> {
    let received = Receiving::begin(app, caller.clone(), End::Stage, headers, body).await?;
    let Received { dataset_id, file, arrival, .. } = received;
    admit_staged(app, &caller, &dataset_id, file, arrival).await
}

/// The action when the body of an upload is complete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Commit,
    Stage,
}

/// A request whose whole body has arrived.
struct Received {
    dataset_id: String,
    file: ReceivedFile,
    arrival: Arrival,
    /// In progress until it is committed or staged.
    _upload: Tracked,
}

/// An upload, and what was received so far.
struct Receiving<'a> {
    app: &'a AppState,
    caller: Caller,
    end: End,
    /// Length of the body.
    declared: Option<u64>,
    upload: Tracked,
    dataset_id: Option<String>,
    file: Option<ReceivedFile>,
}

impl<'a> Receiving<'a> {
    async fn begin(
        app: &'a AppState,
        caller: Caller,
        end: End,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Received, Refusal> {
        let mut body = IncomingBody::new(body, headers);
        let declared = body.declared();
        let upload = app.uploads.in_progress.begin(caller.clone(), declared);
        let mut receiving =
            Self { app, caller, end, declared, upload, dataset_id: None, file: None };
        match receiving.receive_body(headers, &mut body).await {
            Ok((dataset_id, arrival)) => receiving.end(dataset_id, arrival),
            Err(refusal) => {
                let is_object_text = refusal.is_bad_request() && body.is_object_text().await;
                body.discard();
                if let Some(file) = receiving.file {
                    app.storage.discard(file.blob).await;
                }
                Err(if is_object_text { common_mistakes::object_as_text() } else { refusal })
            }
        }
    }

    fn end(self, dataset_id: String, arrival: Arrival) -> Result<Received, Refusal> {
        let file = self.file.ok_or_else(|| Refusal::bad_request("the field 'file' is missing"))?;
        Ok(Received { dataset_id, file, arrival, _upload: self.upload })
    }

    /// Receives the whole body. The file stays in `self` even if the rest fails.
    async fn receive_body(
        &mut self,
        headers: &HeaderMap,
        body: &mut IncomingBody,
    ) -> Result<(String, Arrival), Refusal> {
        self.app.check_open()?;
        let _slot = self.app.uploads.slots.try_acquire().map_err(|_| Refusal::busy())?;
        let boundary = boundary(headers)?;
        // The fields around the file are shorter than this allowance.
        let most = self.app.limits.max_file_bytes + MAX_AROUND_FILE;
        if body.declared().is_some_and(|bytes| bytes > most) {
            return Err(self.file_too_large());
        }
        if self.end == End::Stage && !self.is_checked_late() {
            admit_quota(self.app, &self.caller, body.declared()).await?;
        }
        let head = body.head_allowance();
        let limits = SizeLimit::new().for_field("dataset_id", MAX_TEXT_BYTES);
        let constraints = Constraints::new().size_limit(limits);
        body.expect_end(&boundary);
        let multipart = Multipart::with_constraints(&mut *body, boundary, constraints);
        self.receive_parts(multipart, &head).await?;
        let arrival = body.receive_end().await.ok_or_else(|| {
            Refusal::bad_request("the request does not end with the body's closing boundary")
        })?;
        self.upload.note(|upload| upload.state = UploadState::Committing);
        self.app.check_not_closed()?;
        let dataset_id = self.dataset_id.take();
        let dataset_id = dataset_id.ok_or_else(|| common_mistakes::without_dataset_id(headers))?;
        Ok((dataset_id, arrival))
    }

    async fn receive_parts(
        &mut self,
        mut multipart: Multipart<'_>,
        head: &HeadAllowance,
    ) -> Result<(), Refusal> {
        loop {
            head.limit();
            let field = multipart.next_field().await.map_err(|error| malformed(&error))?;
            let Some(field) = field else { return Ok(()) };
            head.lift();
            match field.name() {
                Some("dataset_id") if self.dataset_id.is_none() => {
                    let bytes = field.bytes().await.map_err(|error| malformed(&error))?;
                    let dataset_id = String::from_utf8_lossy(&bytes).into_owned();
                    // Otherwise it is looked up together with the name of the file.
                    if self.file.is_some() {
                        let catalog = self.app.storage.catalog();
                        admit_dataset(catalog, &self.caller, &dataset_id).await?;
                    }
                    self.upload.note(|upload| upload.dataset_id = Some(dataset_id.clone()));
                    self.dataset_id = Some(dataset_id);
                }
                Some("file") if self.file.is_none() => {
                    self.file = Some(self.receive_file(field).await?);
                }
                name => return Err(unexpected(name.unwrap_or("without a name"))),
            }
        }
    }

    async fn receive_file(&self, field: Field<'_>) -> Result<ReceivedFile, Refusal> {
        let file_name = field.file_name().unwrap_or_default().to_owned();
        admit_name(&file_name)?;
        self.upload.note(|upload| upload.file_name = Some(file_name.clone()));
        if let Some(dataset_id) = &self.dataset_id
            && !self.is_checked_late()
        {
            admit_early(self.app.storage.catalog(), &self.caller, dataset_id, &file_name).await?;
        }
        let most_bytes = self.declared.unwrap_or(self.app.limits.max_file_bytes);
        let mut blob = self.app.storage.new_blob(self.caller.owner(), most_bytes);
        if let Err(refusal) = self.store(field, &mut blob).await {
            blob.abort().await;
            return Err(refusal);
        }
        Ok(ReceivedFile { blob: blob.finish().await?, file_name })
    }

    async fn store(&self, mut field: Field<'_>, blob: &mut NewBlob) -> Result<(), Refusal> {
        loop {
            let patience = if blob.has_unflushed() { QUIET } else { Duration::MAX };
            let Ok(chunk) = timeout(patience, field.chunk()).await else {
                blob.begin_flush().await?;
                continue;
            };
            let Some(chunk) = chunk.map_err(|error| malformed(&error))? else { return Ok(()) };
            blob.write(chunk).await?;
            self.upload.note(|upload| upload.received_bytes = blob.size_bytes());
            if blob.size_bytes() > self.app.limits.max_file_bytes {
                return Err(self.file_too_large());
            }
        }
    }

    /// Whether everything is checked when the body is complete. Nothing of a small file is stored
    /// before that, and a staged file is not held back.
    fn is_checked_late(&self) -> bool {
        self.end == End::Stage && self.declared.is_some_and(|bytes| bytes <= SMALL_BODY_BYTES)
    }

    fn file_too_large(&self) -> Refusal {
        Refusal::too_large("the file", self.app.limits.max_file_bytes)
    }
}

fn boundary(headers: &HeaderMap) -> Result<String, Refusal> {
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
    Refusal::bad_request(format!("the field '{name}' is not expected, or occurs twice"))
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

//! `POST /upload-to-dataset`: the multipart body, streamed to a blob.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use multer::{Constraints, Field, Multipart, SizeLimit};
use uuid::Uuid;

use super::{
    State,
    admission::admit_name,
    body::{Arrival, pump},
    refusal::{Refusal, Result},
};
use crate::wire::messages::UploadedFile;

/// Longest text field, in bytes.
const MAX_TEXT_BYTES: u64 = 256;

/// A file whose bytes are stored and durable, and which is not part of a dataset yet.
pub(super) struct ReceivedFile {
    pub(super) file_id: String,
    pub(super) file_name: String,
    pub(super) size_bytes: u64,
    pub(super) first_byte_at: i64,
    pub(super) last_byte_at: i64,
}

/// What has come of a request so far.
#[derive(Default)]
struct Parts {
    dataset_id: Option<String>,
    file: Option<ReceivedFile>,
}

impl State {
    pub(super) async fn receive(&self, headers: &HeaderMap, body: Body) -> Result<UploadedFile> {
        let (chunks, arrival) = pump(body);
        let boundary = boundary(headers)?;
        let limits = SizeLimit::new().for_field("dataset_id", MAX_TEXT_BYTES);
        let constraints = Constraints::new().size_limit(limits);
        let multipart = Multipart::with_constraints(chunks, boundary.clone(), constraints);
        let mut parts = Parts::default();
        let received = self.receive_parts(multipart, &mut parts).await;
        let arrival = arrival.so_far();
        let complete = received.and_then(|()| require_end(headers, &arrival, &boundary));
        match (complete, parts) {
            (Ok(()), Parts { dataset_id: Some(dataset_id), file: Some(mut file) }) => {
                file.first_byte_at = arrival.first_byte_at;
                file.last_byte_at = arrival.last_byte_at;
                self.admit(&dataset_id, file).await
            }
            (complete, parts) => {
                if let Some(file) = &parts.file {
                    self.blobs.delete(&file.file_id).await;
                }
                complete?;
                let missing = if parts.file.is_none() { "file" } else { "dataset_id" };
                Err(Refusal::bad_request(format!("the field '{missing}' is missing")))
            }
        }
    }

    async fn receive_parts(&self, mut multipart: Multipart<'_>, parts: &mut Parts) -> Result<()> {
        while let Some(field) = multipart.next_field().await.map_err(|error| malformed(&error))? {
            match field.name() {
                Some("dataset_id") if parts.dataset_id.is_none() => {
                    let dataset_id = field.text().await.map_err(|error| malformed(&error))?;
                    self.admit_dataset(&dataset_id).await?;
                    parts.dataset_id = Some(dataset_id);
                }
                Some("file") if parts.file.is_none() => {
                    parts.file = Some(self.receive_file(field, parts.dataset_id.as_deref()).await?);
                }
                name => {
                    let name =
                        name.unwrap_or("without a name").chars().take(40).collect::<String>();
                    let message = format!("the field '{name}' is not expected, or comes twice");
                    return Err(Refusal::bad_request(message));
                }
            }
        }
        Ok(())
    }

    async fn receive_file(
        &self,
        mut field: Field<'_>,
        dataset_id: Option<&str>,
    ) -> Result<ReceivedFile> {
        let file_name = field.file_name().unwrap_or_default().to_owned();
        admit_name(&file_name)?;
        if let Some(dataset_id) = dataset_id {
            self.admit_early(dataset_id, &file_name).await?;
        }
        let file_id = format!("file_{}", Uuid::new_v4().simple());
        let mut blob = self.blobs.create(&file_id).await?;
        while let Some(chunk) = field.chunk().await.map_err(|error| malformed(&error))? {
            blob.write(chunk).await?;
        }
        let size_bytes = blob.finish().await?;
        Ok(ReceivedFile { file_id, file_name, size_bytes, first_byte_at: 0, last_byte_at: 0 })
    }
}

fn boundary(headers: &HeaderMap) -> Result<String> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    multer::parse_boundary(content_type.unwrap_or_default()).map_err(|_| {
        Refusal::bad_request(
            "the body must be multipart/form-data with the fields dataset_id and file",
        )
    })
}

/// Nothing may follow the closing boundary: a sender that goes on has written something else
/// than it declared.
fn require_end(headers: &HeaderMap, arrival: &Arrival, boundary: &str) -> Result<()> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<u64>().ok());
    if declared.is_none_or(|length| length == arrival.bytes) && arrival.ends_with_closing(boundary)
    {
        return Ok(());
    }
    Err(Refusal::bad_request("the body goes on after its closing boundary"))
}

fn malformed(error: &multer::Error) -> Refusal {
    let message = match error {
        multer::Error::FieldSizeExceeded { .. } => "the field 'dataset_id' is too long",
        multer::Error::StreamReadFailed(_)
        | multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => "the body ended before its closing boundary",
        _ => "the body is not valid multipart/form-data",
    };
    Refusal::bad_request(message)
}

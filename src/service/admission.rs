//! The rules of a dataset: what is parquet, which schema, which names.

use axum::http::StatusCode;

use super::{
    State,
    body::Arrival,
    catalog_writes::{Appended, NewFile},
    keys::Reader,
    receive::ReceivedFile,
    refusal::{Refusal, Result},
    storage_error::StorageError,
};
use crate::{
    schema::{Footer, FooterBytes, FooterReader, InvalidParquet, Schema, diff},
    wire::{file_name, messages::UploadedFile},
};

/// Differences told in one answer.
const DIFFERENCES_SHOWN: usize = 10;

/// Why a stored blob is no file of a dataset.
struct NotAdmitted {
    refusal: Refusal,
    /// Whether it is certain that it is none.
    is_undone: bool,
}

impl From<Refusal> for NotAdmitted {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, is_undone: true }
    }
}

impl From<StorageError> for NotAdmitted {
    fn from(error: StorageError) -> Self {
        Self { is_undone: error.is_undone(), refusal: error.into() }
    }
}

impl State {
    /// Refuses, before any byte is stored, what would be refused afterwards.
    pub(super) async fn admit_early(&self, dataset_id: &str, file_name: &str) -> Result<()> {
        if self.catalog.has_name(dataset_id, file_name).await? {
            return Err(Refusal::name_taken());
        }
        Ok(())
    }

    /// One answer for a dataset that is not there and for one of another key.
    pub(super) async fn admit_dataset(&self, reader: &Reader, dataset_id: &str) -> Result<()> {
        if is_id(dataset_id) && self.catalog.has_dataset(reader, dataset_id).await? {
            return Ok(());
        }
        Err(Refusal::unknown_dataset(dataset_id))
    }

    /// Makes a stored blob a file of a dataset, or removes it.
    pub(super) async fn admit(
        &self,
        dataset_id: &str,
        file: ReceivedFile,
        arrival: Arrival,
    ) -> Result<UploadedFile> {
        match self.check_and_append(dataset_id, &file, arrival).await {
            Ok(()) => {
                self.metrics.committed_files.inc();
                self.metrics.committed_bytes.inc_by(file.size_bytes);
                Ok(UploadedFile { file_id: file.file_id })
            }
            Err(NotAdmitted { refusal, is_undone }) => {
                // Otherwise the file may exist all the same, so its blob stays: the next start
                // knows.
                if is_undone {
                    self.blobs.delete(&file.file_id).await;
                }
                Err(refusal)
            }
        }
    }

    async fn check_and_append(
        &self,
        dataset_id: &str,
        file: &ReceivedFile,
        arrival: Arrival,
    ) -> Result<(), NotAdmitted> {
        let footer = self.read_footer(file).await?;
        let new_file = NewFile {
            file_id: &file.file_id,
            file_name: &file.file_name,
            size_bytes: file.size_bytes,
            row_count: footer.row_count,
            sha256: file.sha256,
            first_byte_at: arrival.first_byte_at,
            last_byte_at: arrival.last_byte_at,
        };
        match self.catalog.append(dataset_id, &footer.schema, &new_file).await? {
            Appended::Done => Ok(()),
            Appended::NameTaken => Err(Refusal::name_taken().into()),
            Appended::SchemaDiffers(schema) => Err(differs(&schema, &footer.schema).into()),
            Appended::NoDataset => Err(Refusal::unknown_dataset(dataset_id).into()),
        }
    }

    async fn read_footer(&self, file: &ReceivedFile) -> Result<Footer> {
        let (id, size) = (&file.file_id, file.size_bytes);
        let mut bytes = FooterBytes::of(size);
        while let Some(range) = bytes.needs() {
            let read = self.blobs.read_range(id, range.start, range.end).await?;
            bytes.push(read).map_err(|error| invalid(&error))?;
        }
        let thrift = bytes.into_thrift();
        // Untrusted bytes are parsed where a mistake ends one request only.
        let parse = move || {
            let footer = FooterReader::default().parse(&thrift, size)?;
            footer.check_codecs().map(|()| footer)
        };
        tokio::task::spawn_blocking(parse)
            .await
            .map_err(|_| {
                Refusal::bad_request("not a valid parquet file: its footer cannot be read")
            })?
            .map_err(|error| invalid(&error))
    }
}

/// Ids are data from the client: only those that the service could have made are looked up.
pub(super) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(is_plain)
}

pub(super) fn admit_name(name: &str) -> Result<()> {
    match file_name::refusal(name) {
        Some(why) => Err(Refusal::bad_request(format!("the file name {why}"))),
        None => Ok(()),
    }
}

fn differs(schema: &Schema, other: &Schema) -> Refusal {
    let differences = diff(schema, other);
    let shown: Vec<_> =
        differences.iter().take(DIFFERENCES_SHOWN).map(ToString::to_string).collect();
    let more = differences.len() - shown.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Refusal::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        format!("the schema differs from the dataset's: {}{more}", shown.join("; ")),
    )
}

fn invalid(error: &InvalidParquet) -> Refusal {
    Refusal::bad_request(format!("not a valid parquet file: it {error}"))
}

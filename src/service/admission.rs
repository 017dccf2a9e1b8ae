//! The rules of a dataset: what is parquet, which schema, which names.

use axum::http::StatusCode;

use super::{
    clock::Arrival,
    keys::Caller,
    refusal::Refusal,
    storage::{Appended, Catalog, NewFile, Storage, StoredBlob},
};
use crate::{
    schema::{Footer, FooterBytes, FooterReader, InvalidParquet, Schema, diff},
    wire::file_name,
};

/// Differences told in one answer.
const DIFFERENCES_SHOWN: usize = 10;

/// A file whose bytes are stored and durable, and which is not part of a dataset yet.
pub(super) struct ReceivedFile {
    pub(super) blob: StoredBlob,
    pub(super) file_name: String,
}

/// Ids are data from the client: only those that the service could have made are looked up.
pub(super) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(is_plain)
}

pub(super) fn admit_name(name: &str) -> Result<(), Refusal> {
    match file_name::refusal(name) {
        Some(why) => Err(Refusal::bad_request(format!("the file name {why}"))),
        None => Ok(()),
    }
}

/// One answer for a dataset that is not there and for one of another key.
pub(super) async fn admit_dataset(
    catalog: &Catalog,
    caller: &Caller,
    dataset_id: &str,
) -> Result<(), Refusal> {
    if is_id(dataset_id) && catalog.has_dataset(caller.owner(), dataset_id).await? {
        return Ok(());
    }
    Err(Refusal::unknown_dataset(dataset_id))
}

/// Refuses, before any byte is stored, what would be refused afterwards.
pub(super) async fn admit_early(
    catalog: &Catalog,
    dataset_id: &str,
    file_name: &str,
) -> Result<(), Refusal> {
    if catalog.has_name(dataset_id, file_name).await? {
        return Err(Refusal::name_taken());
    }
    Ok(())
}

/// Makes a received file part of a dataset, or removes it.
pub(super) async fn admit(
    storage: &Storage,
    dataset_id: &str,
    file: ReceivedFile,
    arrival: Arrival,
) -> Result<(), Refusal> {
    let ReceivedFile { blob, file_name } = file;
    let footer = match read_footer(storage, &blob).await {
        Ok(footer) => footer,
        Err(refusal) => {
            storage.discard(blob).await;
            return Err(refusal);
        }
    };
    let new_file = NewFile {
        file_id: blob.file_id,
        file_name,
        size_bytes: blob.size_bytes,
        row_count: footer.row_count,
        sha256: blob.sha256,
        first_byte_at: arrival.first_byte_at,
        last_byte_at: arrival.last_byte_at,
    };
    match storage.append(dataset_id, &footer.schema, &[new_file]).await? {
        Appended::Done => Ok(()),
        Appended::NameTaken(_) => Err(Refusal::name_taken()),
        Appended::SchemaDiffers(schema) => Err(differs(&schema, &footer.schema)),
        Appended::NoDataset => Err(Refusal::unknown_dataset(dataset_id)),
    }
}

async fn read_footer(storage: &Storage, blob: &StoredBlob) -> Result<Footer, Refusal> {
    let size = blob.size_bytes;
    let mut bytes = FooterBytes::of(size);
    while let Some(range) = bytes.needs() {
        let read = storage.read_range(blob, range).await?;
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
        .map_err(|_| Refusal::bad_request("not a valid parquet file: its footer cannot be read"))?
        .map_err(|error| invalid(&error))
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

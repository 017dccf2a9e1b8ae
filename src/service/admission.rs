//! The rules of a dataset: valid Parquet, its schema, its names.

use axum::http::StatusCode;

use super::{
    app_state::AppState,
    clock::{Arrival, rfc3339},
    keys::Caller,
    limits::Limits,
    refusal::Refusal,
    storage::{
        Appended, Catalog, NewFile, PlaceForFile, SchemaText, Staged, StagedSchema, StagedTotals,
        Storage, StoredBlob,
    },
};
use crate::{
    schema::{Footer, FooterBytes, FooterReader, InvalidParquet, Schema, diff},
    wire::{file_name, staging::StagedFile},
};

/// More than the fields around a file and their boundaries can have, in bytes.
pub(super) const MAX_AROUND_FILE: u64 = 64 * 1024;

/// Reading a footer of this size takes less than waking another thread for it.
const SHORT_FOOTER_BYTES: usize = 8 * 1024;

/// Number of differences in one response.
const DIFFERENCES_SHOWN: usize = 10;

/// A file whose bytes have arrived, and which is not part of a dataset yet.
pub(super) struct ReceivedFile {
    pub(super) blob: StoredBlob,
    pub(super) file_name: String,
}

impl ReceivedFile {
    fn into_new_file(self, row_count: u64, arrival: Arrival) -> NewFile {
        NewFile {
            small: self.blob.small(),
            file_id: self.blob.file_id,
            file_name: self.file_name,
            size_bytes: self.blob.size_bytes,
            row_count,
            sha256: self.blob.sha256,
            first_byte_at: arrival.first_byte_at,
            last_byte_at: arrival.last_byte_at,
        }
    }
}

/// Ids come from the client: only those that the server could have generated are looked up.
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

/// A dataset of another key gets the same response as one that does not exist.
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

/// Rejects an invalid dataset or name before any byte is stored, instead of afterwards.
pub(super) async fn admit_early(
    catalog: &Catalog,
    caller: &Caller,
    dataset_id: &str,
    file_name: &str,
) -> Result<(), Refusal> {
    let unknown = || Refusal::unknown_dataset(dataset_id);
    if !is_id(dataset_id) {
        return Err(unknown());
    }
    match catalog.has_name(caller.owner(), dataset_id, file_name).await? {
        None => Err(unknown()),
        Some(true) => Err(Refusal::name_taken()),
        Some(false) => Ok(()),
    }
}

/// Rejects a file that its key may not stage, before any byte is stored.
pub(super) async fn admit_quota(
    app: &AppState,
    caller: &Caller,
    declared: Option<u64>,
) -> Result<(), Refusal> {
    // The body declares at least the bytes of the file, less those around it.
    let bytes = declared.unwrap_or(0).saturating_sub(MAX_AROUND_FILE);
    match app.storage.check_quota(caller.owner(), bytes).await? {
        Staged::Done | Staged::Expired | Staged::NoDataset => Ok(()),
        Staged::TooMuch(totals) => Err(too_much_staged(&app.limits, totals)),
    }
}

/// Makes a received file part of a dataset, or removes it.
pub(super) async fn admit(
    storage: &Storage,
    dataset_id: &str,
    file: ReceivedFile,
    arrival: Arrival,
) -> Result<(), Refusal> {
    let footer = match read_footer(storage, &file.blob).await {
        Ok(footer) => footer,
        Err(refusal) => {
            storage.discard(file.blob).await;
            return Err(refusal);
        }
    };
    let new_file = file.into_new_file(footer.row_count, arrival);
    match storage.append(dataset_id, &footer.schema, &[new_file]).await? {
        Appended::Done => Ok(()),
        Appended::NameTaken(_) => Err(Refusal::name_taken()),
        Appended::SchemaDiffers(schema) => {
            let why = differences(&schema, &footer.schema);
            Err(Refusal::schema_differs(format!("the schema differs from the dataset's: {why}")))
        }
        Appended::NoDataset => Err(Refusal::unknown_dataset(dataset_id)),
        Appended::Expired => Err(Refusal::upload_expired()),
    }
}

/// Stages a received file for a dataset, or removes it. A commit checks the name and the schema
/// once more.
pub(super) async fn admit_staged(
    app: &AppState,
    caller: &Caller,
    dataset_id: &str,
    file: ReceivedFile,
    arrival: Arrival,
) -> Result<StagedFile, Refusal> {
    let storage = &app.storage;
    let (row_count, schema) = match check_staged(storage, caller, dataset_id, &file).await {
        Ok(checked) => checked,
        Err(refusal) => {
            storage.discard(file.blob).await;
            return Err(refusal);
        }
    };
    let new_file = file.into_new_file(row_count, arrival);
    let mut staged = StagedFile {
        staged_id: new_file.file_id.clone(),
        file_name: new_file.file_name.clone(),
        size_bytes: new_file.size_bytes,
        row_count,
        sha256: new_file.sha256,
        expires_at: None,
    };
    match storage.stage(caller.owner(), dataset_id, schema, new_file).await? {
        (Staged::Done, expires_at) => {
            staged.expires_at = rfc3339(expires_at);
            Ok(staged)
        }
        (Staged::Expired, _) => Err(Refusal::upload_expired()),
        (Staged::NoDataset, _) => Err(Refusal::unknown_dataset(dataset_id)),
        (Staged::TooMuch(totals), _) => Err(too_much_staged(&app.limits, totals)),
    }
}

/// The rows of a file, and its schema.
async fn check_staged(
    storage: &Storage,
    caller: &Caller,
    dataset_id: &str,
    file: &ReceivedFile,
) -> Result<(u64, StagedSchema), Refusal> {
    let unknown = || Refusal::unknown_dataset(dataset_id);
    if !is_id(dataset_id) {
        return Err(unknown());
    }
    let footer = read_footer(storage, &file.blob).await?;
    let catalog = storage.catalog();
    let place = catalog.place_for(caller.owner(), dataset_id, &file.file_name).await?;
    let PlaceForFile { is_taken, schema, created_at } = place.ok_or_else(unknown)?;
    if is_taken {
        return Err(Refusal::name_taken());
    }
    match schema {
        None => Ok((footer.row_count, StagedSchema::Own(SchemaText::of(&footer.schema)))),
        Some(schema) if schema == *footer.schema => {
            Ok((footer.row_count, StagedSchema::OfDataset { created_at }))
        }
        Some(schema) => {
            let why = differences(&schema, &footer.schema);
            Err(Refusal::schema_differs(format!("the schema differs from the dataset's: {why}")))
        }
    }
}

fn too_much_staged(limits: &Limits, totals: StagedTotals) -> Refusal {
    let StagedTotals { files, bytes } = totals;
    let what = if files >= limits.max_staged_files {
        format!("{files} staged files, and the server allows {}", limits.max_staged_files)
    } else {
        format!(
            "{bytes} bytes in staged files, and the server allows {} with this file",
            limits.max_staged_bytes
        )
    };
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the key has {what}; commit staged files, or wait until they expire"),
    )
}

async fn read_footer(storage: &Storage, blob: &StoredBlob) -> Result<Footer, Refusal> {
    let size = blob.size_bytes;
    let mut bytes = FooterBytes::of(size);
    while let Some(range) = bytes.needs() {
        let read = storage.read_range(blob, range).await?;
        bytes.push(read).map_err(|error| invalid(&error))?;
    }
    let thrift = bytes.into_thrift();
    let is_short = thrift.len() <= SHORT_FOOTER_BYTES;
    let parse = move || {
        let footer = FooterReader::default().parse(&thrift, size)?;
        footer.check_codecs().map(|()| footer)
    };
    // A panic of the parser on untrusted bytes ends only this request.
    let parsed = if is_short {
        std::panic::catch_unwind(parse).ok()
    } else {
        tokio::task::spawn_blocking(parse).await.ok()
    };
    parsed
        .ok_or_else(|| Refusal::bad_request("not a valid Parquet file: its footer cannot be read"))?
        .map_err(|error| invalid(&error))
}

/// How a schema differs from the one that is expected.
pub(super) fn differences(expected: &Schema, schema: &Schema) -> String {
    let differences = diff(expected, schema);
    let shown: Vec<_> =
        differences.iter().take(DIFFERENCES_SHOWN).map(ToString::to_string).collect();
    let more = differences.len() - shown.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

fn invalid(error: &InvalidParquet) -> Refusal {
    Refusal::bad_request(format!("not a valid Parquet file: it {error}"))
}

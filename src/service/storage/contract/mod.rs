//! What every implementation of storage must keep. A second catalog or blob store runs the same
//! checks.

mod blobs;
mod catalog;
mod memory;
mod sweep;

use parquet::schema::parser::parse_message_type;

use super::writes::NewFile;
use crate::{schema::Schema, wire::digest::Sha256Digest};

/// A schema with one column.
pub(super) fn data_schema(column: &str) -> Schema {
    let message = format!("message schema {{ required int64 {column}; }}");
    Schema::from_parquet(&parse_message_type(&message).unwrap())
}

/// A file of 7 bytes; its id follows from its name.
pub(super) fn new_file(name: &str) -> NewFile {
    NewFile {
        file_id: format!("file_{name}"),
        file_name: name.to_owned(),
        size_bytes: 7,
        row_count: 1,
        sha256: Sha256Digest::from([7; 32]),
        first_byte_at: 1,
        last_byte_at: 2,
    }
}

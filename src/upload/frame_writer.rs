//! Writers of a frame's rows.

use std::{io::Write, sync::Arc};

use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::Compression,
    errors::{ParquetError, Result},
    file::properties::{WriterProperties, WriterPropertiesBuilder},
};

use super::{storage::Storage, temporary::HashedFile};

/// The next step of a frame's encoder.
pub(super) enum Step {
    /// A file is complete.
    Complete(HashedFile),
    /// There is more to do before more rows are written.
    Working,
    /// Write more rows. After the last ones: there are no more files.
    NeedsRows,
}

/// A new temporary file.
pub(super) fn new_file() -> Result<HashedFile> {
    HashedFile::new().map_err(|error| ParquetError::External(error.into()))
}

/// The properties of all files of frames.
pub(super) fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::SNAPPY)
}

/// A writer of a frame's rows. `row_group_bytes` is about the size of its row groups; `None` writes
/// a single one.
pub(super) fn writer_of<W: Write + Send>(
    storage: &Storage,
    target: W,
    row_group_bytes: Option<usize>,
) -> Result<ArrowWriter<W>> {
    let mut properties = properties().set_max_row_group_bytes(row_group_bytes);
    if row_group_bytes.is_none() {
        properties = properties.set_max_row_group_row_count(None);
    }
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_parquet_schema(storage.parquet.clone());
    ArrowWriter::try_new_with_options(target, Arc::clone(&storage.schema), options)
}

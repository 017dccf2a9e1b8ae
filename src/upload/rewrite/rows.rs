//! Some rows of a file in memory.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use parquet::{
    errors::Result,
    file::{
        properties::WriterPropertiesBuilder,
        reader::{FileReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
};

use super::{columns::copy_rows, levels::leaves};

/// A file with a range of the rows of a file with one row group, and its metadata.
///
/// # Errors
/// The errors of the parquet crate.
pub(in crate::upload) fn rows_of(
    file: &Bytes,
    rows: Range<usize>,
    properties: WriterPropertiesBuilder,
) -> Result<Bytes> {
    let reader = SerializedFileReader::new(file.clone())?;
    let from = reader.get_row_group(0)?;
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema_descr().root_schema_ptr();
    let notes = metadata.key_value_metadata().cloned();
    let properties = properties.set_key_value_metadata(notes).build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::clone(&schema), Arc::new(properties))?;
    let mut to = writer.next_row_group()?;
    for leaf in leaves(&schema, &schema, &[])? {
        let Some(mut target) = to.next_column()? else { break };
        copy_rows(from.get_column_reader(leaf.place)?, &leaf, rows.clone(), &mut target)?;
        target.close()?;
    }
    to.close()?;
    Ok(writer.into_inner()?.into())
}

//! Small valid parquet files, made with the crate's own writer.

use std::sync::Arc;

use parquet::{
    basic::Compression,
    data_type::Int64Type,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

/// A file with required int64 columns of these names.
pub(crate) fn int64_file(columns: &[&str], rows: usize) -> Vec<u8> {
    let fields: String = columns.iter().map(|name| format!("required int64 {name};")).collect();
    let values: Vec<_> = (0..rows as u64).collect();
    write(&fields, columns.len(), &values, Compression::SNAPPY)
}

/// A file of about `bytes` bytes that do not compress, in one column `id`.
pub(crate) fn file_of_size(bytes: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(bytes as u64);
    let values: Vec<_> = (0..bytes / 8).map(|_| rng.u64(..)).collect();
    write("required int64 id;", 1, &values, Compression::UNCOMPRESSED)
}

/// The same file with so much between its pages and its footer that a server stores it as a blob, not
/// in the catalog.
pub(crate) fn enlarged(file: &[u8]) -> Vec<u8> {
    const MORE: usize = 70_000;
    let (rest, _) = file.split_last_chunk::<4>().unwrap();
    let (_, length) = rest.split_last_chunk::<4>().unwrap();
    let footer = file.len() - 8 - u32::from_le_bytes(*length) as usize;
    [&file[..footer], &vec![0; MORE], &file[footer..]].concat()
}

/// A file without rows of the given fields, in the language of parquet's schema parser.
pub(crate) fn file_with_fields(fields: &str) -> Vec<u8> {
    write(fields, 0, &[], Compression::SNAPPY)
}

fn write(fields: &str, columns: usize, values: &[u64], codec: Compression) -> Vec<u8> {
    let schema = parse_message_type(&format!("message schema {{ {fields} }}")).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties)).unwrap();
    if columns > 0 {
        let values: Vec<_> = values.iter().map(|value| value.cast_signed()).collect();
        let mut row_group = writer.next_row_group().unwrap();
        while let Some(mut column) = row_group.next_column().unwrap() {
            column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        row_group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

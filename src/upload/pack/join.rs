//! Joins row groups of other files to one file: their pages byte for byte, and a new footer.

use std::{
    io,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use parquet::{
    basic::ColumnOrder,
    errors::{ParquetError, Result as ParquetResult},
    file::{
        metadata::{
            ColumnChunkMetaData, ColumnChunkMetaDataBuilder, FileMetaData, KeyValue,
            ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetMetaDataWriter,
            RowGroupMetaData,
        },
        statistics::Statistics,
    },
    schema::types::SchemaDescPtr,
};

use crate::{
    error::{Error, Result},
    location::Location,
    source::{Content, Piece},
    upload::recipe::Part,
};

const MAGIC: &[u8] = b"PAR1";

/// The content of a file with the row groups of `parts`, in order. Reads footers, not pages. May
/// block.
///
/// Min and max values are kept if the source declares their order. Page indexes and bloom filters
/// are left out: readers work without them.
///
/// # Errors
/// [`Error::Rewrite`] if a footer cannot be moved; [`Error::FileChanged`]; [`Error::File`].
pub(in crate::upload) fn join(name: &str, parts: &[Part]) -> Result<Content> {
    let mut joined = Joined::new();
    for part in parts {
        joined.add(part)?;
    }
    joined.into_content(label(name, parts))
}

/// The source files, for messages.
fn label(name: &str, parts: &[Part]) -> Location {
    let places: Vec<_> = parts.iter().map(|part| part.content.location()).collect();
    match &places[..] {
        [only] => Location::Label(format!("{name} (of {only})").into()),
        [first, .., last] => Location::Label(format!("{name} ({first} to {last})").into()),
        [] => Location::Label(name.into()),
    }
}

struct Joined {
    pieces: Vec<Piece>,
    size: u64,
    row_groups: Vec<RowGroupMetaData>,
    file: Option<FileFacts>,
}

/// What the new footer says about the whole file.
struct FileFacts {
    schema: SchemaDescPtr,
    version: i32,
    /// `None` if the sources have several.
    created_by: Option<String>,
    key_values: Vec<KeyValue>,
}

impl Joined {
    fn new() -> Self {
        let magic = Bytes::from_static(MAGIC);
        Self {
            size: magic.len() as u64,
            pieces: vec![Piece::Bytes(magic)],
            row_groups: Vec::new(),
            file: None,
        }
    }

    fn add(&mut self, part: &Part) -> Result<()> {
        let failed = |message: String| {
            let location = part.content.location().clone();
            Error::Rewrite { location, message }
        };
        let open = part.content.open()?;
        // Statistics of encodings, as they are in the file.
        let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
        let mut reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
        // The crate panics on some damaged footers.
        let read = catch_unwind(AssertUnwindSafe(|| reader.try_parse(&open)))
            .unwrap_or_else(|_| Err(ParquetError::General("its footer is damaged".to_owned())))
            .and_then(|()| reader.finish());
        let metadata = read.map_err(|error| of_source(error).unwrap_or_else(failed))?;
        let file = metadata.file_metadata();
        if let Some(writer) = writer_of_wrong_sizes(file.created_by()) {
            return Err(failed(format!(
                "{writer} recorded wrong sizes, so its pages cannot be moved to another file"
            )));
        }
        match &mut self.file {
            None => self.file = Some(FileFacts::of(file)),
            Some(known) => known.add(file),
        }
        let schema = self.file.as_ref().map(|known| Arc::clone(&known.schema));
        let schema = schema.unwrap_or_else(|| file.schema_descr_ptr());
        for index in part.row_groups.clone() {
            let Some(row_group) = metadata.row_groups().get(index) else {
                return Err(failed("its footer has changed".to_owned()));
            };
            self.add_row_group(&part.content, file, &schema, row_group)
                .map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }

    fn add_row_group(
        &mut self,
        content: &Content,
        file: &FileMetaData,
        schema: &SchemaDescPtr,
        row_group: &RowGroupMetaData,
    ) -> ParquetResult<()> {
        let begin = self.size;
        let mut moved = RowGroupMetaData::builder(Arc::clone(schema))
            .set_num_rows(row_group.num_rows())
            .set_total_byte_size(row_group.total_byte_size())
            .set_sorting_columns(row_group.sorting_columns().cloned())
            .set_file_offset(offset(begin))
            .set_ordinal(i16::try_from(self.row_groups.len()).unwrap_or(i16::MAX));
        for (index, column) in row_group.columns().iter().enumerate() {
            let pages = pages(column)?;
            let shift = offset(self.size) - offset(pages.start);
            let sliced =
                content.slice(pages).map_err(|error| ParquetError::External(error.into()))?;
            for piece in sliced {
                self.push(piece);
            }
            let chunk = ColumnChunkMetaData::builder(schema.column(index));
            let order = file.column_order(index);
            moved = moved.add_column_metadata(shifted(column, chunk, shift, order)?);
        }
        self.row_groups.push(moved.build()?);
        Ok(())
    }

    /// Adds a piece; merges adjacent ranges.
    fn push(&mut self, piece: Piece) {
        self.size += piece.size();
        if let (Some(Piece::Range(last, before)), Piece::Range(next, range)) =
            (self.pieces.last_mut(), &piece)
            && before.end == range.start
            && last.is_same(next)
        {
            before.end = range.end;
        } else {
            self.pieces.push(piece);
        }
    }

    fn into_content(mut self, location: Location) -> Result<Content> {
        let failed = |message: String| Error::Rewrite { location: location.clone(), message };
        let Some(file) = self.file else {
            return Err(Error::Internal(format!("{location} is made of nothing")));
        };
        let row_count = self.row_groups.iter().map(RowGroupMetaData::num_rows).sum();
        let key_values = (!file.key_values.is_empty()).then_some(file.key_values);
        let metadata = FileMetaData::new(
            file.version,
            row_count,
            Some(file.created_by.unwrap_or_else(|| {
                concat!("sutro version ", env!("CARGO_PKG_VERSION")).to_owned()
            })),
            key_values,
            file.schema,
            None,
        );
        let metadata = ParquetMetaData::new(metadata, self.row_groups);
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &metadata)
            .finish()
            .map_err(|error| failed(error.to_string()))?;
        self.pieces.push(Piece::Bytes(footer.into()));
        Ok(Content::new(location, self.pieces))
    }
}

impl FileFacts {
    fn of(file: &FileMetaData) -> Self {
        Self {
            schema: file.schema_descr_ptr(),
            version: file.version(),
            created_by: file.created_by().map(str::to_owned),
            key_values: file.key_value_metadata().cloned().unwrap_or_default(),
        }
    }

    /// Keeps metadata that all sources agree on. An exception is what tools store about the schema:
    /// it differs in details that depend on the rows of a file, such as the index of pandas.
    fn add(&mut self, file: &FileMetaData) {
        self.version = self.version.max(file.version());
        if self.created_by.as_deref() != file.created_by() {
            self.created_by = None;
        }
        let others = file.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let is_about_schema = |key: &str| key == "ARROW:schema" || key == "pandas";
        self.key_values.retain(|note| is_about_schema(&note.key) || others.contains(note));
    }
}

/// The error of a source, which came through the parquet crate's reader, or else its words.
fn of_source(error: ParquetError) -> std::result::Result<Error, String> {
    let ParquetError::External(cause) = error else { return Err(error.to_string()) };
    match cause.downcast::<Error>() {
        Ok(error) => Ok(*error),
        Err(cause) => {
            let error = cause.downcast::<io::Error>().map_err(|cause| cause.to_string())?;
            error.downcast::<Error>().map_err(|error| error.to_string())
        }
    }
}

/// The range of a column chunk's pages. Some writers store offset 0 for a missing page.
///
/// # Errors
/// If the data begins before its dictionary: readers disagree about where such a chunk begins.
fn pages(column: &ColumnChunkMetaData) -> ParquetResult<Range<u64>> {
    let data = column.data_page_offset();
    let dictionary = column.dictionary_page_offset().filter(|&position| position > 0);
    if data > 0 && dictionary.is_some_and(|dictionary| dictionary > data) {
        return Err(ParquetError::General(format!(
            "its footer is damaged: the data of column {} begins before its dictionary",
            column.column_path().string()
        )));
    }
    let begin = u64::try_from(dictionary.unwrap_or(data)).unwrap_or(0);
    let size = u64::try_from(column.compressed_size()).unwrap_or(0);
    Ok(if size == 0 { 0..0 } else { begin..begin.saturating_add(size) })
}

/// The same column chunk, moved by `shift` bytes.
fn shifted(
    column: &ColumnChunkMetaData,
    mut chunk: ColumnChunkMetaDataBuilder,
    shift: i64,
    order: ColumnOrder,
) -> ParquetResult<ColumnChunkMetaData> {
    let moved = |position: i64| if position > 0 { position + shift } else { position };
    let dictionary_page = column.dictionary_page_offset().filter(|&position| position > 0);
    chunk = chunk
        .set_encodings_mask(*column.encodings_mask())
        .set_num_values(column.num_values())
        .set_compression_codec(column.compression_codec())
        .set_total_compressed_size(column.compressed_size())
        .set_total_uncompressed_size(column.uncompressed_size())
        .set_data_page_offset(moved(column.data_page_offset()))
        .set_dictionary_page_offset(dictionary_page.map(moved))
        .set_unencoded_byte_array_data_bytes(column.unencoded_byte_array_data_bytes())
        .set_repetition_level_histogram(column.repetition_level_histogram().cloned())
        .set_definition_level_histogram(column.definition_level_histogram().cloned());
    if let Some(statistics) = column.page_encoding_stats() {
        chunk = chunk.set_page_encoding_stats(statistics.clone());
    }
    if let Some(statistics) = column.geo_statistics() {
        chunk = chunk.set_geo_statistics(Box::new(statistics.clone()));
    }
    if let Some(statistics) = column.statistics()
        && can_be_moved(statistics, order)
    {
        chunk = chunk.set_statistics(statistics.clone());
    }
    chunk.build()
}

/// The new footer declares that min and max values have the order of their type. Older writers did
/// not define the order.
fn can_be_moved(statistics: &Statistics, order: ColumnOrder) -> bool {
    let has_values = statistics.min_bytes_opt().or(statistics.max_bytes_opt()).is_some();
    let is_defined = matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_));
    !has_values || (is_defined && !statistics.is_min_max_deprecated())
}

/// `parquet-mr` before 1.2.9 left the header of dictionary pages out of the sizes of column chunks
/// ([PARQUET-816](https://issues.apache.org/jira/browse/PARQUET-816)).
fn writer_of_wrong_sizes(created_by: Option<&str>) -> Option<&str> {
    let created_by = created_by?;
    let version = created_by.strip_prefix("parquet-mr version ")?;
    let digits = version.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut numbers = digits.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let version = [(); 3].map(|()| numbers.next().unwrap_or(0));
    (version < [1, 2, 9]).then_some(created_by)
}

fn offset(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

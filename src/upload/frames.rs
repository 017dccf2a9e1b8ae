//! Frames as parquet files: Arrow record batches are encoded into temporary files.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_cast::cast;
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use parquet::{
    arrow::{ArrowSchemaConverter, ArrowWriter},
    basic::Compression,
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
    schema::types::TypePtr,
};

use super::{
    UploadError,
    check::{Mending, compare},
    mismatch::{Cast, CheckError},
    temporary::{HashedFile, while_writing},
};
use crate::{
    client::SourceFile,
    config::{BATCH_ROWS, ROW_GROUP_BYTES},
    error::{Error, Result},
    schema::{self, common_schema},
    temporary_file::in_temporary_folder,
    wire::digest::Sha256Digest,
};

/// Encodes one frame, a stream of record batches, as snappy parquet files, in bounded
/// memory.
pub struct FrameEncoder {
    label: PathBuf,
    batches: Box<dyn RecordBatchReader + Send>,
    schema: SchemaRef,
    rows_per_file: usize,
    /// What is left of the last batch.
    rest: Option<RecordBatch>,
    writer: Option<Writer>,
    files: usize,
    is_exhausted: bool,
}

struct Writer {
    parquet: ArrowWriter<HashedFile>,
    rows: usize,
}

impl FrameEncoder {
    /// `label` names the frame in messages. `rows_per_file` cuts it into files of so many
    /// rows, the last one of fewer; `None` makes one file.
    ///
    /// # Errors
    /// [`Error::Frame`] where the frame has no columns, or types that parquet does not have.
    pub fn new(
        label: &str,
        batches: Box<dyn RecordBatchReader + Send>,
        rows_per_file: Option<usize>,
    ) -> Result<Self> {
        let schema = storable_schema(label, &batches.schema())?;
        parquet_schema(label, &schema)?;
        Ok(Self {
            label: PathBuf::from(label),
            batches,
            schema,
            rows_per_file: rows_per_file.unwrap_or(usize::MAX).max(1),
            rest: None,
            writer: None,
            files: 0,
            is_exhausted: false,
        })
    }

    /// Whether the last file was given.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// Encodes for at most about `time`; returns a file when one is whole. A frame without
    /// rows makes one file without rows.
    ///
    /// # Errors
    /// [`Error::Frame`] where the frame gives an error or a value cannot be encoded,
    /// [`Error::File`] where the folder for temporary files is full.
    pub fn encode(&mut self, time: Duration) -> Result<Option<SourceFile>> {
        let begun = Instant::now();
        while !self.is_exhausted {
            let Some(rows) = self.next_rows()? else {
                self.is_exhausted = true;
                let is_due = self.writer.is_some() || self.files == 0;
                return if is_due { self.finish().map(Some) } else { Ok(None) };
            };
            self.write(&rows)?;
            if self.writer.as_ref().is_some_and(|writer| writer.rows >= self.rows_per_file) {
                return self.finish().map(Some);
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        Ok(None)
    }

    /// The next rows that belong to one file, few enough to be encoded in a short time.
    fn next_rows(&mut self) -> Result<Option<RecordBatch>> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next() {
                Some(batch) => batch.map_err(|error| self.broken(&error.to_string()))?,
                None => return Ok(None),
            },
        };
        let written = self.writer.as_ref().map_or(0, |writer| writer.rows);
        let rows = batch.num_rows().min(self.rows_per_file - written).min(BATCH_ROWS);
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Some(batch.slice(0, rows)))
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open()?,
        };
        let columns = rows
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| cast(column, field.data_type()))
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| RecordBatch::try_new(self.schema.clone(), columns))
            .map_err(|error| self.broken(&error.to_string()))?;
        writer.parquet.write(&columns).map_err(|error| self.failed(error))?;
        writer.rows += rows.num_rows();
        self.writer = Some(writer);
        Ok(())
    }

    fn open(&self) -> Result<Writer> {
        let file = HashedFile::new()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .build();
        let parquet = ArrowWriter::try_new(file, self.schema.clone(), Some(properties))
            .map_err(|error| self.failed(error))?;
        Ok(Writer { parquet, rows: 0 })
    }

    fn finish(&mut self) -> Result<SourceFile> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open()?,
        };
        self.files += 1;
        let label = self.label.clone();
        writer.parquet.flush().map_err(|error| self.failed(error))?;
        // The writer has a buffer between itself and the file.
        writer.parquet.sync().map_err(in_temporary_folder)?;
        let padding = padding(writer.parquet.inner().hash());
        writer
            .parquet
            .append_key_value_metadata(KeyValue::new("sutro.padding".to_owned(), padding));
        let file = writer.parquet.into_inner().map_err(|error| self.failed(error))?;
        file.into_source(&label)
    }

    fn failed(&self, error: ParquetError) -> Error {
        while_writing(error, |message| self.broken(&message))
    }

    fn broken(&self, message: &str) -> Error {
        Error::Frame { label: self.label.display().to_string(), message: message.to_owned() }
    }
}

/// The schema in which a frame is written.
///
/// # Errors
/// [`Error::Frame`] with the column that parquet cannot hold.
fn storable_schema(label: &str, schema: &Schema) -> Result<SchemaRef> {
    let refused = |message: String| Error::Frame { label: label.to_owned(), message };
    if schema.fields().is_empty() {
        return Err(refused("it has no columns".to_owned()));
    }
    let storable = |field: &FieldRef| {
        storable_field(field).map_err(|type_name| {
            refused(format!(
                "column {:?} has the type {type_name}, which parquet does not have",
                field.name()
            ))
        })
    };
    let fields = schema.fields().iter().map(storable).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

fn storable_field(field: &FieldRef) -> Result<FieldRef, String> {
    let data_type = storable(field.data_type())?;
    Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
}

/// Categories of polars are views, which the writer cannot take as a dictionary's values.
fn storable(data_type: &DataType) -> Result<DataType, String> {
    Ok(match data_type {
        DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => return Err(data_type.to_string()),
        DataType::Dictionary(keys, values) => {
            let values = match &**values {
                DataType::Utf8View => DataType::Utf8,
                DataType::BinaryView => DataType::Binary,
                values => storable(values)?,
            };
            DataType::Dictionary(keys.clone(), Box::new(values))
        }
        DataType::List(element) => DataType::List(storable_field(element)?),
        DataType::LargeList(element) => DataType::LargeList(storable_field(element)?),
        DataType::FixedSizeList(element, length) => {
            DataType::FixedSizeList(storable_field(element)?, *length)
        }
        DataType::Map(entries, is_sorted) => DataType::Map(storable_field(entries)?, *is_sorted),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(storable_field).collect::<Result<Vec<_>, _>>()?;
            DataType::Struct(fields.into())
        }
        data_type => data_type.clone(),
    })
}

fn parquet_schema(label: &str, schema: &Schema) -> Result<TypePtr> {
    let descriptor = ArrowSchemaConverter::new()
        .convert(schema)
        .map_err(|error| Error::Frame { label: label.to_owned(), message: error.to_string() })?;
    Ok(descriptor.root_schema_ptr())
}

/// Compares the schemas that frames will have as files; `frames` gives names and schemas.
/// Returns the schema of all, or with `mending.cast` their common one.
///
/// # Errors
/// [`UploadError::Check`] with all that differ from the most common one, or
/// [`Error::Frame`] for a frame that cannot be parquet.
pub fn check_schemas(
    frames: &[(String, SchemaRef)],
    mending: Mending,
) -> Result<Option<TypePtr>, UploadError> {
    let mut found = Vec::with_capacity(frames.len());
    let mut schemas = Vec::with_capacity(frames.len());
    for (name, schema) in frames {
        let storable = storable_schema(name, schema)?;
        let schema = parquet_schema(name, &storable)?;
        schemas.push((name.as_str(), schema::Schema::from_parquet(&schema)));
        found.push(schema);
    }
    let (reference, outliers) = compare(schemas.iter().map(|(name, schema)| (*name, schema)));
    if outliers.is_empty() {
        return Ok(found.into_iter().next());
    }
    let cast = match common_schema(&found) {
        Ok(schema) if mending.cast => return Ok(Some(schema)),
        Ok(_) => Cast::WouldHelp,
        Err(obstacles) if mending.cast => Cast::Obstacles(obstacles),
        Err(_) => Cast::NoUse,
    };
    let (file_count, problems, is_under_way) = (frames.len(), Vec::new(), false);
    Err(CheckError { file_count, problems, reference, outliers, cast, is_under_way }.into())
}

/// A padding whose length comes from the content before it.
///
/// Some services tell sizes, not contents, and two frames of as many numbers make files of one
/// size. With the padding, frames of other content under one name differ in size there, too.
fn padding(content: Sha256Digest) -> String {
    const LONGEST: u16 = 4096;
    " ".repeat(usize::from(
        u16::from_le_bytes([content.as_bytes()[4], content.as_bytes()[5]]) % LONGEST,
    ))
}

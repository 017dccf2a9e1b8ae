//! Frames as parquet files: Arrow record batches are encoded into temporary files.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::Compression,
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
    schema::types::TypePtr,
};

pub use super::storage::Decimals;
use super::{
    UploadError,
    check::{Mending, compare},
    mismatch::{Cast, CheckError},
    storage::{Storage, in_words},
    stored_values::{StoreError, stored},
    temporary::while_writing,
};
use crate::{
    client::{SourceFile, in_file},
    config::{BATCH_ROWS, ROW_GROUP_BYTES},
    error::{Error, FrameColumn, Result},
    schema::{self, common_schema},
    temporary_file::temporary_file,
};

/// Encodes one frame, a stream of record batches, as snappy parquet files, in bounded
/// memory.
pub struct FrameEncoder {
    label: PathBuf,
    /// Gone as soon as it has ended or failed: others may wait for what it holds.
    batches: Option<Box<dyn RecordBatchReader + Send>>,
    storage: Storage,
    rows_per_file: usize,
    /// Rows of all files so far.
    rows: usize,
    has_given: bool,
    /// What is left of the last batch.
    rest: Option<RecordBatch>,
    writer: Option<Writer>,
    files: usize,
    is_exhausted: bool,
}

struct Writer {
    parquet: ArrowWriter<FingerprintedFile>,
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
        decimals: Decimals,
    ) -> Result<Self> {
        let storage = Storage::of(label, &batches.schema(), decimals)?;
        Ok(Self {
            label: PathBuf::from(label),
            batches: Some(batches),
            storage,
            rows: 0,
            has_given: false,
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

    /// What the files leave out of the frame, in words: extension types.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.storage.notes
    }

    /// Whether the frame has given a batch, if only one without rows.
    #[must_use]
    pub fn has_given(&self) -> bool {
        self.has_given
    }

    /// The rows that the frame has given.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// Lets go of the frame: what is left of it is not encoded.
    pub fn close(&mut self) {
        (self.batches, self.rest, self.writer) = (None, None, None);
        self.is_exhausted = true;
    }

    /// Encodes for at most about `time`; returns a file when one is whole. A frame without
    /// rows makes one file without rows.
    ///
    /// # Errors
    /// [`Error::Frame`] where the frame gives an error or a value cannot be encoded,
    /// [`Error::File`] where the folder for temporary files is full.
    pub fn encode(&mut self, time: Duration) -> Result<Option<SourceFile>> {
        self.encode_some(time).inspect_err(|_| self.close())
    }

    fn encode_some(&mut self, time: Duration) -> Result<Option<SourceFile>> {
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
        let batch = if let Some(rest) = self.rest.take() {
            rest
        } else {
            let Some(batch) = self.batches.as_mut().and_then(Iterator::next) else {
                self.batches = None;
                return Ok(None);
            };
            batch.map_err(|error| self.broken(&error.to_string()))?
        };
        self.has_given = true;
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
        let columns = stored(rows, &self.storage).map_err(|error| self.unstorable(error))?;
        writer.parquet.write(&columns).map_err(|error| self.failed(error))?;
        writer.rows += rows.num_rows();
        self.rows += rows.num_rows();
        self.writer = Some(writer);
        Ok(())
    }

    fn open(&self) -> Result<Writer> {
        let file = FingerprintedFile::new()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .build();
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_parquet_schema(self.storage.parquet.clone());
        let schema = SchemaRef::clone(&self.storage.schema);
        let parquet = ArrowWriter::try_new_with_options(file, schema, options)
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
        let padding = writer.parquet.inner().padding();
        writer
            .parquet
            .append_key_value_metadata(KeyValue::new("sutro.padding".to_owned(), padding));
        let file = writer.parquet.into_inner().map_err(|error| self.failed(error))?.file;
        SourceFile::temporary(&label, file).map_err(in_file(&label))
    }

    fn failed(&self, error: ParquetError) -> Error {
        while_writing(error, |message| self.broken(&message))
    }

    fn unstorable(&self, error: StoreError) -> Error {
        let StoreError { column, row, problem } = error;
        let row = self.rows + row;
        let place = format!("column {:?}, row {row}", column.path);
        self.refused(Some(column), format!("{place}: {problem}"))
    }

    fn broken(&self, message: &str) -> Error {
        self.refused(None, in_words(message))
    }

    fn refused(&self, column: Option<FrameColumn>, message: String) -> Error {
        let label = self.label.display().to_string();
        Error::Frame { label, column: column.map(Box::new), message }
    }
}

/// Compares the schemas that frames will have as files; `frames` gives names, schemas, and how
/// decimals are written.
/// Returns the schema of all, or with `mending.cast` their common one.
///
/// # Errors
/// [`UploadError::Check`] with all that differ from the most common one, or
/// [`Error::Frame`] for a frame that cannot be parquet.
pub fn check_schemas(
    frames: &[(String, SchemaRef, Decimals)],
    mending: Mending,
) -> Result<Option<TypePtr>, UploadError> {
    let mut found = Vec::with_capacity(frames.len());
    let mut schemas = Vec::with_capacity(frames.len());
    for (name, schema, decimals) in frames {
        let schema = Storage::of(name, schema, *decimals)?.parquet.root_schema_ptr();
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

/// A temporary file that sums up what is written to it.
///
/// The listing of a dataset tells sizes, not contents, and two frames of as many numbers make
/// files of one size. So the file gets a padding whose length comes from its content: then a
/// file of another content is not taken for one that is in the dataset already.
struct FingerprintedFile {
    file: File,
    sum: crc32fast::Hasher,
}

impl FingerprintedFile {
    fn new() -> Result<Self> {
        let file = temporary_file()?;
        Ok(Self { file, sum: crc32fast::Hasher::new() })
    }

    fn padding(&self) -> String {
        const LONGEST: u32 = 4096;
        " ".repeat((self.sum.clone().finalize() % LONGEST) as usize)
    }
}

impl Write for FingerprintedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

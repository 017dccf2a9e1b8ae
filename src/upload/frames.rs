//! Encodes frames (streams of Arrow record batches) into temporary Parquet files.

use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{Schema, SchemaRef};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::Compression,
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties},
    schema::types::TypePtr,
};

pub use super::storage::Decimals;
use super::{
    storage::{Storage, in_words},
    stored_values::{StoreError, stored},
    temporary::{HashedFile, while_writing},
};
use crate::{
    config::{BATCH_ROWS, ROW_GROUP_BYTES},
    error::{Error, FrameColumn, Result},
    location::Location,
    schema::{Footer, FooterError, FooterReader, leaf_count},
    source::Content,
    temporary_file::in_temporary_folder,
    wire::digest::Sha256Digest,
};

/// Encodes one frame, a stream of record batches, as snappy Parquet files, in bounded memory.
pub struct FrameEncoder {
    label: String,
    /// Dropped as soon as the frame has ended or failed: others may wait for its resources.
    batches: Option<Box<dyn RecordBatchReader + Send>>,
    storage: Storage,
    rows_per_file: usize,
    /// Rows of all files so far.
    rows: usize,
    has_given: bool,
    /// The rows of the last batch that are not written yet.
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
    /// `label` names the frame in messages. `rows_per_file` splits it into files with this many
    /// rows; the last file may have fewer. `None` writes one file.
    ///
    /// # Errors
    /// [`Error::Frame`] if the frame has no columns, or types that Parquet does not have.
    pub fn new(
        label: &str,
        batches: Box<dyn RecordBatchReader + Send>,
        rows_per_file: Option<usize>,
        decimals: Decimals,
    ) -> Result<Self> {
        let storage = Storage::of(label, &batches.schema(), decimals)?;
        Ok(Self {
            label: label.to_owned(),
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

    /// Whether the last file was returned.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// Notes about extension types that the files do not keep.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.storage.notes
    }

    /// Whether the frame has yielded a batch, even one without rows.
    #[must_use]
    pub fn has_given(&self) -> bool {
        self.has_given
    }

    /// The number of rows that the frame has yielded.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// Drops the frame. The rest of it is not encoded.
    pub fn close(&mut self) {
        (self.batches, self.rest, self.writer) = (None, None, None);
        self.is_exhausted = true;
    }

    /// Encodes for about `time`, and returns a file when one is complete. A frame without rows
    /// makes one file without rows.
    ///
    /// # Errors
    /// [`Error::Frame`] if the frame fails or a value cannot be encoded,
    /// [`Error::File`] if the folder for temporary files is full.
    pub fn encode(&mut self, time: Duration) -> Result<Option<Content>> {
        self.encode_some(time).inspect_err(|_| self.close())
    }

    fn encode_some(&mut self, time: Duration) -> Result<Option<Content>> {
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

    /// The next rows of the current file, few enough to be encoded in a short time.
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
        let file = HashedFile::new()?;
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

    fn finish(&mut self) -> Result<Content> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open()?,
        };
        self.files += 1;
        let location = Location::Label(self.label.as_str().into());
        writer.parquet.flush().map_err(|error| self.failed(error))?;
        // The writer buffers bytes before the file, and the hash needs all of them.
        writer.parquet.sync().map_err(in_temporary_folder)?;
        let padding = padding(writer.parquet.inner().hash());
        writer
            .parquet
            .append_key_value_metadata(KeyValue::new("sutro.padding".to_owned(), padding));
        let file = writer.parquet.into_inner().map_err(|error| self.failed(error))?;
        file.into_content(location)
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
        let label = self.label.clone();
        Error::Frame { label, column: column.map(Box::new), message }
    }
}

/// A frame that is not encoded yet: what is known about its file.
#[derive(Clone, Debug)]
pub struct FrameOutline {
    label: String,
    footer: Footer,
    /// Indexes of the leaves that were not searched for values, in ascending order.
    not_looked_at: Vec<u32>,
}

impl FrameOutline {
    /// The outline of a frame without a look at its values; `label` names it in messages.
    ///
    /// # Errors
    /// [`Error::Frame`] if it cannot be stored as Parquet.
    pub fn new(label: &str, schema: &Schema, decimals: Decimals) -> Result<Self> {
        let schema = Storage::of(label, schema, decimals)?.parquet.root_schema_ptr();
        let not_looked_at = (0..).take(leaf_count(&schema)).collect();
        let footer = Footer::expected(schema, 1, Vec::new());
        Ok(Self { label: label.to_owned(), footer, not_looked_at })
    }

    /// The outline of a frame that was encoded to `file`.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read.
    pub fn of_file(label: &str, file: &Content) -> Result<Self> {
        let footer = footer_of(file)?;
        Ok(Self { label: label.to_owned(), footer, not_looked_at: Vec::new() })
    }

    /// Adds what a look at the rows has found: their number, and which of the leaves that were
    /// `looked_at` have no values. Both lists have indexes in ascending order.
    #[must_use]
    pub fn with_values(
        mut self,
        row_count: u64,
        looked_at: &[u32],
        without_values: Vec<u32>,
    ) -> Self {
        self.not_looked_at.retain(|place| looked_at.binary_search(place).is_err());
        let schema = self.footer.parquet_schema;
        Self { footer: Footer::expected(schema, row_count, without_values), ..self }
    }

    /// The outline in the best case: leaves that were not looked at have no values.
    #[must_use]
    pub fn at_best(&self) -> Self {
        let Footer { parquet_schema, row_count, without_values, .. } = &self.footer;
        let mut places = [&without_values[..], &self.not_looked_at].concat();
        places.sort_unstable();
        Self {
            label: self.label.clone(),
            footer: Footer::expected(Arc::clone(parquet_schema), *row_count, places),
            not_looked_at: Vec::new(),
        }
    }

    pub(super) fn named_footer(&self) -> (&str, &Footer) {
        (&self.label, &self.footer)
    }

    /// The indexes of all leaves of its schema.
    pub(super) fn leaves(&self) -> Vec<u32> {
        let leaves = self.columns().iter().map(|column| leaf_count(column)).sum();
        (0..).take(leaves).collect()
    }

    fn columns(&self) -> &[TypePtr] {
        self.footer.parquet_schema.get_fields()
    }
}

/// For each frame, the leaves of columns that differ between frames: looking at their values can
/// help.
#[must_use]
pub fn differing_leaves(frames: &[FrameOutline]) -> Vec<Vec<u32>> {
    let mut first: HashMap<&str, &TypePtr> = HashMap::new();
    let mut differing = HashSet::new();
    for column in frames.iter().flat_map(FrameOutline::columns) {
        if *first.entry(column.name()).or_insert(column) != column {
            differing.insert(column.name());
        }
    }
    let places = |frame: &FrameOutline| {
        let leaves = frame.columns().iter().flat_map(|column| {
            iter::repeat_n(differing.contains(column.name()), leaf_count(column))
        });
        (0..).zip(leaves).filter(|(_, differs)| *differs).map(|(place, _)| place).collect()
    };
    frames.iter().map(places).collect()
}

/// The leaves of a created file that have no values, as indexes in ascending order.
///
/// # Errors
/// [`Error::File`] if it cannot be read.
pub fn leaves_without_values(file: &Content) -> Result<Vec<u32>> {
    Ok(footer_of(file)?.without_values)
}

fn footer_of(file: &Content) -> Result<Footer> {
    let open = file.open()?;
    match FooterReader::default().read(file.size(), |range| open.read(range)) {
        Ok(footer) => Ok(footer),
        Err(FooterError::Read(error)) => Err(error),
        Err(FooterError::Invalid(invalid)) => {
            Err(Error::Internal(format!("a file that was made {invalid}")))
        }
    }
}

/// A padding whose length depends on the content before it.
///
/// Some servers report sizes but no hashes, and two frames with equally many numbers make files of
/// the same size. With the padding, frames of different content under one name differ in size as
/// well.
fn padding(content: Sha256Digest) -> String {
    const LONGEST: u16 = 4096;
    " ".repeat(usize::from(
        u16::from_le_bytes([content.as_bytes()[4], content.as_bytes()[5]]) % LONGEST,
    ))
}

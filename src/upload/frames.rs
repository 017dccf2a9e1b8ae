//! Encodes frames (streams of Arrow record batches) into temporary Parquet files.

use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::Schema;
use parquet::{errors::ParquetError, schema::types::TypePtr};

pub use super::{frame_files::FileLimits, storage::Decimals};
use super::{
    frame_files::FrameFiles,
    frame_writer::Step,
    storage::{Storage, in_words},
    stored_values::{StoreError, stored},
    temporary::{HashedFile, while_writing},
};
use crate::{
    error::{Error, FrameColumn, Result},
    location::Location,
    schema::{Footer, FooterError, FooterReader, leaf_count},
    source::Content,
};

/// Encodes one frame, a stream of record batches, as snappy Parquet files, in bounded memory.
pub struct FrameEncoder {
    label: String,
    /// Dropped as soon as the frame has ended or failed: others may wait for its resources.
    batches: Option<Box<dyn RecordBatchReader + Send>>,
    storage: Storage,
    /// Rows of all files so far.
    rows: usize,
    has_given: bool,
    /// The rows of the last batch that are not written yet.
    rest: Option<RecordBatch>,
    limits: FileLimits,
    files: FrameFiles,
    oversized_files: usize,
    is_exhausted: bool,
}

impl FrameEncoder {
    /// `label` names the frame in messages. `limits` split it into several files.
    ///
    /// # Errors
    /// [`Error::Frame`] if the frame has no columns, or types that Parquet does not support.
    pub fn new(
        label: &str,
        batches: Box<dyn RecordBatchReader + Send>,
        limits: FileLimits,
        decimals: Decimals,
    ) -> Result<Self> {
        let storage = Storage::of(label, &batches.schema(), decimals)?;
        Ok(Self {
            label: label.to_owned(),
            batches: Some(batches),
            storage,
            rows: 0,
            has_given: false,
            rest: None,
            limits,
            files: FrameFiles::new(limits),
            oversized_files: 0,
            is_exhausted: false,
        })
    }

    /// Whether there are no more files.
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

    /// The number of files so far that are larger than their limit, because a single row, or the
    /// description of the columns, needs more.
    #[must_use]
    pub fn oversized_files(&self) -> usize {
        self.oversized_files
    }

    /// Drops the frame. The rest of it is not encoded.
    pub fn close(&mut self) {
        (self.batches, self.rest) = (None, None);
        self.files.close();
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
            match self.step(false)? {
                Step::Complete(file) => return self.completed(file).map(Some),
                Step::Working => {}
                Step::NeedsRows => match self.next_rows()? {
                    Some(rows) => self.write(&rows)?,
                    None => match self.step(true)? {
                        Step::Complete(file) => return self.completed(file).map(Some),
                        Step::Working => {}
                        Step::NeedsRows => self.is_exhausted = true,
                    },
                },
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        Ok(None)
    }

    fn step(&mut self, is_end: bool) -> Result<Step> {
        self.files.next(&self.storage, is_end).map_err(|error| self.failed(error))
    }

    fn completed(&mut self, file: HashedFile) -> Result<Content> {
        let content = file.into_content(Location::Label(self.label.as_str().into()))?;
        let is_oversized = self.limits.bytes.is_some_and(|most| content.size() > most);
        self.oversized_files += usize::from(is_oversized);
        Ok(content)
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
        let rows = batch.num_rows().min(self.files.room());
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Some(batch.slice(0, rows)))
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let columns = stored(rows, &self.storage).map_err(|error| self.unstorable(error))?;
        self.files.write(&self.storage, &columns).map_err(|error| self.failed(error))?;
        self.rows += rows.num_rows();
        Ok(())
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

//! A dataset read back: its files, in order, as Arrow record batches, in bounded memory.
//!
//! ```text
//! listing ──> download (one file ahead, to a temporary file) ──> decode ──> batches
//! ```

use std::{
    collections::HashMap,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_schema::{ArrowError, FieldRef, Schema, SchemaRef};
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    },
    file::metadata::RowGroupMetaData,
};
use tokio::{runtime::Handle, sync::mpsc, task::JoinSet};

use crate::{
    client::{ApiClient, in_background},
    config::{BATCH_BYTES, BATCH_ROWS},
    error::{Error, Result},
    schema::Footer,
};

/// The rows of a dataset, file after file.
///
/// While a file is decoded the next one is downloaded; a batch waits until it is taken. What
/// is at work ends when this is dropped.
pub struct DatasetReader {
    schema: SchemaRef,
    batches: Receiver<Result<Option<RecordBatch>>>,
    is_over: bool,
    /// Ends with this.
    _downloads: JoinSet<()>,
}

/// A file of the dataset, downloaded.
struct Downloaded {
    dataset_id: Arc<str>,
    name: String,
    file: File,
}

/// What [`DatasetReader::next_within`] has seen.
pub enum Next {
    /// More rows.
    Batch(RecordBatch),
    /// None yet.
    Waiting,
    /// There are no more.
    End,
}

impl DatasetReader {
    /// Lists the dataset and downloads its first file, which tells the schema. A dataset
    /// without files has no columns.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`], [`Error::Decode`], connection and service errors.
    pub async fn open(client: &ApiClient, dataset_id: &str) -> Result<Self> {
        let listing = client.list_dataset_files(dataset_id).await?;
        let names: Vec<_> = listing.into_iter().map(|file| file.file_name).collect();
        let files_left = names.len();
        let mut tasks = JoinSet::new();
        // A file is asked for when there is room for it: one ahead.
        let (sender, mut downloads) = mpsc::channel(1);
        tasks.spawn(download(client.clone(), dataset_id.into(), names, sender));
        let first = match downloads.recv().await {
            Some(first) => Some(in_background(|| first?.open()).await?),
            None => None,
        };
        let schema =
            first.as_ref().map_or_else(|| Arc::new(Schema::empty()), OpenFile::plain_schema);
        let (sender, batches) = sync_channel(1);
        let decoder =
            Decoder { schema: Arc::clone(&schema), files_left, downloads, batches: sender };
        let runtime = Handle::current();
        // Not a task: it blocks for as long as nobody takes its batches.
        thread::Builder::new()
            .name("sutro-read".to_owned())
            .spawn(move || decoder.run(first, &runtime))
            .map_err(|error| Error::no_more_threads(&error))?;
        Ok(Self { schema, batches, is_over: false, _downloads: tasks })
    }

    /// The schema of all batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch, if there is one within `time`. An error is the end, too.
    ///
    /// # Errors
    /// [`Error::Decode`], connection and service errors.
    pub fn next_within(&mut self, time: Duration) -> Result<Next> {
        if self.is_over {
            return Ok(Next::End);
        }
        let next = match self.batches.recv_timeout(time) {
            Ok(Ok(Some(batch))) => Ok(Next::Batch(batch)),
            Ok(Ok(None)) => Ok(Next::End),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Ok(Next::Waiting),
            Err(RecvTimeoutError::Disconnected) => Err(ended_early()),
        };
        self.is_over = !matches!(next, Ok(Next::Batch(_) | Next::Waiting));
        next
    }
}

fn ended_early() -> Error {
    Error::Internal("the reading of a dataset ended before its last file".to_owned())
}

async fn download(
    client: ApiClient,
    dataset_id: Arc<str>,
    names: Vec<String>,
    downloads: mpsc::Sender<Result<Downloaded>>,
) {
    for name in names {
        // Fails when nobody reads any more.
        let Ok(room) = downloads.reserve().await else { return };
        let file = client.download_temporary(&dataset_id, &name).await;
        let is_last = file.is_err();
        room.send(file.map(|file| Downloaded { dataset_id: Arc::clone(&dataset_id), name, file }));
        if is_last {
            return;
        }
    }
}

/// A file whose batches can be read.
struct OpenFile {
    dataset_id: Arc<str>,
    name: String,
    schema: SchemaRef,
    batches: ParquetRecordBatchReader,
}

impl Downloaded {
    fn open(self) -> Result<OpenFile> {
        let Self { dataset_id, name, file } = self;
        let broken = |message| broken(&dataset_id, &name, message);
        let size = file.metadata().map_err(|error| broken(error.to_string()))?.len();
        // Its guard bounds what a footer can do to the reader below.
        Footer::read(&file, size)
            .map_err(|error| broken(error.to_string()))?
            .map_err(|invalid| broken(invalid.to_string()))?;
        // The Arrow schema that a writer may have left is not to be trusted.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let opened = guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
            let rows = batch_rows(builder.metadata().row_groups());
            let schema = Arc::clone(builder.schema());
            Ok((schema, builder.with_batch_size(rows).build()?))
        });
        let (schema, batches) = opened.map_err(broken)?;
        Ok(OpenFile { dataset_id, name, schema, batches })
    }
}

/// Rows of a batch: fewer where rows are wide.
fn batch_rows(row_groups: &[RowGroupMetaData]) -> usize {
    let widest = row_groups
        .iter()
        .filter(|group| group.num_rows() > 0)
        .map(|group| group.total_byte_size() / group.num_rows())
        .max();
    let row_bytes = usize::try_from(widest.unwrap_or(1)).unwrap_or(1).max(1);
    (BATCH_BYTES / row_bytes).clamp(1, BATCH_ROWS)
}

impl OpenFile {
    /// Without metadata, in which files of one schema may differ.
    fn plain_schema(&self) -> SchemaRef {
        let fields = self.schema.fields().iter();
        let plain = |field: &FieldRef| field.as_ref().clone().with_metadata(HashMap::new());
        Arc::new(Schema::new(fields.map(plain).collect::<Vec<_>>()))
    }

    fn next(&mut self, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        let batch = guarded(|| {
            let batch = self.batches.next().transpose()?;
            batch.map(|batch| conform(&batch, schema)).transpose()
        });
        batch.map_err(|message| broken(&self.dataset_id, &self.name, message))
    }
}

/// Gives a batch the types of the first file: files of one schema may still differ in the names
/// of list elements.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let has_name = |(field, expected): (&FieldRef, &FieldRef)| field.name() == expected.name();
    let (found, expected) = (batch.schema_ref().fields(), schema.fields());
    if found.len() != expected.len() || !found.iter().zip(expected).all(has_name) {
        let message = "it has other columns than the files before it";
        return Err(ArrowError::SchemaError(message.to_owned()));
    }
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            cast(column, field.data_type())
        }
    });
    // Without columns only the count tells how many rows there are.
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// Decodes file after file, and hands on their batches.
struct Decoder {
    schema: SchemaRef,
    files_left: usize,
    downloads: mpsc::Receiver<Result<Downloaded>>,
    batches: SyncSender<Result<Option<RecordBatch>>>,
}

impl Decoder {
    fn run(mut self, first: Option<OpenFile>, runtime: &Handle) {
        let end = self.decode(first, runtime).map(|()| None);
        // Fails when nobody reads any more.
        let _ = self.batches.send(end);
    }

    fn decode(&mut self, mut file: Option<OpenFile>, runtime: &Handle) -> Result<()> {
        while let Some(mut open) = file {
            while let Some(batch) = open.next(&self.schema)? {
                if self.batches.send(Ok(Some(batch))).is_err() {
                    return Ok(());
                }
            }
            self.files_left -= 1;
            let next = runtime.block_on(self.downloads.recv());
            file = next.map(|next| next.and_then(Downloaded::open)).transpose()?;
        }
        if self.files_left == 0 { Ok(()) } else { Err(ended_early()) }
    }
}

/// The reader of the parquet crate panics on some damaged pages.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(|error| error.to_string()),
        Err(_panic) => Err("its pages are damaged".to_owned()),
    }
}

fn broken(dataset_id: &str, file_name: &str, message: String) -> Error {
    Error::Decode { dataset_id: dataset_id.to_owned(), file_name: file_name.to_owned(), message }
}

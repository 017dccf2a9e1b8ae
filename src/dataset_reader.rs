//! Reads a dataset: its files, in order, as Arrow record batches, in bounded memory.
//!
//! ```text
//! listing ──> download (one file ahead, to a temporary file) ──> decode ──> batches
//! ```

use std::{
    collections::{BTreeSet, HashMap},
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
use arrow_schema::{ArrowError, FieldRef, Schema, SchemaRef};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
        },
    },
    file::metadata::RowGroupMetaData,
};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{
    array_layout::with_type,
    background::in_background,
    client::ApiClient,
    config::{BATCH_BYTES, BATCH_ROWS},
    error::{Error, Result},
    hint::{Hint, Message},
    read_at::read_range,
    schema::FooterReader,
    wire::{messages::DatasetFile, places::Places},
};

/// The rows of a dataset, file after file.
///
/// While one file is decoded, the next one is downloaded. A batch waits until it is consumed.
/// Dropping the reader stops all work.
pub struct DatasetReader {
    schema: SchemaRef,
    batches: Receiver<Result<Option<RecordBatch>>>,
    is_over: bool,
    /// Ends when the reader is dropped.
    _tasks: JoinSet<()>,
    downloads: AbortHandle,
}

/// What to read of a dataset.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Top-level columns, in this order; `None` reads all. Only the pages of these columns are
    /// decoded.
    pub columns: Option<Vec<String>>,
    /// Files, in this order; `None` reads all, in the dataset's order.
    pub files: Option<Vec<String>>,
}

/// A file of the dataset, downloaded.
struct Downloaded {
    dataset_id: Arc<str>,
    name: String,
    file: File,
}

/// The result of [`DatasetReader::next_within`].
pub enum Next {
    /// More rows.
    Batch(RecordBatch),
    /// No rows yet.
    Waiting,
    /// No more rows.
    End,
}

impl DatasetReader {
    /// Lists the dataset and downloads its first file, which defines the schema. A dataset without
    /// files has no columns.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`], [`Error::Decode`], connection and server errors;
    /// [`Error::Configuration`] if the dataset lacks a selected file or column.
    pub async fn open(client: &ApiClient, dataset_id: &str, selection: Selection) -> Result<Self> {
        let Selection { columns, files } = selection;
        let listing = client.list_dataset_files(dataset_id).await?;
        let names = match files {
            Some(files) => selected_files(dataset_id, &listing, &files)?,
            None => listing.into_iter().map(|file| file.file_name).collect(),
        };
        let files_left = names.len();
        let mut tasks = JoinSet::new();
        // The next file is requested when there is room for it: one ahead.
        let (sender, mut downloads) = mpsc::channel(1);
        let downloading = tasks.spawn(download(client.clone(), dataset_id.into(), names, sender));
        let first = match downloads.recv().await {
            Some(first) => {
                let columns = columns.clone();
                Some(in_background(move || first?.open(columns.as_deref())).await?)
            }
            None => None,
        };
        let schema =
            first.as_ref().map_or_else(|| Arc::new(Schema::empty()), OpenFile::plain_schema);
        let (sender, batches) = sync_channel(1);
        let decoder = Decoder {
            schema: Arc::clone(&schema),
            columns,
            files_left,
            downloads,
            batches: sender,
        };
        let runtime = Handle::current();
        // A thread instead of a task: it blocks until its batches are consumed.
        thread::Builder::new()
            .name("sutro-read".to_owned())
            .spawn(move || decoder.run(first, &runtime))
            .map_err(|error| Error::no_more_threads(&error))?;
        Ok(Self { schema, batches, is_over: false, _tasks: tasks, downloads: downloading })
    }

    /// The schema of all batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Aborts the downloads. If some are missing, a wait for the next batch then ends with an error.
    #[must_use]
    pub fn downloads(&self) -> AbortHandle {
        self.downloads.clone()
    }

    /// The next batch, if there is one within `time`. The stream also ends after an error.
    ///
    /// # Errors
    /// [`Error::Decode`], connection and server errors.
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
    Error::Internal("reading a dataset ended before its last file".to_owned())
}

/// The files of these names, as the dataset writes them.
///
/// # Errors
/// [`Error::Configuration`] if the dataset has no file of this name.
fn selected_files(
    dataset_id: &str,
    listing: &[DatasetFile],
    files: &[String],
) -> Result<Vec<String>> {
    let places = Places::of(files.iter().map(String::as_str), listing);
    let find = |file: &String| {
        let place = places.get(file).ok_or_else(|| {
            let message = format!("the dataset {dataset_id} has no file {file:?}");
            Error::configuration(Message::from(message).hint(Hint::ListFiles))
        })?;
        Ok(listing[place].file_name.clone())
    };
    files.iter().map(find).collect()
}

async fn download(
    client: ApiClient,
    dataset_id: Arc<str>,
    names: Vec<String>,
    downloads: mpsc::Sender<Result<Downloaded>>,
) {
    for name in names {
        // Fails if the consumer is gone.
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
    /// Positions of the selected columns in a decoded batch.
    order: Option<Vec<usize>>,
}

impl Downloaded {
    fn open(self, columns: Option<&[String]>) -> Result<OpenFile> {
        let Self { dataset_id, name, file } = self;
        let broken = |message| broken(&dataset_id, &name, message);
        let size = file.metadata().map_err(|error| broken(error.to_string()))?.len();
        // The guard limits what a footer can do to the reader below.
        FooterReader::default()
            .read(size, |range| read_range(&file, range))
            .map_err(|error| broken(error.to_string()))?;
        // The Arrow schema that a writer may have stored is not trusted.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let opened = guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
            let rows = batch_rows(builder.metadata().row_groups());
            Ok(builder.with_batch_size(rows))
        });
        let builder = opened.map_err(broken)?;
        let places = columns.map(|columns| places_of(&dataset_id, columns, builder.schema()));
        let places = places.transpose()?;
        let (mask, order) = match &places {
            Some(places) => {
                let roots: BTreeSet<_> = places.iter().copied().collect();
                let order = places.iter().map(|place| roots.range(..place).count()).collect();
                (ProjectionMask::roots(builder.parquet_schema(), roots), Some(order))
            }
            None => (ProjectionMask::all(), None),
        };
        let schema = match &places {
            Some(places) => builder.schema().project(places).map(Arc::new),
            None => Ok(Arc::clone(builder.schema())),
        };
        let batches = guarded(|| Ok(builder.with_projection(mask).build()?)).map_err(broken)?;
        let schema = schema.map_err(|error| broken(error.to_string()))?;
        Ok(OpenFile { dataset_id, name, schema, batches, order })
    }
}

/// Positions of columns among the top-level columns of a file.
///
/// # Errors
/// [`Error::Configuration`] with the existing columns.
fn places_of(dataset_id: &str, columns: &[String], schema: &Schema) -> Result<Vec<usize>> {
    let place = |column: &String| {
        schema.index_of(column).map_err(|_| {
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            Error::configuration(format!(
                "the dataset {dataset_id} has no column {column:?}; it has {}",
                names.join(", ")
            ))
        })
    };
    columns.iter().map(place).collect()
}

/// Rows per batch; fewer if rows are wide.
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
    /// Without metadata, which may differ between files of one schema.
    fn plain_schema(&self) -> SchemaRef {
        let fields = self.schema.fields().iter();
        let plain = |field: &FieldRef| field.as_ref().clone().with_metadata(HashMap::new());
        Arc::new(Schema::new(fields.map(plain).collect::<Vec<_>>()))
    }

    fn next(&mut self, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        let batch = guarded(|| {
            let batch = self.batches.next().transpose()?;
            let select = |batch: RecordBatch| match &self.order {
                Some(order) => batch.project(order),
                None => Ok(batch),
            };
            batch.map(|batch| conform(&select(batch)?, schema)).transpose()
        });
        batch.map_err(|message| broken(&self.dataset_id, &self.name, message))
    }
}

/// Converts a batch to the types of the first file, because files of one schema may differ in the
/// names of list elements.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let has_name = |(field, expected): (&FieldRef, &FieldRef)| field.name() == expected.name();
    let (found, expected) = (batch.schema_ref().fields(), schema.fields());
    if found.len() != expected.len() || !found.iter().zip(expected).all(has_name) {
        let message = "its columns differ from those of the files before it";
        return Err(ArrowError::SchemaError(message.to_owned()));
    }
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            with_type(column, field.data_type())
        }
    });
    // Without columns, only the count gives the number of rows.
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// Decodes file after file, and passes on their batches.
struct Decoder {
    schema: SchemaRef,
    columns: Option<Vec<String>>,
    files_left: usize,
    downloads: mpsc::Receiver<Result<Downloaded>>,
    batches: SyncSender<Result<Option<RecordBatch>>>,
}

impl Decoder {
    fn run(mut self, first: Option<OpenFile>, runtime: &Handle) {
        let end = self.decode(first, runtime).map(|()| None);
        // Fails if the consumer is gone.
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
            let open = |next: Downloaded| next.open(self.columns.as_deref());
            file = next.map(|next| next.and_then(open)).transpose()?;
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

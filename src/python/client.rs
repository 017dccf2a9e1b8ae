//! `sutro._core.Client`: each call returns a [`Job`].

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use pyo3::{IntoPyObjectExt, prelude::*};
use tokio::sync::mpsc;

use super::{
    convert::{self, FileCursor},
    dataset_stream,
    errors::IntoPyErr,
    files::FoundFiles,
    frames::FrameSchema,
    job::Job,
    local_server::open_shared,
    per_process::PerProcess,
    preflight::Preflight,
};
use crate::{
    client::{ApiClient, ClientOptions, DownloadOptions, ListingCursor},
    credentials::ApiKey,
    dataset_reader::{DatasetReader, Selection},
    error::Error,
    schema::ColumnType,
    service::LocalServer,
    upload::{self, Hive, MadeFile, MadeFiles, Mending, Source, Tracker, UploadOptions, upload},
};

/// Prefix of an API URL that selects the embedded server on a folder.
const LOCAL: &str = "local:";

/// A client of the API at one URL, with its key.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct Client {
    api: ApiClient,
    /// In a forked child the parent's connections lead nowhere: it has its own.
    forked: PerProcess<ApiClient>,
    process_id: u32,
    #[pyo3(get)]
    api_url: String,
    /// The embedded server runs as long as a client of its folder, or a stream, exists.
    local: Option<Arc<LocalServer>>,
}

/// Converts a `sutro.options.ClientOptions`: times in seconds.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct ClientArguments {
    connect_timeout: f64,
    progress_timeout: f64,
    answer_timeout: f64,
    max_retries: u32,
    retry_deadline: f64,
    certificates: Vec<PathBuf>,
    state_folder: Option<PathBuf>,
}

impl From<ClientArguments> for ClientOptions {
    fn from(arguments: ClientArguments) -> Self {
        // A timeout too long to represent never expires.
        let seconds = |time| Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX);
        Self {
            connect_timeout: seconds(arguments.connect_timeout),
            progress_timeout: seconds(arguments.progress_timeout),
            answer_timeout: seconds(arguments.answer_timeout),
            max_retries: arguments.max_retries,
            retry_deadline: seconds(arguments.retry_deadline),
            certificates: arguments.certificates,
            state_folder: arguments.state_folder,
            ..Self::default()
        }
    }
}

/// Converts a `sutro.options.UploadOptions`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "options of a call")]
pub(super) struct UploadArguments {
    dataset_id: Option<String>,
    names: Option<Vec<String>>,
    concurrency: usize,
    pub(super) ordered: bool,
    pub(super) cast: bool,
    pub(super) recompress: bool,
    hive: Option<HiveArgument>,
    dry_run: bool,
}

/// Converts the `hive` argument; None means that it was not given.
#[derive(FromPyObject)]
enum HiveArgument {
    Flag(bool),
    Types(HashMap<String, String>),
}

impl From<Option<HiveArgument>> for Hive {
    fn from(argument: Option<HiveArgument>) -> Self {
        match argument {
            None => Self::Refuse,
            Some(HiveArgument::Flag(false)) => Self::Ignore,
            Some(HiveArgument::Flag(true)) => Self::Columns(HashMap::new()),
            Some(HiveArgument::Types(types)) => {
                let known = |(key, name): (String, String)| Some((key, ColumnType::named(&name)?));
                Self::Columns(types.into_iter().filter_map(known).collect())
            }
        }
    }
}

impl From<UploadArguments> for UploadOptions {
    fn from(arguments: UploadArguments) -> Self {
        let UploadArguments {
            dataset_id,
            names,
            concurrency,
            ordered,
            cast,
            recompress,
            hive,
            dry_run,
        } = arguments;
        let (mending, hive) = (Mending { cast, recompress }, hive.into());
        Self { dataset_id, names, concurrency, ordered, mending, hive, dry_run }
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (*, api_key, api_url, options))]
    fn new(
        py: Python<'_>,
        api_key: Option<&str>,
        api_url: String,
        options: ClientArguments,
    ) -> PyResult<Self> {
        let (options, process_id) = (options.into(), std::process::id());
        if let Some(folder) = api_url.strip_prefix(LOCAL) {
            let server = open_shared(py, PathBuf::from(folder))?;
            let api = ApiClient::with_options(&server.api_url(), server.api_key().clone(), options);
            let api = api.map_err(|error| error.into_py_err(py))?;
            api.has_told_hashes();
            return Ok(Self {
                api,
                forked: PerProcess::new(),
                process_id,
                api_url,
                local: Some(server),
            });
        }
        let key = api_key.and_then(ApiKey::new).ok_or_else(|| {
            let message = "the API key is empty or has characters that a key cannot have";
            Error::Configuration(message.to_owned()).into_py_err(py)
        })?;
        let api = ApiClient::with_options(&api_url, key, options)
            .map_err(|error| error.into_py_err(py))?;
        Ok(Self { api, forked: PerProcess::new(), process_id, api_url, local: None })
    }

    /// Starts an upload of files.
    fn upload(&self, files: &FoundFiles, options: UploadArguments) -> PyResult<Job> {
        self.start_upload(Source::Files(files.0.clone()), options.into(), None)
    }

    /// Starts an upload of files that are passed with [`Job::feed`].
    fn upload_made_files(
        &self,
        file_count: Option<usize>,
        schema: Option<&FrameSchema>,
        options: UploadArguments,
    ) -> PyResult<Job> {
        let schema = schema.map(|schema| Arc::clone(&schema.0));
        let (sender, files) = MadeFiles::channel(file_count, schema);
        self.start_upload(Source::Made(files), options.into(), Some(sender))
    }

    /// What a dataset holds before an upload into it; `names` asks for the names of all files.
    fn preflight(&self, dataset_id: String, names: bool) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { upload::Preflight::of(&api, dataset_id, names).await };
        Job::start(work, None, |py, it| Preflight(Arc::new(it)).into_py_any(py))
    }

    fn create_dataset(&self, name: Option<String>) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { api.create_named_dataset(name.as_deref()).await };
        Job::start(work, None, |py, id| id.into_py_any(py))
    }

    fn list_datasets(&self) -> PyResult<Job> {
        let api = self.api()?;
        Job::start(async move { api.list_datasets().await }, None, convert::datasets)
    }

    #[pyo3(signature = (dataset_id, after = None))]
    fn list_dataset_files(
        &self,
        dataset_id: String,
        after: Option<&Bound<'_, FileCursor>>,
    ) -> PyResult<Job> {
        let api = self.api()?;
        let (cursor, shared) = match after.map(|after| (after.py(), after.get())) {
            None => (ListingCursor::new(&dataset_id), None),
            Some((py, FileCursor { cursor, shared })) => {
                let shared = shared.as_ref();
                let clone =
                    |(schema, columns): &(_, Py<_>)| (Arc::clone(schema), columns.clone_ref(py));
                (cursor.clone(), shared.map(clone))
            }
        };
        let work = async move { api.list_page(cursor).await };
        Job::start(work, None, |py, page| convert::dataset_files(py, page, shared))
    }

    fn download_from_dataset(
        &self,
        dataset_id: String,
        files: Option<Vec<String>>,
        output_path: PathBuf,
        concurrency: usize,
        overwrite: bool,
    ) -> PyResult<Job> {
        let api = self.api()?;
        let options = DownloadOptions { files, folder: output_path, concurrency, overwrite };
        let work = async move { api.download_from_dataset(&dataset_id, options).await };
        Job::start(work, None, |py, paths| {
            let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
            paths.into_py_any(py)
        })
    }

    /// A dataset's rows, as an object with `__arrow_c_stream__`.
    fn read(
        &self,
        dataset_id: String,
        columns: Option<Vec<String>>,
        files: Option<Vec<String>>,
    ) -> PyResult<Job> {
        let api = self.api()?;
        let selection = Selection { columns, files };
        let work = async move { DatasetReader::open(&api, &dataset_id, selection).await };
        let local = self.local.clone();
        Job::start(work, None, |py, reader| dataset_stream::to_python(py, reader, local))
    }

    fn try_authentication(&self) -> PyResult<Job> {
        let api = self.api()?;
        Job::start(async move { api.try_authentication().await }, None, |py, ()| Ok(py.None()))
    }
}

impl Client {
    /// The connections of this process.
    pub(super) fn api(&self) -> PyResult<ApiClient> {
        if self.process_id == std::process::id() {
            return Ok(self.api.clone());
        }
        let own = self.forked.get_or_try(|| self.api.reconnected());
        own.map(|own| own.value.clone()).map_err(|error| Python::attach(|py| error.into_py_err(py)))
    }

    fn start_upload(
        &self,
        source: Source,
        options: UploadOptions,
        feed: Option<mpsc::Sender<MadeFile>>,
    ) -> PyResult<Job> {
        let api = self.api()?;
        let tracker = Arc::new(Tracker::default());
        let watched = Arc::clone(&tracker);
        let work = async move { upload(&api, source, options, tracker).await };
        Ok(Job::start(work, Some(watched), convert::upload_report)?.fed_by(feed))
    }
}

//! `sutro._core.Client`: each call returns a [`Job`].

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use pyo3::{IntoPyObjectExt, prelude::*};
use tokio::sync::mpsc;

use super::{
    arguments::{ClientArguments, StagedArgument, UploadArguments},
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
    client::{ApiClient, DownloadOptions, ListingCursor},
    config::CONCURRENCY,
    credentials::ApiKey,
    dataset_reader::{DatasetReader, Selection},
    error::Error,
    service::LocalServer,
    source::StorageOptions,
    upload::{
        self, MadeFile, MadeFiles, Source, Tracker, UploadError, UploadOptions, commit_staged,
        stage, upload,
    },
};

/// Prefix of an API URL that selects the embedded server on a folder.
pub(super) const LOCAL_PREFIX: &str = "local:";

/// A client of the API at one URL, with its key.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct Client {
    api: ApiClient,
    /// A forked child cannot use its parent's connections, so it opens its own.
    forked: PerProcess<ApiClient>,
    process_id: u32,
    #[pyo3(get)]
    api_url: String,
    /// The embedded server runs as long as a client of its folder, or a stream, exists.
    local: Option<Arc<LocalServer>>,
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
        if let Some(folder) = api_url.strip_prefix(LOCAL_PREFIX) {
            let server = open_shared(py, PathBuf::from(folder))?;
            // Such a server always has its own key.
            let key = server.api_key().cloned().ok_or_else(|| Error::Internal("no key".to_owned()));
            let api = key.and_then(|key| ApiClient::with_options(&server.api_url(), key, options));
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
            let message = "the API key is empty or contains characters that are not allowed";
            Error::configuration(message).into_py_err(py)
        })?;
        let api = ApiClient::with_options(&api_url, key, options)
            .map_err(|error| error.into_py_err(py))?;
        Ok(Self { api, forked: PerProcess::new(), process_id, api_url, local: None })
    }

    /// Starts an upload of files.
    fn upload(&self, files: &FoundFiles, options: UploadArguments) -> PyResult<Job> {
        self.start_upload(Source::Files(files.0.clone()), options.into())
    }

    /// Starts an upload of files that are passed with [`Job::feed`].
    fn upload_made_files(
        &self,
        file_count: Option<usize>,
        schema: Option<&FrameSchema>,
        options: UploadArguments,
    ) -> PyResult<Job> {
        let (feed, files) = made_files(file_count, schema);
        Ok(self.start_upload(Source::Made(files), options.into())?.fed_by(feed))
    }

    /// Stages files for the dataset that `options` name.
    fn stage(&self, files: &FoundFiles, options: UploadArguments) -> PyResult<Job> {
        self.start_staging(Source::Files(files.0.clone()), options.into())
    }

    /// Stages files that are passed with [`Job::feed`]; `known` is what is known about the dataset.
    fn stage_made_files(
        &self,
        file_count: Option<usize>,
        schema: Option<&FrameSchema>,
        options: UploadArguments,
        known: Option<&Preflight>,
    ) -> PyResult<Job> {
        let (feed, mut files) = made_files(file_count, schema);
        if let Some(known) = known {
            files = files.staged_for(known.0.held());
        }
        Ok(self.start_staging(Source::Made(files), options.into())?.fed_by(feed))
    }

    /// Whether the server stages files for a dataset.
    fn stages(&self, dataset_id: String) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { upload::stages(&api, &dataset_id).await };
        Job::start(work, None, |py, stages| stages.into_py_any(py))
    }

    /// Commits staged files, in their order.
    fn commit(
        &self,
        staged: Vec<StagedArgument>,
        dataset_id: String,
        expected_file_count: Option<u64>,
    ) -> PyResult<Job> {
        let staged = staged.into_iter().map(StagedArgument::into_staged);
        let staged = staged.collect::<PyResult<Vec<_>>>()?;
        let commit = |api, tracker| async move {
            commit_staged(&api, staged, &dataset_id, expected_file_count, tracker).await
        };
        self.start_tracked(commit, convert::upload_report)
    }

    /// The contents of a dataset before an upload; `names` requests the names of all files.
    fn preflight(&self, dataset_id: String, names: bool) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { upload::Preflight::of(&api, dataset_id, names).await };
        Job::start(work, None, |py, it| Preflight(Arc::new(it)).into_py_any(py))
    }

    /// Gets a dataset's schema before files are staged for it.
    fn preflight_of_schema(&self, dataset_id: String) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { upload::Preflight::of_schema(&api, dataset_id).await };
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
        output: PathBuf,
        storage_options: HashMap<String, String>,
        concurrency: Option<usize>,
        overwrite: bool,
    ) -> PyResult<Job> {
        let api = self.api()?;
        let concurrency = concurrency.unwrap_or(CONCURRENCY);
        let storage_options = StorageOptions::new(storage_options);
        let options = DownloadOptions { files, output, storage_options, concurrency, overwrite };
        let work = async move { api.download_from_dataset(&dataset_id, options).await };
        Job::start(work, None, convert::locations)
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

    fn delete_dataset(&self, dataset_id: String) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { api.delete_dataset(&dataset_id).await };
        Job::start(work, None, |py, ()| Ok(py.None()))
    }

    fn delete_dataset_file(&self, dataset_id: String, file_name: String) -> PyResult<Job> {
        let api = self.api()?;
        let work = async move { api.delete_dataset_file(&dataset_id, &file_name).await };
        Job::start(work, None, |py, ()| Ok(py.None()))
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

    fn start_upload(&self, source: Source, options: UploadOptions) -> PyResult<Job> {
        let run = |api, tracker| async move { upload(&api, source, options, tracker).await };
        self.start_tracked(run, convert::upload_report)
    }

    fn start_staging(&self, source: Source, options: UploadOptions) -> PyResult<Job> {
        let run = |api, tracker| async move { stage(&api, source, options, tracker).await };
        self.start_tracked(run, convert::staged_files)
    }

    /// Starts work whose progress can be watched.
    fn start_tracked<T, W>(
        &self,
        work: impl FnOnce(ApiClient, Arc<Tracker>) -> W,
        translate: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Job>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, UploadError>> + Send + 'static,
    {
        let tracker = Arc::new(Tracker::default());
        let work = work(self.api()?, Arc::clone(&tracker));
        Job::start(work, Some(tracker), translate)
    }
}

/// Files that are passed with [`Job::feed`], and their feed.
fn made_files(
    file_count: Option<usize>,
    schema: Option<&FrameSchema>,
) -> (mpsc::Sender<MadeFile>, MadeFiles) {
    MadeFiles::channel(file_count, schema.map(|schema| Arc::clone(&schema.0)))
}

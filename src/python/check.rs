//! Checks without an upload.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use super::{
    client::{Client, UploadArguments},
    convert,
    errors::{IntoPyErr, internal_error},
    files::FoundFiles,
    frames::TemporaryParquet,
    job::Job,
};
use crate::upload::{self, Checker, UploadError, UploadOptions, check_files as check};

/// Checks files; `client` is asked for what the dataset of `options` holds.
#[pyfunction]
pub(super) fn check_files(
    client: Option<&Client>,
    files: &FoundFiles,
    options: UploadArguments,
) -> PyResult<Job> {
    let api = client.map(Client::api).transpose()?;
    let files = files.0.clone();
    let work = async move { check(api.as_ref(), files, options.into()).await };
    Job::start(work, None, convert::check_report)
}

/// Looks whether names can be used, before anything is made of them.
#[pyfunction]
pub(super) fn check_names(py: Python<'_>, names: Vec<String>) -> PyResult<()> {
    upload::check_names(&names).map_err(|error| UploadError::from(error).into_py_err(py))
}

/// Checks files that are made one after the other.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameChecker(Mutex<Option<Checker>>);

#[pymethods]
impl FrameChecker {
    #[new]
    fn new(options: UploadArguments) -> Self {
        let UploadOptions { mending, hive, ordered, .. } = options.into();
        Self(Mutex::new(Some(Checker::new(mending, hive, ordered))))
    }

    fn add(&self, py: Python<'_>, name: Option<String>, file: &TemporaryParquet) -> PyResult<()> {
        let file = file.take(name)?;
        py.detach(|| {
            let mut checker = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            checker.as_mut().map(|checker| checker.add(file))
        })
        .ok_or_else(|| internal_error("the check is over"))
    }

    fn finish(&self, client: Option<&Client>, dataset_id: Option<String>) -> PyResult<Job> {
        let checker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let checker = checker.ok_or_else(|| internal_error("the check is over"))?;
        let api = client.map(Client::api).transpose()?;
        let work = async move { checker.finish(api.as_ref(), dataset_id).await };
        Job::start(work, None, convert::check_report)
    }
}

//! Checks without an upload.

use pyo3::{prelude::*, types::PyTuple};

use super::{
    arguments::UploadArguments,
    classes::{fields, instance},
    client::Client,
    errors::{IntoPyErr, internal_error},
    files::FoundFiles,
    frames::{FrameOutline, TemporaryParquet, outlines},
    hints::in_python,
    job::Job,
    preflight::{Preflight, held},
};
use crate::{
    lock::Lock,
    upload::{self, CheckReport, Checker, FileFacts, UploadError, check_files as check},
};

/// Checks files. `client` lists the dataset of `options`.
#[pyfunction]
pub(super) fn check_files(
    client: Option<&Client>,
    files: &FoundFiles,
    options: UploadArguments,
) -> PyResult<Job> {
    let api = client.map(Client::api).transpose()?;
    let files = files.0.clone();
    let work = async move { check(api.as_ref(), files, options.into()).await };
    Job::start(work, None, check_report)
}

/// Checks whether names can be used, before any file is created.
#[pyfunction]
pub(super) fn check_names(py: Python<'_>, names: Vec<String>) -> PyResult<()> {
    upload::check_names(&names).map_err(|error| UploadError::from(error).into_py_err(py))
}

/// Checks files that are created one after the other.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FrameChecker(Lock<Option<Checker>>);

#[pymethods]
impl FrameChecker {
    #[new]
    fn new(
        py: Python<'_>,
        options: UploadArguments,
        frames: Vec<PyRef<'_, FrameOutline>>,
        preflight: Option<&Preflight>,
    ) -> Self {
        let (options, outlines, held) = (options.into(), outlines(&frames), held(preflight));
        let checker = py.detach(|| Checker::new(options, &outlines, &held));
        Self(Lock::new(Some(checker)))
    }

    fn add(&self, py: Python<'_>, name: Option<String>, file: &TemporaryParquet) -> PyResult<()> {
        let file = file.take(name)?;
        py.detach(|| {
            let mut checker = self.0.lock();
            checker.as_mut().map(|checker| checker.add(file))
        })
        .ok_or_else(|| internal_error("the check has finished"))
    }

    fn finish(&self, client: Option<&Client>, dataset_id: Option<String>) -> PyResult<Job> {
        let checker = self.0.take();
        let checker = checker.ok_or_else(|| internal_error("the check has finished"))?;
        let api = client.map(Client::api).transpose()?;
        let work = async move { checker.finish(api.as_ref(), dataset_id).await };
        Job::start(work, None, check_report)
    }
}

fn check_report(py: Python<'_>, report: CheckReport) -> PyResult<Py<PyAny>> {
    let file = |file: FileFacts| {
        let fields = fields!(py,
            name: file.name,
            path: file.path,
            size_bytes: file.size_bytes,
            row_count: file.row_count,
            row_groups: file.row_groups,
            codecs: PyTuple::new(py, file.codecs)?,
            schema_group: file.schema_group,
        );
        instance(py, "CheckedFile", &fields)
    };
    let files = report.files.into_iter().map(file).collect::<PyResult<Vec<_>>>()?;
    let schemas = report.schemas.into_iter().map(|columns| PyTuple::new(py, columns));
    let words = in_python(py);
    let problems = report.problems.iter().map(|problem| problem.in_words(&words));
    let notes = report.notes.iter().map(|note| note.in_words(&words));
    let fields = fields!(py,
        dataset_id: report.dataset_id,
        files: PyTuple::new(py, files)?,
        schemas: PyTuple::new(py, schemas.collect::<PyResult<Vec<_>>>()?)?,
        problems: PyTuple::new(py, problems.collect::<Vec<_>>())?,
        notes: PyTuple::new(py, notes.collect::<Vec<_>>())?,
        error: report.refusal.map(|refusal| refusal.into_py_err(py).into_value(py)),
    );
    instance(py, "CheckReport", &fields)
}

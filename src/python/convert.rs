//! Converts values of the core to the dataclasses of the Python API.

use std::sync::Arc;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};

use super::{
    classes::{class_of, fields, instance},
    hints::in_python,
};
use crate::{
    client::ListingCursor,
    location::Location,
    schema::Difference,
    upload::{CheckError, Progress, UploadReport, UploadedFile},
    wire::{
        messages::{DatasetFile, DatasetInfo, SchemaSummary},
        staging::StagedFile,
    },
};

/// Paths of this machine as `pathlib.Path`, URLs as text.
pub(super) fn locations(py: Python<'_>, locations: Vec<Location>) -> PyResult<Py<PyAny>> {
    let to_python = |location| match location {
        Location::Path(path) => path.to_path_buf().into_py_any(py),
        Location::Url(text) | Location::Label(text) => text.into_py_any(py),
    };
    let locations = locations.into_iter().map(to_python).collect::<PyResult<Vec<_>>>()?;
    locations.into_py_any(py)
}

pub(super) fn upload_report(py: Python<'_>, report: UploadReport) -> PyResult<Py<PyAny>> {
    let class = class_of(py, "UploadedFile")?;
    let file = |file| class.call((), Some(&fields_of_uploaded_file(py, file)?));
    let files = report.files.into_iter().map(file).collect::<PyResult<Vec<_>>>()?;
    let notes: Vec<_> = report.notes.iter().map(|note| note.in_words(&in_python(py))).collect();
    let fields = fields!(py,
        dataset_id: report.dataset_id,
        files: PyTuple::new(py, files)?,
        bytes: report.bytes,
        bytes_sent: report.bytes_sent,
        seconds: report.seconds,
        concurrency: report.concurrency,
        notes: PyTuple::new(py, notes)?,
    );
    instance(py, "UploadReport", &fields)
}

fn fields_of_uploaded_file(py: Python<'_>, file: UploadedFile) -> PyResult<Bound<'_, PyDict>> {
    Ok(fields!(py,
        position: file.position,
        name: file.name,
        sources: PyTuple::new(py, file.sources.iter().map(ToString::to_string))?,
        file_id: file.file_id,
        size_bytes: file.size_bytes,
        row_count: file.row_count,
        status: file.status.as_str(),
        changes: PyTuple::new(py, file.changes.iter().map(|change| change.as_str()))?,
        attempts: file.attempts,
        started: file.started,
        transferred: file.transferred,
        committed: file.committed,
    ))
}

pub(super) fn staged_files(py: Python<'_>, files: Vec<StagedFile>) -> PyResult<Py<PyAny>> {
    let staged = |file: StagedFile| {
        let fields = fields!(py,
            staged_id: file.staged_id,
            file_name: file.file_name,
            size_bytes: file.size_bytes,
            row_count: file.row_count,
            sha256: file.sha256.to_string(),
            expires_at: file.expires_at,
        );
        instance(py, "StagedFile", &fields)
    };
    files.into_iter().map(staged).collect::<PyResult<Vec<_>>>()?.into_py_any(py)
}

pub(super) fn differences<'py>(
    py: Python<'py>,
    error: &CheckError,
) -> PyResult<Bound<'py, PyTuple>> {
    let difference = |(difference, files): (&Difference, Vec<&str>)| {
        let fields = fields!(py,
            path: &difference.path,
            kind: difference.kind.as_str(),
            expected: difference.expected.as_ref().map(ToString::to_string),
            found: difference.found.as_ref().map(ToString::to_string),
            files: PyTuple::new(py, files)?,
        );
        instance(py, "Difference", &fields)
    };
    let differences = error.differences().into_iter().map(difference);
    PyTuple::new(py, differences.collect::<PyResult<Vec<_>>>()?)
}

pub(super) fn progress(py: Python<'_>, progress: Progress) -> PyResult<Py<PyAny>> {
    let fields = fields!(py,
        phase: progress.phase.as_str(),
        bytes_sent: progress.bytes_sent,
        bytes_total: progress.bytes_total,
        files_committed: progress.files_committed,
        files_in_transfer: progress.files_in_transfer,
        files_held: progress.files_held,
        files_total: progress.files_total,
        files_skipped: progress.files_skipped,
        waiting_for: progress.waiting_for,
        bytes_compared: progress.bytes_compared,
        bytes_to_compare: progress.bytes_to_compare,
    );
    instance(py, "Progress", &fields)
}

pub(super) fn datasets(py: Python<'_>, datasets: Vec<DatasetInfo>) -> PyResult<Py<PyAny>> {
    let dataset = |dataset: DatasetInfo| {
        let fields = fields!(py,
            dataset_id: dataset.dataset_id,
            name: dataset.name,
            created_at: dataset.created_at,
            file_count: dataset.file_count,
            total_size_bytes: dataset.total_size_bytes,
            schema: dataset.schema.map(|schema| columns(py, schema)).transpose()?,
        );
        instance(py, "Dataset", &fields)
    };
    datasets.into_iter().map(dataset).collect::<PyResult<Vec<_>>>()?.into_py_any(py)
}

/// A schema and its Python object. Files of one listing share their schema, across pages, and also
/// its object.
pub(super) type SharedColumns = Option<(Arc<SchemaSummary>, Py<PyTuple>)>;

/// Where a listing continues.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FileCursor {
    pub(super) cursor: ListingCursor,
    pub(super) shared: SharedColumns,
}

/// A page of files, and where the listing continues. `shared` comes from the previous page.
pub(super) fn dataset_files(
    py: Python<'_>,
    (files, next): (Vec<DatasetFile>, Option<ListingCursor>),
    mut shared: SharedColumns,
) -> PyResult<Py<PyAny>> {
    let (list, class) = (PyList::empty(py), class_of(py, "DatasetFile")?);
    for file in files {
        let schema = match (file.schema, &shared) {
            (None, _) => None,
            (Some(schema), Some((known, columns))) if Arc::ptr_eq(known, &schema) => {
                Some(columns.clone_ref(py))
            }
            (Some(schema), _) => {
                let columns = columns(py, (*schema).clone())?.unbind();
                shared = Some((schema, columns.clone_ref(py)));
                Some(columns)
            }
        };
        let fields = fields!(py,
            file_name: file.file_name,
            file_id: file.file_id,
            uploaded_at: file.uploaded_at,
            size_bytes: file.size_bytes,
            row_count: file.row_count,
            sha256: file.sha256.map(|digest| digest.to_string()),
            schema: schema,
        );
        list.append(class.call((), Some(&fields))?)?;
    }
    let next = next.map(|cursor| FileCursor { cursor, shared });
    (list, next).into_py_any(py)
}

fn columns(py: Python<'_>, schema: SchemaSummary) -> PyResult<Bound<'_, PyTuple>> {
    let pairs = schema.fields.into_iter().map(|field| (field.name, field.data_type));
    PyTuple::new(py, pairs.collect::<Vec<_>>())
}

//! Converts errors of the core to the exceptions of `sutro`.

use pyo3::{
    create_exception,
    exceptions::{PyException, PyRuntimeError},
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::{classes::fields, convert, hints::in_python};
use crate::{
    Error,
    message::listed,
    upload::{CheckError, CheckErrorKind, UploadError},
};

create_exception!(sutro._core, Cancelled, PyException, "The call was cancelled.");

/// An error of the core that has its own exception.
pub(super) trait IntoPyErr {
    fn into_py_err(self, py: Python<'_>) -> PyErr;
}

pub(super) fn internal_error(message: &str) -> PyErr {
    Python::attach(|py| exception(py, "InternalError", message, &PyDict::new(py)))
}

impl IntoPyErr for Error {
    fn into_py_err(self, py: Python<'_>) -> PyErr {
        let message = self.in_words(&in_python(py));
        let class = class_of(&self);
        match fields_of(py, self) {
            Ok(fields) => exception(py, class, &message, &fields),
            Err(error) => error,
        }
    }
}

impl IntoPyErr for UploadError {
    fn into_py_err(self, py: Python<'_>) -> PyErr {
        let message = self.in_words(&in_python(py));
        match self {
            Self::Check(error) => check_error(py, &error, &message).unwrap_or_else(|error| error),
            Self::Failed(error) => error.into_py_err(py),
            Self::Incomplete { report, source, .. } => {
                let incomplete = (|| {
                    let fields = fields!(py, report: convert::upload_report(py, *report)?);
                    Ok(exception(py, "UploadIncompleteError", &message, &fields))
                })();
                let incomplete = incomplete.unwrap_or_else(|error: PyErr| error);
                incomplete.set_cause(py, Some(source.into_py_err(py)));
                incomplete
            }
        }
    }
}

/// The class of an error, in `sutro`.
fn class_of(error: &Error) -> &'static str {
    match error {
        Error::Configuration(_) => "ConfigurationError",
        Error::FolderInUse { .. } => "FolderInUseError",
        Error::Authentication { .. } => "AuthenticationError",
        Error::DatasetNotFound { .. } => "DatasetNotFoundError",
        Error::NamesTaken { .. } => "FileExistsInDatasetError",
        Error::NoSuchFile { .. }
        | Error::Refused { .. }
        | Error::NameTaken { .. }
        | Error::Intermediary { .. } => "RefusedError",
        Error::Unavailable { status: 429, .. } => "RateLimitError",
        Error::Unavailable { .. } => "ServerError",
        Error::Connection { .. } => "TransferError",
        Error::Timeout { .. } => "TransferTimeoutError",
        Error::Certificate { .. } => "CertificateError",
        Error::NotTheApi { .. } => "NotTheApiError",
        Error::OutcomeUnknown { .. } => "OutcomeUnknownError",
        Error::ForeignWriter { .. } | Error::NotCommitted { .. } => "ForeignWriterError",
        Error::File { .. } => "FileAccessError",
        Error::OtherContent { .. } => "LocalFileExistsError",
        Error::Frame { .. } => "FrameError",
        Error::Rewrite { .. } => "RewriteError",
        Error::Decode { .. } => "DecodeError",
        Error::FileChanged { .. } => "FileChangedError",
        Error::Internal(_) => "InternalError",
    }
}

/// The attributes of an error.
fn fields_of(py: Python<'_>, error: Error) -> PyResult<Bound<'_, PyDict>> {
    Ok(match error {
        Error::Configuration(_)
        | Error::Certificate { .. }
        | Error::NotTheApi { .. }
        | Error::Internal(_) => PyDict::new(py),
        Error::FolderInUse { folder, .. } => fields!(py, folder: folder.display().to_string()),
        Error::Authentication { status, .. } => fields!(py, status: status),
        Error::DatasetNotFound { dataset_id, .. }
        | Error::ForeignWriter { dataset_id, .. }
        | Error::NotCommitted { dataset_id, .. } => fields!(py, dataset_id: dataset_id),
        Error::NamesTaken { dataset_id, names, .. } => {
            fields!(py, dataset_id: dataset_id, names: PyTuple::new(py, names)?)
        }
        // The listing shows what the server would respond.
        Error::NoSuchFile { file_name, .. } => fields!(py, file_name: file_name, status: 404),
        Error::Refused { file_name, status, .. }
        | Error::NameTaken { file_name, status, .. }
        | Error::Intermediary { file_name, status, .. } => {
            fields!(py, file_name: file_name, status: status)
        }
        Error::Unavailable { file_name, status, retry_after, .. } => {
            let retry_after = retry_after.map(|wait| wait.as_secs_f64());
            fields!(py, file_name: file_name, status: status, retry_after: retry_after)
        }
        Error::Connection { file_name, .. } | Error::Timeout { file_name, .. } => {
            fields!(py, file_name: file_name)
        }
        Error::OutcomeUnknown { file_name, .. } => fields!(py, file_name: file_name),
        Error::File { path, .. } => fields!(py, path: path.display().to_string()),
        Error::OtherContent { paths } => {
            let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
            let path = paths.first().cloned().unwrap_or_default();
            fields!(py, path: path, paths: PyTuple::new(py, paths)?)
        }
        Error::Frame { label, column, .. } => {
            let (path, data_type) = column.map(|c| (c.path, c.data_type)).unzip();
            fields!(py, frame: label, column: path, data_type: data_type)
        }
        Error::Rewrite { location, .. } | Error::FileChanged { location, .. } => {
            fields!(py, path: location.to_string())
        }
        Error::Decode { dataset_id, file_name, .. } => {
            fields!(py, dataset_id: dataset_id, file_name: file_name)
        }
    })
}

fn check_error(py: Python<'_>, error: &CheckError, message: &str) -> PyResult<PyErr> {
    let words = in_python(py);
    let problems = error.problems.iter().map(|problem| problem.in_words(&words));
    let outliers = error.outliers.iter().flat_map(|group| {
        // `groups` and `differences` contain all of them.
        let files = listed(&group.files).to_string();
        group.differences.iter().map(move |difference| format!("{files}: {difference}"))
    });
    let groups = if error.outliers.is_empty() { None } else { Some(&error.reference) };
    let groups = groups.into_iter().chain(error.outliers.iter().map(|group| &group.files));
    let groups = groups.map(|files| PyTuple::new(py, files)).collect::<PyResult<Vec<_>>>()?;
    let fields = fields!(
        py,
        problems: PyTuple::new(py, problems.chain(outliers).collect::<Vec<_>>())?,
        groups: PyTuple::new(py, groups)?,
        differences: convert::differences(py, error)?
    );
    let class = match error.kind() {
        CheckErrorKind::SchemaMismatch => "SchemaMismatchError",
        CheckErrorKind::InvalidParquet => {
            let paths = error.problems.iter().map(|problem| problem.location.to_string());
            fields.set_item("paths", PyTuple::new(py, paths.collect::<Vec<_>>())?)?;
            "InvalidParquetError"
        }
        CheckErrorKind::Mixed => "CheckError",
    };
    Ok(exception(py, class, message, &fields))
}

/// `sutro.<class>(message, **fields)`.
fn exception(py: Python<'_>, class: &str, message: &str, fields: &Bound<'_, PyDict>) -> PyErr {
    let raised = py
        .import("sutro")
        .and_then(|sutro| sutro.getattr(class))
        .and_then(|class| class.call((message,), Some(fields)));
    match raised {
        Ok(error) => PyErr::from_value(error),
        // Ctrl-C arrived just now.
        Err(error) if !error.is_instance_of::<PyException>(py) => error,
        Err(_) => PyRuntimeError::new_err(message.to_owned()),
    }
}

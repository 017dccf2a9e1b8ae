//! Defaults of the core, for the help of the command.

use pyo3::{prelude::*, types::PyDict};

use crate::{client::ClientOptions, service::Limits, upload::UploadOptions};

/// The defaults of numeric options, by their Python names. Times are in seconds.
#[pyfunction]
pub(super) fn defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let table = PyDict::new(py);
    table.set_item("concurrency", UploadOptions::default().concurrency)?;

    let client = ClientOptions::default();
    table.set_item("connect_timeout", client.connect_timeout.as_secs_f64())?;
    table.set_item("progress_timeout", client.progress_timeout.as_secs_f64())?;
    table.set_item("answer_timeout", client.answer_timeout.as_secs_f64())?;
    table.set_item("max_retries", client.max_retries)?;
    table.set_item("retry_deadline", client.retry_deadline.as_secs_f64())?;

    let server = Limits::default();
    table.set_item("max_file_bytes", server.max_file_bytes)?;
    table.set_item("max_json_bytes", server.max_json_bytes)?;
    table.set_item("max_datasets", server.max_datasets)?;
    table.set_item("max_uploads", server.max_uploads)?;
    table.set_item("stage_expiry", server.stage_expiry.as_secs_f64())?;
    table.set_item("max_staged_files", server.max_staged_files)?;
    table.set_item("max_staged_bytes", server.max_staged_bytes)?;
    table.set_item("upload_expiry", server.upload_expiry.as_secs_f64())?;
    table.set_item("catalog_connections", server.catalog_connections)?;
    table.set_item("max_unauthenticated", server.max_unauthenticated)?;
    table.set_item("head_timeout", server.head_timeout.as_secs_f64())?;
    table.set_item("body_timeout", server.body_timeout.as_secs_f64())?;
    Ok(table)
}

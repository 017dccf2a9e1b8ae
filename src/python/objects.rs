//! Objects that the tasks of an engine write, and its driver deletes.

use std::collections::HashMap;

use pyo3::prelude::*;

use super::{frames::TemporaryParquet, job::Job};
use crate::source::{self, StorageOptions};

/// Writes a file to the URL of an object.
#[pyfunction]
pub(super) fn put_object(
    file: &TemporaryParquet,
    url: String,
    storage_options: HashMap<String, String>,
) -> PyResult<Job> {
    let content = file.take(None)?.content;
    let work = source::put_object(content, url, StorageOptions::new(storage_options));
    Job::start(work, None, |py, ()| Ok(py.None()))
}

/// Deletes all objects below the URL of a folder in a bucket.
#[pyfunction]
pub(super) fn delete_objects(
    url: String,
    storage_options: HashMap<String, String>,
) -> PyResult<Job> {
    let work = source::delete_objects(url, StorageOptions::new(storage_options));
    Job::start(work, None, |py, ()| Ok(py.None()))
}

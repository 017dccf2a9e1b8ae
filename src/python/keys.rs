//! `sutro keys`: the keys of a catalog.

use std::path::PathBuf;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList},
};

use tokio::{runtime::Handle, task::spawn_blocking};

use super::{errors::IntoPyErr, job::Job, local_server::parse_keys};
use crate::{
    error::Error,
    service::{KeyCatalog, KeyInfo},
};

/// Adds a key for a name: a given one, or a random one.
#[pyfunction]
pub(super) fn add_key(
    py: Python<'_>,
    place: &Bound<'_, PyDict>,
    name: String,
    api_key: Option<String>,
) -> PyResult<Job> {
    let catalog = parse_catalog(place)?;
    let given = parse_keys(api_key.as_slice()).map_err(|error| error.into_py_err(py))?;
    // Its migration is no future that the compiler can prove to be `Send`.
    let blocking = move || Handle::current().block_on(catalog.add(&name, given.into_iter().next()));
    let work = async move {
        let added = spawn_blocking(blocking).await;
        added.unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
    };
    Job::start(work, None, |py, (info, key)| {
        let dict = to_python(py, &info)?;
        dict.set_item("api_key", key.expose())?;
        dict.into_py_any(py)
    })
}

/// The keys that are not revoked.
#[pyfunction]
pub(super) fn list_keys(place: &Bound<'_, PyDict>) -> PyResult<Job> {
    let catalog = parse_catalog(place)?;
    let work = async move { catalog.list().await };
    Job::start(work, None, |py, keys| all_to_python(py, &keys))
}

/// Revokes all keys of a name, or the key with an id.
#[pyfunction]
pub(super) fn revoke_keys(place: &Bound<'_, PyDict>, name_or_id: String) -> PyResult<Job> {
    let catalog = parse_catalog(place)?;
    let work = async move { catalog.revoke(&name_or_id).await };
    Job::start(work, None, |py, keys| all_to_python(py, &keys))
}

/// Converts the catalog of a `sutro.options.ServerPlace`.
fn parse_catalog(place: &Bound<'_, PyDict>) -> PyResult<KeyCatalog> {
    let text = |name| place.get_item(name)?.map(|value| value.extract::<String>()).transpose();
    let (folder, catalog) = (text("folder")?.map(PathBuf::from), text("catalog")?);
    KeyCatalog::of(folder.as_deref(), catalog.as_deref())
        .map_err(|error| error.into_py_err(place.py()))
}

fn all_to_python(py: Python<'_>, keys: &[KeyInfo]) -> PyResult<Py<PyAny>> {
    let keys = keys.iter().map(|key| to_python(py, key));
    PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)?.into_py_any(py)
}

fn to_python<'py>(py: Python<'py>, key: &KeyInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &key.name)?;
    dict.set_item("key_id", &key.key_id)?;
    dict.set_item("created_at", &key.created_at)?;
    Ok(dict)
}

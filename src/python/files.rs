//! The files of paths, folders and globs.

use std::collections::HashMap;

use pyo3::{IntoPyObjectExt, prelude::*};

use super::{hints::in_python, job::Job};
use crate::{
    background::in_background,
    source::StorageOptions,
    upload::{self, Found, FoundFile, Paths},
};

/// Converts a `sutro.options.PathOptions`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct PathArguments {
    paths: Vec<String>,
    recursive: bool,
    exclude: Vec<String>,
    is_of_a_shell: bool,
    storage_options: HashMap<String, String>,
}

impl From<PathArguments> for Paths {
    fn from(arguments: PathArguments) -> Self {
        let PathArguments { paths, recursive, exclude, is_of_a_shell, storage_options } = arguments;
        let storage_options = StorageOptions::new(storage_options);
        Self { paths, recursive, exclude, is_of_a_shell, storage_options }
    }
}

/// Files in the order of an upload.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct FoundFiles(pub(super) Found);

#[pymethods]
impl FoundFiles {
    /// Their paths.
    #[getter]
    fn paths(&self) -> Vec<String> {
        self.each(|file| file.path.display().to_string())
    }

    /// For each file, the index of the source that it comes from.
    #[getter]
    fn sources(&self) -> Vec<usize> {
        self.each(|file| file.source)
    }

    /// Names derived from the paths below the source.
    #[getter]
    fn path_names(&self) -> Vec<Option<String>> {
        self.each(|file| file.path_name.clone())
    }

    /// Skipped entries, and other notes.
    #[getter]
    fn notes(&self, py: Python<'_>) -> Vec<String> {
        self.0.notes.iter().map(|note| note.in_words(&in_python(py))).collect()
    }
}

impl FoundFiles {
    fn each<T>(&self, fact: impl Fn(&FoundFile) -> T) -> Vec<T> {
        self.0.files.iter().map(fact).collect()
    }
}

/// A note for callers who pass an open file.
#[pyfunction]
pub(super) fn note_on_open_file(py: Python<'_>, path: String) -> Option<String> {
    py.detach(|| upload::note_on_open_file(&path))
}

/// Finds the files of paths, folders and globs.
#[pyfunction]
pub(super) fn find_files(paths: PathArguments) -> PyResult<Job> {
    let paths = Paths::from(paths);
    let work = in_background(move || paths.find());
    Job::start(work, None, |py, found| FoundFiles(found).into_py_any(py))
}

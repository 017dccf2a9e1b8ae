//! Rejects frames before their rows are read, if possible.

use std::sync::Arc;

use pyo3::prelude::*;

use super::{
    arguments::UploadArguments,
    errors::IntoPyErr,
    frames::{FrameOutline, FrameSchema, TemporaryParquet, outlines},
    job::Job,
};
use crate::upload::{self, Held, RewriteOptions, check_schemas, leaves_to_look_at};

/// The files of a dataset before an upload.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct Preflight(pub(super) Arc<upload::Preflight>);

#[pymethods]
impl Preflight {
    /// The positions of the names that the dataset has.
    fn names_there(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        ordered: bool,
        is_all: bool,
    ) -> PyResult<Vec<usize>> {
        let there = py.detach(|| self.0.names_there(&names, ordered, is_all));
        there.map_err(|error| error.into_py_err(py))
    }

    /// Compares the first files of an upload with those of the dataset that have their names.
    fn check_files(
        &self,
        files: Vec<(String, PyRef<'_, TemporaryParquet>)>,
        options: UploadArguments,
    ) -> PyResult<Job> {
        let files = files.into_iter().map(|(name, file)| file.shared(name));
        let files = files.collect::<PyResult<Vec<_>>>()?;
        let preflight = Arc::clone(&self.0);
        let work = async move { preflight.check_files(files, options.into()).await };
        Job::start(work, None, |py, ()| Ok(py.None()))
    }
}

/// What is known about a dataset's schema; nothing without a dataset.
pub(super) fn held(preflight: Option<&Preflight>) -> Held {
    preflight.map_or(Held::Nothing, |preflight| preflight.0.held())
}

/// For each frame, the leaves whose values may matter for a cast.
#[pyfunction]
pub(super) fn differing_leaves(
    py: Python<'_>,
    frames: Vec<PyRef<'_, FrameOutline>>,
    preflight: Option<&Preflight>,
) -> Vec<Vec<u32>> {
    let (outlines, held) = (outlines(&frames), held(preflight));
    py.detach(|| leaves_to_look_at(&outlines, &held))
}

/// Compares the schemas of frames with each other and with the dataset's, before they are encoded.
#[pyfunction]
pub(super) fn check_frames(
    py: Python<'_>,
    frames: Vec<PyRef<'_, FrameOutline>>,
    cast: bool,
    preflight: Option<&Preflight>,
) -> PyResult<Option<FrameSchema>> {
    let (outlines, held) = (outlines(&frames), held(preflight));
    let rewrite = RewriteOptions { cast, recompress: false };
    let schema = py.detach(|| check_schemas(&outlines, rewrite, &held));
    schema.map(|schema| schema.map(FrameSchema)).map_err(|error| error.into_py_err(py))
}

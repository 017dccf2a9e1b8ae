//! `sutro verify`: bytes and catalog of a server are compared.

use std::time::Duration;

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList},
};

use super::{job::Job, local_server::parse_place};
use crate::service::{self, Finding, FindingKind, Verification};

/// Compares the bytes of a place with its catalog.
#[pyfunction]
pub(super) fn verify(place: &Bound<'_, PyDict>, upload_expiry: f64) -> PyResult<Job> {
    let place = parse_place(place)?;
    let expiry = Duration::try_from_secs_f64(upload_expiry).unwrap_or(Duration::MAX);
    let work = async move { service::verify(&place, expiry).await };
    Job::start(work, None, |py, found| to_python(py, &found))
}

fn to_python(py: Python<'_>, found: &Verification) -> PyResult<Py<PyAny>> {
    let findings = found.findings.iter().map(|finding| finding_to_python(py, finding));
    let findings = PyList::new(py, findings.collect::<PyResult<Vec<_>>>()?)?;
    let dict = PyDict::new(py);
    dict.set_item("file_count", found.file_count)?;
    dict.set_item("total_size_bytes", found.total_size_bytes)?;
    dict.set_item("in_progress", found.in_progress)?;
    dict.set_item("findings", findings)?;
    dict.into_py_any(py)
}

fn finding_to_python<'py>(py: Python<'py>, finding: &Finding) -> PyResult<Bound<'py, PyDict>> {
    let kind = match finding.kind {
        FindingKind::Damaged => "damaged",
        FindingKind::Missing => "missing",
        FindingKind::Orphan => "orphan",
    };
    let dict = PyDict::new(py);
    dict.set_item("kind", kind)?;
    dict.set_item("file_id", &finding.file_id)?;
    dict.set_item("dataset_id", &finding.dataset_id)?;
    dict.set_item("file_name", &finding.file_name)?;
    dict.set_item("problem", &finding.problem)?;
    Ok(dict)
}

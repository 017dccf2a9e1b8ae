//! Creates objects of the Python API by their classes.

use pyo3::{prelude::*, types::PyDict};

/// Calls `sutro.<class>(**fields)`.
pub(super) fn instance(
    py: Python<'_>,
    class: &str,
    fields: &Bound<'_, PyDict>,
) -> PyResult<Py<PyAny>> {
    Ok(class_of(py, class)?.call((), Some(fields))?.unbind())
}

/// `sutro.<class>`, for callers that create many instances.
pub(super) fn class_of<'py>(py: Python<'py>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("sutro")?.getattr(class)
}

/// A dict of keyword arguments.
macro_rules! fields {
    ($py:expr, $($name:ident: $value:expr),+ $(,)?) => {{
        let fields = ::pyo3::types::PyDict::new($py);
        $(fields.set_item(::pyo3::intern!($py, stringify!($name)), $value)?;)+
        fields
    }};
}
pub(super) use fields;

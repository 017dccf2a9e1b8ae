//! Creates objects of the Python API by their classes.

use pyo3::{prelude::*, types::PyDict};

/// Calls `sutro.<class>(**fields)`.
pub(super) fn instance(
    py: Python<'_>,
    class: &str,
    fields: &Bound<'_, PyDict>,
) -> PyResult<Py<PyAny>> {
    let class = py.import("sutro")?.getattr(class)?;
    Ok(class.call((), Some(fields))?.unbind())
}

/// A dict of keyword arguments.
macro_rules! fields {
    ($py:expr, $($name:ident: $value:expr),+ $(,)?) => {{
        let fields = ::pyo3::types::PyDict::new($py);
        $(fields.set_item(stringify!($name), $value)?;)+
        fields
    }};
}
pub(super) use fields;

//! `sutro._core.LocalServer`: the embedded server, started from Python.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyDict,
};

use super::{errors::IntoPyErr, log_records, runtime};
use crate::{
    credentials::ApiKey,
    error::Error,
    service::{Limits, LocalServer as Server, Place, ServerConfig, shared},
};

/// The server of a folder that all clients of this process share.
pub(super) fn open_shared(py: Python<'_>, folder: PathBuf) -> PyResult<Arc<Server>> {
    let runtime = runtime::handle()?;
    py.detach(|| runtime.block_on(shared(folder))).map_err(|error| error.into_py_err(py))
}

/// A running embedded server.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct LocalServer {
    server: Arc<Server>,
}

#[pymethods]
impl LocalServer {
    #[new]
    #[pyo3(signature = (place, *, host = "127.0.0.1", port = 0, api_keys = Vec::new(),
        allowed_hosts = Vec::new(), limits = None))]
    fn new(
        py: Python<'_>,
        place: &Bound<'_, PyDict>,
        host: &str,
        port: u16,
        api_keys: Vec<String>,
        allowed_hosts: Vec<String>,
        limits: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let place = parse_place(place)?;
        let limits = limits.map(parse_limits).transpose()?.unwrap_or_default();
        let in_python = |error: Error| error.into_py_err(py);
        let address = address(host, port).map_err(in_python)?;
        let api_keys = parse_keys(&api_keys).map_err(in_python)?;
        let prefers_catalog_keys = true;
        let config =
            ServerConfig { place, address, api_keys, prefers_catalog_keys, allowed_hosts, limits };
        log_records::collect();
        let runtime = runtime::handle()?;
        let server = py.detach(|| runtime.block_on(Server::start(config)));
        let server = Arc::new(server.map_err(|error| error.into_py_err(py))?);
        Ok(Self { server })
    }

    /// `http://HOST:PORT`.
    #[getter]
    fn api_url(&self) -> String {
        self.server.api_url()
    }

    /// The first of its keys; `None` if it accepts only those of the catalog.
    #[getter]
    fn api_key(&self) -> Option<String> {
        self.server.api_key().map(|key| key.expose().to_owned())
    }

    /// Gives running requests a few seconds to finish, then stops.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let runtime = runtime::handle()?;
        py.detach(|| runtime.block_on(self.server.stop()));
        Ok(())
    }
}

/// Converts a `sutro.options.ServerPlace`.
pub(super) fn parse_place(given: &Bound<'_, PyDict>) -> PyResult<Place> {
    let text = |name| given.get_item(name)?.map(|value| value.extract::<String>()).transpose();
    let folder = text("folder")?.map(PathBuf::from);
    let (catalog, blobs) = (text("catalog")?, text("blobs")?);
    let options = given.get_item("blobs_options")?.map(|options| options.extract()).transpose()?;
    let options: BTreeMap<String, String> = options.unwrap_or_default();
    let options: Vec<_> = options.into_iter().collect();
    Place::of(folder.as_deref(), catalog.as_deref(), blobs.as_deref(), &options)
        .map_err(|error| error.into_py_err(given.py()))
}

/// Converts a `sutro.options.ServerLimits`; missing limits have their defaults.
fn parse_limits(given: &Bound<'_, PyDict>) -> PyResult<Limits> {
    let mut limits = Limits::default();
    for (name, value) in given {
        match name.extract::<&str>()? {
            "max_file_bytes" => limits.max_file_bytes = value.extract()?,
            "max_json_bytes" => limits.max_json_bytes = value.extract()?,
            "max_datasets" => limits.max_datasets = value.extract()?,
            "max_uploads" => limits.max_uploads = value.extract()?,
            "stage_expiry" => limits.stage_expiry = seconds(&value)?,
            "max_staged_files" => limits.max_staged_files = value.extract()?,
            "max_staged_bytes" => limits.max_staged_bytes = value.extract()?,
            "upload_expiry" => limits.upload_expiry = seconds(&value)?,
            "catalog_connections" => limits.catalog_connections = value.extract()?,
            "max_unauthenticated" => limits.max_unauthenticated = value.extract()?,
            "head_timeout" => limits.head_timeout = seconds(&value)?,
            "body_timeout" => limits.body_timeout = seconds(&value)?,
            unknown => return Err(PyTypeError::new_err(format!("unknown limit {unknown:?}"))),
        }
    }
    Ok(limits)
}

fn seconds(given: &Bound<'_, PyAny>) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(given.extract()?) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err(PyValueError::new_err(format!("timeouts must be above 0 seconds, got {given}"))),
    }
}

fn address(host: &str, port: u16) -> Result<SocketAddr, Error> {
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let address: IpAddr = host.parse().map_err(|_| {
        Error::configuration(format!("the host {host} must be an IP address, such as 127.0.0.1"))
    })?;
    Ok(SocketAddr::new(address, port))
}

pub(super) fn parse_keys(keys: &[String]) -> Result<Vec<ApiKey>, Error> {
    let keys = keys.iter().map(|key| {
        ApiKey::new(key)
            .ok_or_else(|| Error::configuration("an API key is empty or not visible ASCII"))
    });
    keys.collect()
}

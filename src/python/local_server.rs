//! `sutro._core.LocalServer`: the embedded service, started from Python.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use pyo3::prelude::*;

use super::{errors::IntoPyErr, log_records, runtime};
use crate::{
    credentials::ApiKey,
    error::Error,
    service::{Limits, LocalServer as Server, ServerConfig, shared},
};

/// The server of a folder that all clients of this process share.
pub(super) fn open_shared(py: Python<'_>, folder: PathBuf) -> PyResult<Arc<Server>> {
    let runtime = runtime::handle()?;
    py.detach(|| runtime.block_on(shared(folder))).map_err(|error| error.into_py_err(py))
}

/// A running embedded service.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct LocalServer {
    server: Arc<Server>,
}

#[pymethods]
impl LocalServer {
    #[new]
    #[pyo3(signature = (folder, *, host = "127.0.0.1", port = 0, api_keys = Vec::new(),
        allowed_hosts = Vec::new(), limits = ServerLimits::default()))]
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        host: &str,
        port: u16,
        api_keys: Vec<String>,
        allowed_hosts: Vec<String>,
        limits: ServerLimits,
    ) -> PyResult<Self> {
        let config = limits
            .into_limits()
            .and_then(|limits| {
                let address = address(host, port)?;
                let api_keys = parse_keys(&api_keys)?;
                Ok(ServerConfig { folder, address, api_keys, allowed_hosts, limits })
            })
            .map_err(|error| error.into_py_err(py))?;
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

    /// The first of its keys.
    #[getter]
    fn api_key(&self) -> String {
        self.server.api_key().expose().to_owned()
    }

    /// Lets running requests end, for a few seconds, and stops.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let runtime = runtime::handle()?;
        py.detach(|| runtime.block_on(self.server.stop()));
        Ok(())
    }
}

/// `sutro.options.ServerLimits`; what is missing has its default.
#[derive(Default, FromPyObject)]
#[pyo3(from_item_all)]
struct ServerLimits {
    #[pyo3(default)]
    max_file_bytes: Option<u64>,
    #[pyo3(default)]
    max_json_bytes: Option<u64>,
    #[pyo3(default)]
    max_datasets: Option<u64>,
    #[pyo3(default)]
    max_uploads: Option<usize>,
    #[pyo3(default)]
    head_timeout: Option<f64>,
    #[pyo3(default)]
    body_timeout: Option<f64>,
}

impl ServerLimits {
    fn into_limits(self) -> Result<Limits, Error> {
        let default = Limits::default();
        Ok(Limits {
            max_file_bytes: self.max_file_bytes.unwrap_or(default.max_file_bytes),
            max_json_bytes: self.max_json_bytes.unwrap_or(default.max_json_bytes),
            max_datasets: self.max_datasets.unwrap_or(default.max_datasets),
            max_uploads: self.max_uploads.unwrap_or(default.max_uploads),
            head_timeout: seconds("head_timeout", self.head_timeout, default.head_timeout)?,
            body_timeout: seconds("body_timeout", self.body_timeout, default.body_timeout)?,
        })
    }
}

fn seconds(name: &str, given: Option<f64>, default: Duration) -> Result<Duration, Error> {
    let Some(given) = given else { return Ok(default) };
    match Duration::try_from_secs_f64(given) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err(Error::Configuration(format!("{name} is no time in seconds: {given}"))),
    }
}

fn address(host: &str, port: u16) -> Result<SocketAddr, Error> {
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let address: IpAddr = host.parse().map_err(|_| {
        Error::Configuration(format!("the host {host} is no IP address, such as 127.0.0.1"))
    })?;
    Ok(SocketAddr::new(address, port))
}

fn parse_keys(keys: &[String]) -> Result<Vec<ApiKey>, Error> {
    let keys = keys.iter().map(|key| {
        ApiKey::new(key).ok_or_else(|| {
            Error::Configuration("an API key is empty or not visible ASCII".to_owned())
        })
    });
    keys.collect()
}

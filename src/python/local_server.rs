//! `sutro._core.LocalServer`: the embedded service, started from Python.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use pyo3::prelude::*;

use super::{errors::IntoPyErr, log_records, runtime};
use crate::{
    credentials::ApiKey,
    error::Error,
    service::{LocalServer as Server, ServerConfig, shared},
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
    #[pyo3(signature = (folder, *, host = "127.0.0.1", port = 0, api_keys = Vec::new()))]
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        host: &str,
        port: u16,
        api_keys: Vec<String>,
    ) -> PyResult<Self> {
        let config =
            config(folder, host, port, &api_keys).map_err(|error| error.into_py_err(py))?;
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

fn config(folder: PathBuf, host: &str, port: u16, keys: &[String]) -> Result<ServerConfig, Error> {
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let address: IpAddr = host.parse().map_err(|_| {
        Error::Configuration(format!("the host {host} is no IP address, such as 127.0.0.1"))
    })?;
    let keys = keys.iter().map(|key| {
        ApiKey::new(key).ok_or_else(|| {
            Error::Configuration("an API key is empty or not visible ASCII".to_owned())
        })
    });
    Ok(ServerConfig {
        folder,
        address: SocketAddr::new(address, port),
        api_keys: keys.collect::<Result<_, _>>()?,
    })
}

//! A running server.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use super::{
    embedded::{Service, open_storage},
    keys::Keys,
    limits::Limits,
    serve::serve,
    storage::{Place, create_folder},
};
use crate::{
    credentials::ApiKey,
    error::{Error, Result},
};

/// Where and for whom to serve.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where the datasets are stored.
    pub place: Place,
    /// The address to listen on; port 0 takes a free one.
    pub address: SocketAddr,
    /// The accepted keys besides those of the catalog; each sees only the datasets that were
    /// created with it. If there are none, the server generates a key that sees all datasets.
    pub api_keys: Vec<ApiKey>,
    /// Do not generate a key if the catalog has keys.
    pub prefers_catalog_keys: bool,
    /// Host names that a server on loopback accepts besides `localhost`: those of a proxy on this
    /// machine.
    pub allowed_hosts: Vec<String>,
    /// The limits of requests.
    pub limits: Limits,
}

impl ServerConfig {
    /// For this machine only, on a free port, with a random key.
    #[must_use]
    pub fn loopback(folder: &Path) -> Self {
        Self {
            place: Place::folder(folder),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_keys: Vec::new(),
            prefers_catalog_keys: false,
            allowed_hosts: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// A server that listens. Dropping it stops it at once.
pub struct LocalServer {
    address: SocketAddr,
    api_key: Option<ApiKey>,
    is_stopping: watch::Sender<bool>,
    running: Mutex<Option<Running>>,
}

struct Running {
    service: Service,
    connections: JoinHandle<()>,
}

impl LocalServer {
    /// Opens the folder and listens.
    ///
    /// # Errors
    /// As [`Service::open`], and [`Error::Configuration`] if the server cannot listen on the
    /// address, or if other machines can reach it and there is no key.
    pub async fn start(config: ServerConfig) -> Result<Self> {
        let ServerConfig { place, address, limits, .. } = config;
        let storage = open_storage(&place, limits).await?;
        let has_catalog_keys = config.prefers_catalog_keys
            && storage.catalog().has_keys().await.map_err(|error| {
                Error::configuration(format!("cannot read the keys of the catalog: {error}"))
            })?;
        let (api_key, keys) = match config.api_keys.first() {
            None if !has_catalog_keys => local_key(address)?,
            first => (first.cloned(), Keys::separate(&config.api_keys)),
        };
        // DNS rebinding only concerns loopback: other addresses can be reached without it.
        let hosts = address.ip().is_loopback().then_some(config.allowed_hosts);
        let service = Service::on(storage, keys, limits, hosts);
        let cannot_listen =
            |error| Error::configuration(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let (is_stopping, stop) = watch::channel(false);
        let connections = tokio::spawn(serve(listener, service.router(), limits, stop));
        let running = Mutex::new(Some(Running { service, connections }));
        Ok(Self { address, api_key, is_stopping, running })
    }

    /// `http://HOST:PORT`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first accepted key. `None` if the server accepts only keys of the catalog.
    #[must_use]
    pub fn api_key(&self) -> Option<&ApiKey> {
        self.api_key.as_ref()
    }

    /// Gives running requests 5 s to finish and rejects new uploads meanwhile, then closes all
    /// connections and frees the folder. A second call does nothing.
    pub async fn stop(&self) {
        let mut running = self.running.lock().await;
        if let Some(Running { service, connections }) = running.take() {
            service.begin_stop();
            self.is_stopping.send_replace(true);
            let _ = connections.await;
            service.close().await;
        }
    }
}

/// Generates a key for this run; only for addresses that other machines cannot reach.
fn local_key(address: SocketAddr) -> Result<(Option<ApiKey>, Keys)> {
    if !address.ip().is_loopback() {
        return Err(Error::configuration(format!(
            "{} can be reached from other machines: pass an API key, add one to the catalog \
             (sutro keys add), or listen on 127.0.0.1",
            address.ip()
        )));
    }
    let key = ApiKey::new(&Uuid::new_v4().simple().to_string());
    let key = key.ok_or_else(|| Error::Internal("no key".to_owned()))?;
    let keys = Keys::shared(&key);
    Ok((Some(key), keys))
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        if let Some(running) = self.running.get_mut().take() {
            running.connections.abort();
        }
    }
}

/// By process and folder: a forked child has a copy of this table, but none of its servers.
type Servers<T> = HashMap<(u32, PathBuf), Weak<T>>;

/// The server of a folder that all clients in this process share. It starts with the first of them
/// and stops with the last.
///
/// # Errors
/// As [`LocalServer::start`].
pub async fn shared(folder: PathBuf) -> Result<Arc<LocalServer>> {
    static SERVERS: Mutex<Option<Servers<LocalServer>>> = Mutex::const_new(None);
    let in_folder = |source| Error::File { path: folder.clone(), source };
    create_folder(&folder).map_err(in_folder)?;
    let key = (std::process::id(), folder.canonicalize().map_err(in_folder)?);
    let mut servers = SERVERS.lock().await;
    let servers = servers.get_or_insert_default();
    if let Some(server) = servers.get(&key).and_then(Weak::upgrade) {
        return Ok(server);
    }
    servers.retain(|_, server| server.strong_count() > 0);
    let server = Arc::new(LocalServer::start(ServerConfig::loopback(&key.1)).await?);
    remember(servers, key, &server);
    Ok(server)
}

/// Forgets servers that have ended, so that a process may use any number of folders.
fn remember<T>(servers: &mut Servers<T>, key: (u32, PathBuf), server: &Arc<T>) {
    servers.retain(|_, server| server.strong_count() > 0);
    servers.insert(key, Arc::downgrade(server));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_have_ended_are_forgotten() {
        let mut servers = Servers::new();
        let kept = Arc::new(());
        remember(&mut servers, (1, PathBuf::from("kept")), &kept);
        for number in 0..100 {
            remember(&mut servers, (1, PathBuf::from(number.to_string())), &Arc::new(()));
        }

        let folders: Vec<_> = servers.keys().map(|(_, folder)| folder.clone()).collect();
        assert_eq!(folders.len(), 2, "{folders:?}");
        assert!(folders.contains(&PathBuf::from("kept")));
    }
}

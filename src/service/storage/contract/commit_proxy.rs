//! A proxy in front of PostgreSQL that cuts connections around their `COMMIT`.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    task::JoinHandle,
};

/// The message of a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// What happens at a `COMMIT`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Nothing.
    Pass,
    /// It does not reach the server, which sees the end of the connection.
    Before,
    /// It reaches the server, whose response is lost.
    After,
    /// It does not reach the server, which sees nothing: its transaction stays open.
    Silence,
}

pub(super) struct CommitProxy {
    pub(super) port: u16,
    cuts: Arc<Mutex<VecDeque<Cut>>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    target: SocketAddr,
    cuts: Arc<Mutex<VecDeque<Cut>>>,
    /// Unused connections to the server.
    silent: Arc<Mutex<Vec<OwnedWriteHalf>>>,
}

impl CommitProxy {
    pub(super) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::default();
        let shared = Shared { target, cuts: Arc::clone(&cuts), silent: Arc::default() };
        let server = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(forward(client, shared.clone()));
            }
        });
        Self { port, cuts, server }
    }

    /// From now on, each commit meets the next cut; when none is left, commits pass.
    pub(super) fn plan(&self, cuts: &[Cut]) {
        self.cuts.lock().unwrap().extend(cuts);
    }

    /// Number of cuts that no commit has met.
    pub(super) fn left(&self) -> usize {
        self.cuts.lock().unwrap().len()
    }
}

impl Drop for CommitProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Returning closes both connections, unless the server's was kept.
async fn forward(client: TcpStream, shared: Shared) {
    let Ok(server) = TcpStream::connect(shared.target).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (cut, is_cut) = tokio::sync::oneshot::channel();
    let answers = tokio::spawn(async move {
        tokio::select! {
            _ = copy(&mut from_server, &mut to_client) => None,
            _ = is_cut => Some(from_server),
        }
    });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
        if !bytes[..count].ends_with(COMMIT) {
            if to_server.write_all(&bytes[..count]).await.is_err() {
                break;
            }
            continue;
        }
        let next = shared.cuts.lock().unwrap().pop_front().unwrap_or(Cut::Pass);
        if !matches!(next, Cut::Before | Cut::Silence) {
            to_server.write_all(&bytes[..count]).await.unwrap();
        }
        if matches!(next, Cut::Pass) {
            continue;
        }
        cut.send(()).unwrap();
        let from_server = answers.await.unwrap();
        match (next, from_server) {
            (Cut::After, Some(mut from_server)) => {
                // The transaction is over when the server says so.
                let _ = from_server.read(&mut bytes).await;
            }
            (Cut::Silence, _) => shared.silent.lock().unwrap().push(to_server),
            _ => {}
        }
        return;
    }
    answers.abort();
}

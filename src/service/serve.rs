//! Accepts and serves connections, and ends them when the server stops.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tower_http::add_extension::AddExtension;

use super::{
    connections::{Connection, Connections},
    limits::Limits,
};

/// Time for running requests to end when the server stops.
pub(super) const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// Pause if no connection can be accepted, for instance because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Serves until `is_stopping` turns true. Then gives running requests a few seconds to finish, and
/// closes the remaining connections. Dropping the future closes all of them at once.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut is_stopping: watch::Receiver<bool>,
) {
    let mut served = JoinSet::new();
    let connections = Connections::new(limits.max_unauthenticated);
    loop {
        tokio::select! {
            accepted = accept(&listener, &connections) => match accepted {
                Ok((stream, connection)) => {
                    served.spawn(serve_one(
                        stream, router.clone(), connection, limits, is_stopping.clone(),
                    ));
                }
                Err(error) => pause_after(&error).await,
            },
            Some(_) = served.join_next() => {}
            () = stopping(&mut is_stopping) => break,
        }
    }
    let drained = drain(&listener, &mut served, &router, &connections, limits);
    let _ = timeout(STOP_PATIENCE, drained).await;
    served.shutdown().await;
}

/// Waits until all connections have ended. New connections are still served, so that their clients
/// learn that the server is shutting down.
async fn drain(
    listener: &TcpListener,
    served: &mut JoinSet<()>,
    router: &Router,
    connections: &Connections,
    limits: Limits,
) {
    let mut late = JoinSet::new();
    let (_stop, stop) = watch::channel(false);
    loop {
        tokio::select! {
            ended = served.join_next() => if ended.is_none() { return },
            accepted = accept(listener, connections) => match accepted {
                Ok((stream, connection)) => {
                    late.spawn(serve_one(
                        stream, router.clone(), connection, limits, stop.clone(),
                    ));
                }
                Err(error) => pause_after(&error).await,
            },
        }
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> io::Result<(TcpStream, Connection)> {
    connections.room().await;
    let (stream, _) = listener.accept().await?;
    Ok((stream, connections.admit()))
}

async fn serve_one(
    stream: TcpStream,
    router: Router,
    connection: Connection,
    limits: Limits,
    mut is_stopping: watch::Receiver<bool>,
) {
    // Clients wait for short responses.
    let _ = stream.set_nodelay(true);
    // A client that does not read its response must not keep the file open forever.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.body_timeout));
    let connection = Arc::new(connection);
    let router = AddExtension::new(router, Arc::clone(&connection));
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    let mut http = std::pin::pin!(http);
    let is_to_end = async {
        tokio::select! {
            () = stopping(&mut is_stopping) => {}
            () = connection.is_to_end() => {}
        }
    };
    let ended = tokio::select! {
        ended = http.as_mut() => ended,
        () = connection.is_to_close() => Ok(()),
        () = is_to_end => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection broke: {error}");
    }
}

async fn stopping(is_stopping: &mut watch::Receiver<bool>) {
    // An error means that the server's handle was dropped, which also stops it.
    let _ = is_stopping.wait_for(|is_stopping| *is_stopping).await;
}

async fn pause_after(error: &io::Error) {
    let is_the_clients = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    );
    if !is_the_clients {
        tracing::error!("no connection can be accepted: {error}");
        sleep(ACCEPT_PAUSE).await;
    }
}

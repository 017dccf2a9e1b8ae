//! Connections that serve one small file after the other.
//!
//! The requests drive them: to wake the task of a connection costs more than to send a small file.

#[cfg(test)]
mod tests;

use std::{
    error::Error as StdError,
    fmt,
    future::{poll_fn, ready},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, Uri, header};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::{
    client::{legacy::connect::HttpConnector, proxy::matcher::Matcher},
    rt::TokioIo,
};
use reqwest::{Body, Url};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use super::options::ClientOptions;
use crate::{
    config::{IDLE_TIMEOUT, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, KEEPALIVE_TIME, USER_AGENT},
    lock::Lock,
};

/// A request without a response.
pub(super) type Broken = Box<dyn StdError + Send + Sync>;

/// Unencrypted connections to one server. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct KeptConnections {
    connector: HttpConnector,
    connect_timeout: Duration,
    server: Uri,
    host: HeaderValue,
    idle: Arc<Lock<Idle>>,
}

/// Connections without a request; `None` after the end.
type Idle = Option<Vec<Connection>>;

impl KeptConnections {
    /// `None` if requests to this URL are encrypted, or go through a proxy.
    pub(super) fn to(url: &Url, has_proxies: bool, options: &ClientOptions) -> Option<Self> {
        let server: Uri = url.as_str().parse().ok()?;
        let is_direct = !has_proxies || Matcher::from_system().intercept(&server).is_none();
        if url.scheme() != "http" || !is_direct {
            return None;
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE_TIME));
        connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
        connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        connector.set_tcp_user_timeout(Some(crate::config::TCP_USER_TIMEOUT));
        let host = HeaderValue::from_str(server.authority()?.as_str()).ok()?;
        let idle = Arc::new(Lock::new(Some(Vec::new())));
        Some(Self { connector, connect_timeout: options.connect_timeout, server, host, idle })
    }

    /// Closes idle connections now, and the others after their responses.
    pub(super) fn end(&self) {
        self.idle.take();
    }

    /// Closes connections that have been idle for a while, and returns how many are left.
    pub(super) fn close_unused(&self) -> usize {
        let is_used = |connection: &Connection| connection.used.elapsed() < IDLE_TIMEOUT;
        self.idle.lock().as_mut().map_or(0, |idle| {
            idle.retain(is_used);
            idle.len()
        })
    }

    /// Sends a request, and returns what `read` makes of its response. A connection that the server
    /// has closed before it got anything of the request is replaced.
    pub(super) async fn exchange<F: Future>(
        &self,
        request: Request<Body>,
        read: impl FnOnce(Result<Response<Incoming>, Broken>) -> F,
    ) -> F::Output {
        match self.send(request).await {
            Ok((mut connection, response)) => {
                let output = connection.drive(read(Ok(response))).await;
                // It notices that the response is complete.
                connection.drive(ready(())).await;
                self.keep(connection);
                output
            }
            Err(error) => read(Err(error)).await,
        }
    }

    async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<(Connection, Response<Incoming>), Broken> {
        // On the wire, a request names the path and the host (RFC 9112, section 3.2.1).
        request.headers_mut().insert(header::HOST, self.host.clone());
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        if let Some(path) = request.uri().path_and_query().cloned() {
            *request.uri_mut() = path.into();
        }
        loop {
            let kept = self.idle.lock().as_mut().and_then(Vec::pop);
            let is_new = kept.is_none();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let sent = connection.sender.try_send_request(request);
            match connection.drive(sent).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Broken> {
        // With the time that it takes to find the address.
        let stream = self.connector.clone().call(self.server.clone());
        let stream = timeout(self.connect_timeout, stream).await.map_err(io::Error::from)??;
        let (sender, driver) = http1::handshake(stream).await?;
        Ok(Connection { sender, driver: Some(driver), used: Instant::now() })
    }

    fn keep(&self, mut connection: Connection) {
        if connection.driver.is_none() || !connection.sender.is_ready() {
            return;
        }
        connection.used = Instant::now();
        if let Some(idle) = &mut *self.idle.lock() {
            idle.push(connection);
        }
    }
}

struct Connection {
    sender: SendRequest<Body>,
    /// Reads and writes; `None` when the connection is closed.
    driver: Option<http1::Connection<TokioIo<TcpStream>, Body>>,
    /// The end of its last request.
    used: Instant,
}

impl Connection {
    /// Reads and writes while `work` waits for it.
    async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let output = work.as_mut().poll(context);
            self.read_and_write(context);
            match output {
                Poll::Ready(output) => Poll::Ready(output),
                Poll::Pending => work.as_mut().poll(context),
            }
        })
        .await
    }

    fn read_and_write(&mut self, context: &mut Context<'_>) {
        let Some(driver) = &mut self.driver else { return };
        if Pin::new(driver).poll(context).is_ready() {
            // A request that waits for it gets the error.
            self.driver = None;
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").finish_non_exhaustive()
    }
}

//! Request bodies, pumped through a channel: whoever refuses a request early just stops
//! reading, and the pump reads on for a moment, so that a client that is still sending gets
//! the answer instead of a reset connection (RFC 9112, section 9.6).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::{sync::mpsc, time::timeout};

use super::catalog::now;

/// How much of a refused body is read on, and for how long.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(2);
/// Chunks between the connection and the reader.
const CHUNKS_IN_FLIGHT: usize = 4;

/// The longest boundary (RFC 2046, section 5.1.1) with what stands around it at the end.
const END_BYTES: usize = "--".len() + 70 + "--\r\n".len();

/// What has come of a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrival {
    /// Microseconds since 1970, UTC; 0 while no byte came.
    pub(super) first_byte_at: i64,
    /// As `first_byte_at`.
    pub(super) last_byte_at: i64,
    pub(super) bytes: u64,
    /// Its last bytes.
    end: Vec<u8>,
}

/// Starts to read `body`.
pub(super) fn pump(
    body: Body,
) -> (impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static, SharedArrival) {
    let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
    let arrival = SharedArrival::default();
    let pumped = arrival.clone();
    tokio::spawn(async move {
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            if let Ok(bytes) = &chunk {
                pumped.lock().note(bytes);
            }
            let is_broken = chunk.is_err();
            if sender.send(chunk).await.is_err() {
                return linger(chunks).await;
            }
            if is_broken {
                return;
            }
        }
    });
    let next = |mut receiver: mpsc::Receiver<_>| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    };
    (stream::unfold(receiver, next), arrival)
}

/// Lets the client of a refused request read the answer.
pub(super) fn discard(body: Body) {
    tokio::spawn(linger(body.into_data_stream()));
}

async fn linger(mut chunks: impl Stream<Item = Result<Bytes, axum::Error>> + Unpin) {
    let read_on = async {
        let mut left = LINGER_BYTES;
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(LINGER, read_on).await;
}

/// Written by the pump, read by whoever takes in the body.
#[derive(Clone, Default)]
pub(super) struct SharedArrival(Arc<Mutex<Arrival>>);

impl SharedArrival {
    pub(super) fn so_far(&self) -> Arrival {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arrival> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    fn note(&mut self, chunk: &[u8]) {
        self.last_byte_at = now();
        if self.bytes == 0 {
            self.first_byte_at = self.last_byte_at;
        }
        self.bytes += chunk.len() as u64;
        self.end.extend_from_slice(&chunk[chunk.len().saturating_sub(END_BYTES)..]);
        self.end.drain(..self.end.len().saturating_sub(END_BYTES));
    }

    /// Whether the last thing that came is the closing boundary.
    pub(super) fn ends_with_closing(&self, boundary: &str) -> bool {
        let end = self.end.strip_suffix(b"\r\n").unwrap_or(&self.end);
        end.ends_with(format!("--{boundary}--").as_bytes())
    }
}

//! Request bodies: read one chunk at a time, with times, and read for a moment longer if they are
//! rejected.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;
use tower_http::timeout::TimeoutError;

use super::closing_boundary::ClosingBoundary;
use crate::service::clock::{Arrival, now};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long the server keeps reading a rejected body. A client that reads while it sends needs much
/// less; other clients get the response if they finish sending by then.
const LINGER: Duration = Duration::from_secs(2);

/// Longest head of a part, in bytes: boundary and headers.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The start of an object that JavaScript has converted to a string.
const OBJECT_TEXT: &[u8] = b"[object ";

/// Such a string is never longer, and a multipart body is never shorter.
const MAX_OBJECT_TEXT_BYTES: u64 = 64;

/// A body that is being received.
pub(crate) struct IncomingBody {
    chunks: BodyDataStream,
    /// The bytes that its `Content-Length` declares.
    declared: Option<u64>,
    received: u64,
    /// Microseconds since 1970, UTC; 0 until the first byte arrives.
    first_byte_at: i64,
    /// The same for the last byte.
    last_byte_at: i64,
    /// Its first bytes, for [`IncomingBody::is_object_text`].
    beginning: Vec<u8>,
    end: Option<ClosingBoundary>,
    head: HeadAllowance,
    has_yielded: bool,
    /// Since the allowance for a head was used up.
    has_paused: bool,
}

/// Number of bytes that may still be read in search of the head of a part: the multipart parser
/// keeps all of them in memory.
#[derive(Clone)]
pub(crate) struct HeadAllowance(Arc<AtomicUsize>);

/// The maximum size of a head was read, and no part has started.
#[derive(Debug, thiserror::Error)]
#[error("the head of a part is longer than {MAX_HEAD_BYTES} bytes")]
pub(crate) struct HeadTooLong;

impl HeadAllowance {
    pub(crate) fn limit(&self) {
        self.0.store(MAX_HEAD_BYTES, Ordering::Relaxed);
    }

    pub(crate) fn lift(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }

    fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn use_up(&self, bytes: usize) {
        let left = self.0.load(Ordering::Relaxed);
        if left != usize::MAX {
            self.0.store(left.saturating_sub(bytes), Ordering::Relaxed);
        }
    }
}

impl IncomingBody {
    pub(crate) fn new(body: Body, headers: &HeaderMap) -> Self {
        Self {
            declared: declared_length(headers),
            chunks: body.into_data_stream(),
            received: 0,
            first_byte_at: 0,
            last_byte_at: 0,
            beginning: Vec::new(),
            end: None,
            head: HeadAllowance(Arc::new(AtomicUsize::new(usize::MAX))),
            has_yielded: false,
            has_paused: false,
        }
    }

    /// The bytes that its `Content-Length` declares.
    pub(crate) fn declared(&self) -> Option<u64> {
        self.declared
    }

    /// Starts to look for the end of the body.
    pub(crate) fn expect_end(&mut self, boundary: &str) {
        self.end = Some(ClosingBoundary::new(boundary));
    }

    pub(crate) fn head_allowance(&self) -> HeadAllowance {
        self.head.clone()
    }

    /// Receives the rest of the request after the closing boundary, at most a line break. Returns
    /// `None` if there is more, or if the request is incomplete.
    pub(crate) async fn receive_end(&mut self) -> Option<Arrival> {
        self.head.lift();
        while let Some(chunk) = self.next().await {
            if chunk.is_err() || !self.has_ended() {
                return None;
            }
        }
        let is_complete =
            self.declared.is_none_or(|declared| declared == self.received) && self.has_ended();
        is_complete.then_some(Arrival {
            first_byte_at: self.first_byte_at,
            last_byte_at: self.last_byte_at,
        })
    }

    /// Whether the body is an object that JavaScript has converted to a string, such as
    /// `[object FormData]`. Reads the rest of the body if it is short enough.
    pub(crate) async fn is_object_text(&mut self) -> bool {
        if self.declared.is_none_or(|bytes| bytes > MAX_OBJECT_TEXT_BYTES) {
            return false;
        }
        let read_on = async {
            while let Some(Ok(chunk)) = self.chunks.next().await {
                self.note(&chunk);
            }
        };
        let _ = timeout(LINGER, read_on).await;
        self.beginning.starts_with(OBJECT_TEXT)
    }

    fn has_ended(&self) -> bool {
        self.end.as_ref().is_some_and(ClosingBoundary::is_the_end)
    }

    /// Lets the client of a rejected request read the response: see [`discard`].
    pub(crate) fn discard(self) {
        tokio::spawn(linger(self.chunks));
    }

    fn note(&mut self, chunk: &[u8]) {
        self.last_byte_at = now();
        if self.received == 0 {
            self.first_byte_at = self.last_byte_at;
        }
        self.received += chunk.len() as u64;
        let missing = OBJECT_TEXT.len() - self.beginning.len();
        self.beginning.extend(&chunk[..missing.min(chunk.len())]);
        if let Some(end) = &mut self.end {
            end.note(chunk);
        }
        self.head.use_up(chunk.len());
    }
}

impl Stream for IncomingBody {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The multipart parser reads everything that is ready into memory, so only one chunk is
        // ready at a time. The chunk that exhausts the allowance may still complete the head: the
        // parser polls twice before it looks for the first boundary, so there is one more pause.
        let is_used_up = self.head.is_used_up();
        let is_pause = std::mem::take(&mut self.has_yielded)
            || (is_used_up && !std::mem::replace(&mut self.has_paused, true));
        if is_pause {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if is_used_up {
            return Poll::Ready(Some(Err(HeadTooLong.into())));
        }
        self.has_paused = false;
        let chunk = ready!(self.chunks.poll_next_unpin(context));
        if let Some(Ok(bytes)) = &chunk {
            self.note(bytes);
            self.has_yielded = true;
        }
        Poll::Ready(chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

/// A body with a timeout layer does not know its own length.
fn declared_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Keeps reading for a moment in the background. Closing a connection while bytes still arrive
/// resets it, and the client would never see the response (RFC 9112, section 9.6).
pub(crate) fn discard(body: Body) {
    tokio::spawn(linger(body.into_data_stream()));
}

/// Whether reading a body failed because it timed out.
pub(crate) fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

async fn linger(mut chunks: BodyDataStream) {
    let read_on = async { while let Some(Ok(_)) = chunks.next().await {} };
    let _ = timeout(LINGER, read_on).await;
}

#[cfg(test)]
mod tests {
    use std::{io, task::Poll};

    use axum::{body::Body, http::HeaderMap};
    use bytes::Bytes;
    use futures_util::stream;
    use multer::Multipart;

    use super::IncomingBody;

    /// The parser polls twice for the first bytes; they may arrive in between.
    #[tokio::test]
    async fn a_large_first_chunk_may_come_at_any_moment() {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
        let first = Bytes::from(head.to_owned() + &"x".repeat(64 * 1024));
        let chunks = [Poll::Pending, Poll::Ready(Some(first)), Poll::Ready(None)];
        let mut chunks = chunks.into_iter();
        let chunks = stream::poll_fn(move |context| {
            context.waker().wake_by_ref();
            let chunk = chunks.next().unwrap_or(Poll::Ready(None));
            chunk.map(|chunk| chunk.map(Ok::<_, io::Error>))
        });
        let mut body = IncomingBody::new(Body::from_stream(chunks), &HeaderMap::new());
        let allowance = body.head_allowance();
        let mut multipart = Multipart::new(&mut body, "b");
        allowance.limit();
        let field = multipart.next_field().await.unwrap().unwrap();
        assert_eq!(field.name(), Some("file"));
    }
}

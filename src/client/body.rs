//! The body of one upload: multipart framing of our own, because the tail of the file and
//! the closing boundary must be held back, and the length be known.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    config::{SEALED_BYTES, TAIL_BYTES},
    error::{Error, Result},
    location::Location,
    lock::Lock,
    source::{ContentReader, WaitsFor},
};

/// What a body should do with its held tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TailOrder {
    /// Send one byte, to keep the connection alive.
    Drip,
    /// Send all of it.
    Release,
}

/// Events of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEvent {
    /// The connection has requested its first bytes, so it is open.
    Started,
    /// All but the tail is sent.
    TailReached,
}

/// How far a body is; shared with those who watch it.
#[derive(Debug, Default)]
pub(crate) struct BodyState {
    sent: AtomicU64,
    held: AtomicBool,
    complete: AtomicBool,
    waits_for: WaitsFor,
    failure: Lock<Option<Error>>,
}

impl BodyState {
    /// Bytes of the content that the connection has taken.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether only the tail is left, and not released.
    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether the last byte was handed over.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    /// The file that the body waits for, if it does not wait for the connection.
    pub(crate) fn reading(&self) -> Option<Location> {
        self.waits_for.location()
    }

    /// How often something that the body waited for has arrived.
    pub(crate) fn arrivals(&self) -> u64 {
        self.waits_for.arrivals()
    }

    /// Why the body ended early, if the connection is not the cause.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure.take()
    }
}

/// The line between a body and its sender: orders one way, events and the state the other way.
pub(crate) fn body_line(
    listener: impl Fn(BodyEvent) + Send + 'static,
) -> (BodyHandle, ControlledEnd) {
    let (sender, orders) = mpsc::unbounded_channel();
    let state = Arc::<BodyState>::default();
    let end = ControlledEnd { orders, listener: Box::new(listener), state: Arc::clone(&state) };
    (BodyHandle { orders: sender, state }, end)
}

/// The sender's end of the line.
pub(crate) struct BodyHandle {
    orders: mpsc::UnboundedSender<TailOrder>,
    state: Arc<BodyState>,
}

impl BodyHandle {
    pub(crate) fn order(&self, order: TailOrder) {
        // A body that is over has told so, or is about to.
        let _ = self.orders.send(order);
    }

    pub(crate) fn state(&self) -> &Arc<BodyState> {
        &self.state
    }
}

/// The body's end of the line.
pub(crate) struct ControlledEnd {
    orders: mpsc::UnboundedReceiver<TailOrder>,
    listener: Box<dyn Fn(BodyEvent) + Send>,
    state: Arc<BodyState>,
}

impl ControlledEnd {
    pub(super) fn state(&self) -> &Arc<BodyState> {
        &self.state
    }
}

/// `multipart/form-data` (RFC 7578) around one file: the text field `dataset_id`, then the
/// file field `file`.
pub(crate) struct Framing {
    boundary: String,
    head: Bytes,
    closing: Bytes,
}

impl Framing {
    /// Framing with a boundary from the system's randomness.
    ///
    /// Names that would need escaping are rejected at planning (`wire::file_name`); the escapes
    /// here are those of the WHATWG's "multipart/form-data encoding algorithm".
    pub(crate) fn new(dataset_id: &str, file_name: &str) -> Self {
        let boundary = format!("sutro-{}", Uuid::new_v4().simple());
        let file_name = file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let head = format!(
            "--{boundary}\r\n\
             Content-Disposition: form-data; name=\"dataset_id\"\r\n\r\n\
             {dataset_id}\r\n\
             --{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        Self {
            head: Bytes::from(head),
            closing: Bytes::from(format!("\r\n--{boundary}--\r\n")),
            boundary,
        }
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub(crate) fn content_length(&self, file_size: u64) -> u64 {
        self.head.len() as u64 + file_size + self.closing.len() as u64
    }
}

/// A body that sends everything but its tail and then waits for orders.
pub(crate) struct GatedBody {
    framing: Framing,
    end: ControlledEnd,
    step: Step,
}

enum Step {
    Head(ContentReader),
    Content(ContentReader),
    /// All but the tail is handed over.
    TailReached(Bytes),
    Held(Bytes),
    End,
}

impl GatedBody {
    pub(crate) fn new(content: ContentReader, framing: Framing, end: ControlledEnd) -> Self {
        let step = Step::Head(content.told_to(end.state.waits_for.clone()));
        Self { framing, end, step }
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, BodyFailed>> + Send {
        stream::try_unfold(self, |mut body| async move {
            match body.next_chunk().await {
                Ok(Some(chunk)) => Ok(Some((chunk, body))),
                Ok(None) => Ok(None),
                Err(error) => {
                    *body.end.state.failure.lock() = Some(error);
                    Err(BodyFailed)
                }
            }
        })
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>> {
        match std::mem::replace(&mut self.step, Step::End) {
            Step::Head(reader) => {
                (self.end.listener)(BodyEvent::Started);
                self.step = Step::Content(reader);
                Ok(Some(self.framing.head.clone()))
            }
            Step::Content(reader) => {
                if !reader.is_ahead() {
                    // A connection that gets the next piece at once writes only when it has two,
                    // and its server waits meanwhile.
                    tokio::task::yield_now().await;
                }
                self.read(reader).await.map(Some)
            }
            Step::TailReached(tail) => {
                self.end.state.held.store(true, Ordering::Relaxed);
                (self.end.listener)(BodyEvent::TailReached);
                self.follow_orders(tail).await.map(Some)
            }
            Step::Held(tail) => self.follow_orders(tail).await.map(Some),
            Step::End => Ok(None),
        }
    }

    async fn read(&mut self, mut reader: ContentReader) -> Result<Bytes> {
        let (mut bytes, is_last) = reader.next().await?;
        self.step = if is_last {
            // A copy: neither the sources nor their buffers are kept while the tail is held.
            let tail = bytes.split_off(bytes.len().saturating_sub(TAIL_BYTES));
            Step::TailReached(Bytes::copy_from_slice(&tail))
        } else {
            Step::Content(reader)
        };
        self.note_sent(&bytes);
        Ok(bytes)
    }

    /// The rest is in memory and was verified after it was read, so its release waits for nothing.
    async fn follow_orders(&mut self, mut tail: Bytes) -> Result<Bytes> {
        match self.end.orders.recv().await {
            Some(TailOrder::Drip) if tail.len() > SEALED_BYTES => {
                let drop = tail.split_to(1);
                self.note_sent(&drop);
                self.step = Step::Held(tail);
                Ok(drop)
            }
            Some(TailOrder::Release) => {
                self.note_sent(&tail);
                self.end.state.held.store(false, Ordering::Relaxed);
                self.end.state.complete.store(true, Ordering::Relaxed);
                Ok([tail, self.framing.closing.clone()].concat().into())
            }
            // The tail is sent, or the sender of orders is gone: the body ends here, incomplete,
            // and no server accepts it as a file.
            Some(TailOrder::Drip) | None => {
                Err(Error::Internal("a held upload was abandoned".to_owned()))
            }
        }
    }

    fn note_sent(&self, bytes: &[u8]) {
        self.end.state.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

/// Ends the stream; the reason is kept in [`BodyState::take_failure`].
#[derive(Debug, thiserror::Error)]
#[error("the upload's body ended early")]
pub(crate) struct BodyFailed;

//! Reads a remote file from an offset on, as it arrives.

use std::{ops::Range, sync::Arc};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use super::{
    error::{Body, ReadError},
    file::RemoteFile,
    wait::Attempts,
};
use crate::{error::Result, source::waits_for::WaitsFor};

/// One request for all bytes up to an end. If it breaks, another one continues at the same byte.
pub(in crate::source) struct RemoteStream {
    file: Arc<RemoteFile>,
    /// The position of the next byte, and the end of the request.
    at: u64,
    end: u64,
    /// A request whose response is awaited.
    requested: Option<AbortOnDropHandle<Result<Body, ReadError>>>,
    body: Option<Body>,
    /// Bytes that have arrived.
    ready: Bytes,
    attempts: Attempts,
    waits_for: WaitsFor,
}

impl RemoteStream {
    /// Tells `waits_for` when bytes have arrived.
    pub(in crate::source) fn new(file: Arc<RemoteFile>, waits_for: WaitsFor) -> Self {
        let attempts = Attempts::default();
        Self {
            file,
            at: 0,
            end: 0,
            requested: None,
            body: None,
            ready: Bytes::new(),
            attempts,
            waits_for,
        }
    }

    /// Requests a range that is read later.
    pub(in crate::source) fn requested(
        file: Arc<RemoteFile>,
        range: Range<u64>,
        waits_for: WaitsFor,
    ) -> Self {
        let mut stream = Self::new(Arc::clone(&file), waits_for);
        (stream.at, stream.end) = (range.start, range.end);
        let runtime = file.runtime().clone();
        let request = runtime.spawn(async move { file.get(range).await });
        stream.requested = Some(AbortOnDropHandle::new(request));
        stream
    }

    /// Takes bytes from `offset` that have arrived.
    pub(in crate::source) fn take_ready(&mut self, bytes: &mut [u8], offset: u64) -> usize {
        if self.at != offset {
            return 0;
        }
        let count = bytes.len().min(self.ready.len());
        self.ready.copy_to_slice(&mut bytes[..count]);
        self.at += count as u64;
        count
    }

    /// Fills `bytes` from `offset`. Bytes up to `end` will follow.
    pub(in crate::source) async fn fill(
        &mut self,
        mut bytes: &mut [u8],
        mut offset: u64,
        end: u64,
    ) -> Result<()> {
        if self.at != offset || self.end < offset + bytes.len() as u64 {
            (self.at, self.end, self.ready) = (offset, end, Bytes::new());
            (self.requested, self.body) = (None, None);
        }
        while !bytes.is_empty() {
            let count = self.take_ready(bytes, offset);
            (bytes, offset) = (&mut bytes[count..], offset + count as u64);
            if count == 0
                && let Err(error) = self.receive().await
            {
                let paused = self.attempts.pause_after(error).await;
                paused.map_err(|error| error.while_reading(self.file.location()))?;
            }
        }
        Ok(())
    }

    /// Waits for the next bytes.
    async fn receive(&mut self) -> Result<(), ReadError> {
        let mut body = match (self.body.take(), self.requested.take()) {
            (Some(body), _) => body,
            (None, Some(requested)) => {
                requested.await.map_err(|error| ReadError::Broken(error.to_string()))??
            }
            (None, None) => self.file.get(self.at..self.end).await?,
        };
        match body.next().await {
            Some(Ok(bytes)) => {
                let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
                self.ready = bytes.slice(..left.min(bytes.len()));
                if !self.ready.is_empty() {
                    self.attempts.progressed();
                    self.waits_for.arrived();
                }
                self.body = Some(body);
                Ok(())
            }
            Some(Err(error)) => Err(error),
            None => Err(ReadError::Broken("the response ended early".to_owned())),
        }
    }
}

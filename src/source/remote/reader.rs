//! Blocking reads of ranges of a remote file.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::{file::RemoteFile, stream::RemoteStream, wait::wait};
use crate::{
    error::{Error, Result},
    lock::Lock,
    source::waits_for::WaitsFor,
};

/// Bytes that are read at once: enough for the pages of a column, which are read in small pieces.
const WINDOW_BYTES: u64 = 2 * 1024 * 1024;
const WINDOWS: usize = 2;
/// The end of a file has its footer, whose parts are read one after the other.
const END_BYTES: u64 = 64 * 1024;

/// Reads ranges, and keeps the last bytes that it has read. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::source) struct RemoteReader {
    file: Arc<RemoteFile>,
    /// Positions of first bytes, with the bytes from there.
    windows: Arc<Lock<Vec<(u64, Bytes)>>>,
}

impl RemoteReader {
    pub(in crate::source) fn new(file: Arc<RemoteFile>) -> Self {
        Self { file, windows: Arc::default() }
    }

    /// Fills `bytes` from `offset`.
    pub(in crate::source) fn fill(&self, mut bytes: &mut [u8], mut offset: u64) -> Result<()> {
        while !bytes.is_empty() {
            let mut window = self.kept(offset);
            if window.is_empty() {
                window = self.read(offset, bytes.len() as u64)?;
            }
            let count = bytes.len().min(window.len());
            bytes[..count].copy_from_slice(&window[..count]);
            (bytes, offset) = (&mut bytes[count..], offset + count as u64);
        }
        Ok(())
    }

    /// The bytes from `offset` that are in memory.
    fn kept(&self, offset: u64) -> Bytes {
        let windows = self.windows.lock();
        let within = |(begin, bytes): &(u64, Bytes)| {
            let skipped = usize::try_from(offset.checked_sub(*begin)?).ok()?;
            (skipped < bytes.len()).then(|| bytes.slice(skipped..))
        };
        windows.iter().rev().find_map(within).unwrap_or_default()
    }

    /// The bytes from `offset`, at least `length` if there are as many.
    fn read(&self, offset: u64, length: u64) -> Result<Bytes> {
        let (file, size) = (Arc::clone(&self.file), self.file.size());
        if offset >= size {
            return Err(Error::Internal("a remote file was read behind its end".to_owned()));
        }
        let start_of_end = size.saturating_sub(END_BYTES);
        let start = if offset > start_of_end { start_of_end } else { offset };
        let end = size.min(offset.saturating_add(WINDOW_BYTES.max(length)));
        let read = async move {
            let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
            let mut bytes = BytesMut::zeroed(length);
            RemoteStream::new(file, WaitsFor::default()).fill(&mut bytes, start, end).await?;
            Ok(bytes.freeze())
        };
        let bytes = wait(self.file.runtime(), read)??;
        let mut windows = self.windows.lock();
        if windows.len() == WINDOWS {
            windows.remove(0);
        }
        windows.push((start, bytes.clone()));
        Ok(bytes.slice(usize::try_from(offset - start).unwrap_or(usize::MAX)..))
    }
}

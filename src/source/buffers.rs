//! Buffers that are used again: new memory costs a page fault for each 4 KiB.

use std::sync::Arc;

use bytes::Bytes;

use crate::lock::Lock;

/// Buffers that are free. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers(Arc<Lock<Vec<Vec<u8>>>>);

impl Buffers {
    /// A buffer with at least `size` bytes, whose contents are arbitrary.
    pub(super) fn take(&self, size: usize) -> Vec<u8> {
        let mut buffer = self.0.lock().pop().unwrap_or_default();
        if buffer.len() < size {
            buffer = vec![0; size];
        }
        buffer
    }

    /// The first bytes of a buffer, which returns when they were sent.
    pub(super) fn lend(&self, buffer: Vec<u8>, length: usize) -> Bytes {
        Bytes::from_owner(Lent { buffer, length, home: self.clone() })
    }
}

struct Lent {
    buffer: Vec<u8>,
    length: usize,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.0.lock().push(std::mem::take(&mut self.buffer));
    }
}

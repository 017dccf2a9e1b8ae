//! Memory for parts, which all uploads of an instance share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::health::Health;
use crate::service::storage::error::StorageError;

/// An object has at most this many parts.
const MOST_PARTS: u64 = 10_000;
/// The smallest part, unless it is the last one, has 5 MiB. Larger ones take fewer requests.
const SMALLEST_PART: u64 = 8 << 20;
const MEBIBYTE: u64 = 1 << 20;

/// Number of parts that are gathered in memory; those of other uploads are in temporary files, so
/// that no upload waits for a client of another one.
const GATHERED_IN_MEMORY: usize = 1;
/// Number of parts from temporary files that are sent at the same time.
const SENT_FROM_FILES: usize = 2;

/// How often who waits for memory looks whether the store is away.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct PartMemory {
    /// All parts of an object have this size except the last: some stores require it.
    pub(super) part_bytes: usize,
    gathered: Arc<Semaphore>,
    sent: Arc<Semaphore>,
    /// Buffers that are not in use. They are kept, because an allocator would keep more.
    free: Arc<Mutex<Vec<BytesMut>>>,
}

/// Memory for one part, until it is dropped.
pub(super) struct PartBuffer {
    pub(super) bytes: BytesMut,
    lease: Lease,
}

/// Memory whose bytes are being sent.
pub(super) struct Lease {
    sent: Bytes,
    free: Arc<Mutex<Vec<BytesMut>>>,
    _permit: OwnedSemaphorePermit,
}

impl PartMemory {
    pub(super) fn for_objects_of(most_bytes: u64) -> Self {
        let part_bytes = most_bytes.div_ceil(MOST_PARTS).next_multiple_of(MEBIBYTE);
        Self {
            part_bytes: usize::try_from(part_bytes.max(SMALLEST_PART)).unwrap_or(usize::MAX),
            gathered: Arc::new(Semaphore::new(GATHERED_IN_MEMORY)),
            sent: Arc::new(Semaphore::new(SENT_FROM_FILES)),
            free: Arc::default(),
        }
    }

    /// Memory to gather a part in, if there is some at the moment.
    pub(super) fn to_gather(&self) -> Option<PartBuffer> {
        Arc::clone(&self.gathered).try_acquire_owned().ok().map(|permit| self.buffer(permit))
    }

    /// Waits for memory to send a part from. The parts before it are sent, or fail.
    pub(super) async fn to_send(&self, health: &Health) -> Result<PartBuffer, StorageError> {
        let mut permit = std::pin::pin!(Arc::clone(&self.sent).acquire_owned());
        loop {
            tokio::select! {
                permit = &mut permit => {
                    // Fails only if the semaphore was closed, which nobody does.
                    let permit = permit.map_err(|error| unavailable(&error))?;
                    return Ok(self.buffer(permit));
                }
                () = tokio::time::sleep(PAUSE) => health.check()?,
            }
        }
    }

    fn buffer(&self, permit: OwnedSemaphorePermit) -> PartBuffer {
        let free = lock(&self.free).pop();
        let bytes = free.unwrap_or_else(|| BytesMut::with_capacity(self.part_bytes));
        let lease = Lease { sent: Bytes::new(), free: Arc::clone(&self.free), _permit: permit };
        PartBuffer { bytes, lease }
    }
}

fn unavailable(error: &AcquireError) -> StorageError {
    StorageError::Unavailable(error.to_string())
}

impl PartBuffer {
    /// The bytes, and the memory that they take until they are sent.
    pub(super) fn freeze(self) -> (Bytes, Lease) {
        let sent = self.bytes.freeze();
        (sent.clone(), Lease { sent, ..self.lease })
    }
}

impl Lease {
    /// Ends the use of the memory. The bytes must be sent.
    pub(super) fn end(mut self) {
        if let Ok(mut bytes) = std::mem::take(&mut self.sent).try_into_mut() {
            bytes.clear();
            lock(&self.free).push(bytes);
        }
    }
}

fn lock(free: &Mutex<Vec<BytesMut>>) -> MutexGuard<'_, Vec<BytesMut>> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Health, MEBIBYTE, PartMemory, SENT_FROM_FILES, StorageError};

    #[test]
    fn an_object_of_any_size_has_at_most_ten_thousand_parts() {
        for (most_bytes, mebibytes) in
            [(1, 8), (80_000 * MEBIBYTE, 8), (100 << 30, 11), (5 << 40, 525)]
        {
            let part_bytes = PartMemory::for_objects_of(most_bytes).part_bytes as u64;
            assert_eq!(part_bytes, mebibytes * MEBIBYTE);
            assert!(most_bytes.div_ceil(part_bytes) <= 10_000);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_memory_stops_when_the_store_is_away() {
        let (memory, health) = (PartMemory::for_objects_of(1), Health::default());
        let mut sent = Vec::new();
        for _ in 0..SENT_FROM_FILES {
            sent.push(memory.to_send(&health).await.unwrap());
        }
        let (waited, _) = tokio::join!(memory.to_send(&health), async {
            health.note(Err::<(), _>(StorageError::StoreAway("refused".to_owned())))
        });
        assert!(matches!(waited, Err(StorageError::StoreAway(_))));
        sent.pop();
        assert!(memory.to_send(&health).await.is_ok());
    }

    #[tokio::test]
    async fn memory_is_used_again_when_its_bytes_were_sent() {
        let memory = PartMemory::for_objects_of(1);
        let mut buffer = memory.to_gather().unwrap();
        assert!(memory.to_gather().is_none());
        buffer.bytes.extend_from_slice(b"part");
        let place = buffer.bytes.as_ptr();
        let (bytes, lease) = buffer.freeze();
        assert_eq!(bytes, "part");
        assert!(memory.to_gather().is_none());
        drop(bytes);
        lease.end();
        let again = memory.to_gather().unwrap();
        assert!(again.bytes.is_empty() && again.bytes.as_ptr() == place);
        assert!(again.bytes.capacity() >= memory.part_bytes);
    }
}

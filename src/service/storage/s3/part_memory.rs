//! Memory for parts, which all uploads of an instance share.

use std::{mem, pin::pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::health::Health;
use crate::{lock::Lock, service::storage::error::StorageError};

/// An object has at most this many parts.
const MOST_PARTS: u64 = 10_000;
/// All parts but the last must have 5 MiB. Larger ones take fewer requests.
const PART_BYTES: u64 = 8 << 20;
const MEBIBYTE: u64 = 1 << 20;

/// Number of parts that are gathered in memory; those of other uploads are in temporary files.
const GATHERED_IN_MEMORY: usize = 3;
/// Number of parts from temporary files that can be sent at any time.
const SENT_FROM_FILES: usize = 1;

/// How long an upload waits for memory before it uses a file. Uploads whose clients pause leave
/// theirs to others, but some clients are slow without pausing.
const GATHERING_PATIENCE: Duration = Duration::from_millis(250);
/// How often an upload that waits for memory checks whether the store is unavailable.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct PartMemory {
    gathered: Arc<Semaphore>,
    sent: Arc<Semaphore>,
    /// Buffers that are not in use. They are kept, because an allocator would keep more.
    free: Arc<Lock<Vec<BytesMut>>>,
}

/// Memory for one part, until it is dropped.
pub(super) struct PartBuffer {
    pub(super) bytes: BytesMut,
    lease: Lease,
}

/// Memory whose bytes are being sent.
pub(super) struct Lease {
    sent: Bytes,
    free: Arc<Lock<Vec<BytesMut>>>,
    _permit: OwnedSemaphorePermit,
}

/// The size of the parts of an object. All of them have it except the last: some stores require
/// this.
pub(super) fn part_bytes(object_bytes: u64) -> usize {
    let part_bytes = object_bytes.div_ceil(MOST_PARTS).next_multiple_of(MEBIBYTE);
    usize::try_from(part_bytes.max(PART_BYTES)).unwrap_or(usize::MAX)
}

impl Default for PartMemory {
    fn default() -> Self {
        Self {
            gathered: Arc::new(Semaphore::new(GATHERED_IN_MEMORY)),
            sent: Arc::new(Semaphore::new(SENT_FROM_FILES)),
            free: Arc::default(),
        }
    }
}

impl PartMemory {
    /// Memory to collect a part in, if some becomes free soon.
    pub(super) async fn to_gather(&self) -> Option<PartBuffer> {
        let permit = timeout(GATHERING_PATIENCE, Arc::clone(&self.gathered).acquire_owned());
        Some(self.buffer(permit.await.ok()?.ok()?))
    }

    /// Waits for memory to send a part from. The parts before it are sent, or fail.
    pub(super) async fn to_send(&self, health: &Health) -> Result<PartBuffer, StorageError> {
        let mut for_sending = pin!(Arc::clone(&self.sent).acquire_owned());
        let mut for_gathering = pin!(Arc::clone(&self.gathered).acquire_owned());
        loop {
            let permit = tokio::select! {
                permit = &mut for_sending => permit,
                permit = &mut for_gathering => permit,
                () = sleep(PAUSE) => {
                    health.check()?;
                    continue;
                }
            };
            // Fails only if the semaphore was closed, which never happens.
            return Ok(self.buffer(permit.map_err(|error| unavailable(&error))?));
        }
    }

    fn buffer(&self, permit: OwnedSemaphorePermit) -> PartBuffer {
        let free = self.free.lock().pop();
        let bytes = free.unwrap_or_else(|| BytesMut::with_capacity(part_bytes(0)));
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
        if let Ok(mut bytes) = mem::take(&mut self.sent).try_into_mut()
            && bytes.capacity() <= 2 * part_bytes(0)
        {
            bytes.clear();
            self.free.lock().push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        GATHERED_IN_MEMORY, Health, MEBIBYTE, PartMemory, SENT_FROM_FILES, StorageError, part_bytes,
    };

    #[test]
    fn an_object_of_any_size_has_at_most_ten_thousand_parts() {
        for (object_bytes, mebibytes) in
            [(1, 8), (80_000 * MEBIBYTE, 8), (100 << 30, 11), (5 << 40, 525)]
        {
            let part_bytes = part_bytes(object_bytes) as u64;
            assert_eq!(part_bytes, mebibytes * MEBIBYTE);
            assert!(object_bytes.div_ceil(part_bytes) <= 10_000);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_memory_ends_if_the_store_is_unavailable() {
        let (memory, health) = (PartMemory::default(), Health::default());
        let (mut sent, most) = (Vec::new(), GATHERED_IN_MEMORY + SENT_FROM_FILES);
        for _ in 0..most {
            sent.push(memory.to_send(&health).await.unwrap());
        }
        let (waited, _) = tokio::join!(memory.to_send(&health), async {
            health.note(Err::<(), _>(StorageError::StoreAway("refused".to_owned())))
        });
        assert!(matches!(waited, Err(StorageError::StoreAway(_))));
        sent.pop();
        assert!(memory.to_send(&health).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn uploads_that_collect_bytes_leave_memory_to_those_that_send() {
        let (memory, health) = (PartMemory::default(), Health::default());
        let mut gathered = Vec::new();
        while let Some(buffer) = memory.to_gather().await {
            gathered.push(buffer);
        }
        assert_eq!(gathered.len(), GATHERED_IN_MEMORY);
        assert!(memory.to_send(&health).await.is_ok());
    }

    #[tokio::test]
    async fn memory_is_reused_after_its_bytes_were_sent() {
        let memory = PartMemory::default();
        let mut buffer = memory.to_gather().await.unwrap();
        buffer.bytes.extend_from_slice(b"part");
        let place = buffer.bytes.as_ptr();
        let (bytes, lease) = buffer.freeze();
        assert_eq!(bytes, "part");
        drop(bytes);
        lease.end();
        let again = memory.to_gather().await.unwrap();
        assert!(again.bytes.is_empty() && again.bytes.as_ptr() == place);
        assert!(again.bytes.capacity() >= part_bytes(0));
    }
}

//! The bytes of an upload that are not sent yet: at most one part.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    mem,
};

use bytes::{BufMut, Bytes, BytesMut};
use object_store::PutPayload;
use tokio::task::spawn_blocking;

use super::{
    part_memory::{Lease, PartBuffer},
    store::S3Store,
};
use crate::service::storage::{error::StorageError, io_error::of_io};

/// Number of bytes that each upload may keep in its own memory.
const OWN_BYTES: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct NextPart {
    size: usize,
    place: Place,
    /// The last bytes, unless they are in shared memory.
    own: BytesMut,
}

#[derive(Default)]
enum Place {
    #[default]
    OwnMemory,
    SharedMemory(PartBuffer),
    File(File),
}

/// A part that is being sent, and the memory that it takes.
pub(super) struct Payload {
    pub(super) bytes: PutPayload,
    pub(super) memory: Option<Lease>,
}

impl NextPart {
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) async fn push(&mut self, bytes: Bytes, store: &S3Store) -> Result<(), StorageError> {
        self.size += bytes.len();
        if let Place::SharedMemory(buffer) = &mut self.place {
            buffer.bytes.extend_from_slice(&bytes);
            return Ok(());
        }
        if self.own.len() + bytes.len() <= OWN_BYTES {
            self.own.extend_from_slice(&bytes);
            return Ok(());
        }
        let file = match mem::take(&mut self.place) {
            Place::File(file) => Some(file),
            _ => None,
        };
        if file.is_none()
            && let Some(mut buffer) = store.memory.to_gather().await
        {
            buffer.bytes.extend_from_slice(&mem::take(&mut self.own));
            buffer.bytes.extend_from_slice(&bytes);
            self.place = Place::SharedMemory(buffer);
            return Ok(());
        }
        self.place = Place::File(self.append_to(file, bytes).await?);
        Ok(())
    }

    pub(super) fn is_in_shared_memory(&self) -> bool {
        matches!(self.place, Place::SharedMemory(_))
    }

    /// Leaves shared memory to other uploads.
    pub(super) async fn leave_shared_memory(&mut self) -> Result<(), StorageError> {
        match mem::take(&mut self.place) {
            Place::SharedMemory(buffer) => {
                let (bytes, lease) = buffer.freeze();
                self.place = Place::File(self.append_to(None, bytes).await?);
                lease.end();
            }
            place => self.place = place,
        }
        Ok(())
    }

    /// Takes the whole part, and starts with the next one.
    pub(super) async fn take(&mut self, store: &S3Store) -> Result<Payload, StorageError> {
        let Self { size, place, own } = mem::take(self);
        let buffer = match place {
            Place::OwnMemory => return Ok(Payload { bytes: own.freeze().into(), memory: None }),
            Place::SharedMemory(buffer) => buffer,
            Place::File(file) => {
                let buffer = store.memory.to_send(&store.health).await?;
                joined(spawn_blocking(move || read_all(file, size, &own, buffer)).await)?
            }
        };
        let (bytes, lease) = buffer.freeze();
        Ok(Payload { bytes: bytes.into(), memory: Some(lease) })
    }

    /// Appends the upload's own bytes, and those that follow, to a file, which disappears with its
    /// last handle.
    async fn append_to(&mut self, file: Option<File>, bytes: Bytes) -> Result<File, StorageError> {
        let mut own = mem::take(&mut self.own);
        let write = spawn_blocking(move || {
            let mut file = file.map_or_else(tempfile::tempfile, Ok)?;
            file.write_all(&own)?;
            file.write_all(&bytes)?;
            own.clear();
            Ok((file, own))
        });
        let file;
        (file, self.own) = joined(write.await)?;
        Ok(file)
    }
}

/// Reads a file of all bytes but the last ones.
fn read_all(
    mut file: File,
    size: usize,
    last: &[u8],
    mut buffer: PartBuffer,
) -> io::Result<PartBuffer> {
    file.rewind()?;
    io::copy(&mut file.take((size - last.len()) as u64), &mut (&mut buffer.bytes).writer())?;
    buffer.bytes.extend_from_slice(last);
    if buffer.bytes.len() != size {
        return Err(io::Error::other("a temporary file has another size than was written"));
    }
    Ok(buffer)
}

fn joined<T>(outcome: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, StorageError> {
    let outcome = outcome.map_err(|error| StorageError::BlobFailed(error.to_string()))?;
    outcome.map_err(|error| of_io(&error, format!("a temporary file failed: {error}")))
}

//! Writes an object as its bytes arrive: in one request if it is small, otherwise in parts.

use bytes::{Bytes, BytesMut};
use object_store::{Attributes, Error as StoreError, PutOptions, path::Path};

use super::{
    bucket::Bucket,
    existing::{Existing, attributes_of},
    multipart::Multipart,
};
use crate::{error::Result, wire::digest::Sha256Digest};

/// Larger objects are sent in parts of this size.
const PART_BYTES: u64 = 8 << 20;
const MEBIBYTE: u64 = 1 << 20;
/// S3 accepts no more.
const MOST_PARTS: u64 = 10_000;

/// An object that is being written. There is nothing of it until [`ObjectWriter::finish`] returns;
/// if it is dropped before, what was sent is removed in the background.
pub(crate) struct ObjectWriter {
    bucket: Bucket,
    key: String,
    path: Path,
    attributes: Attributes,
    /// All parts but the last have this size: some stores require it.
    part_bytes: usize,
    /// Parts that are sent while the next one is filled.
    at_once: usize,
    part: BytesMut,
    /// Bytes so far, and all bytes if their number is known.
    size: u64,
    declared: Option<u64>,
    /// `None` while everything fits into one part.
    multipart: Option<Multipart>,
    /// The object that was there when the multipart upload began, as far as that could be seen.
    before: Option<Existing>,
}

impl Bucket {
    /// Starts to write a Parquet file. Nothing is sent until there is more than one part of it.
    ///
    /// # Errors
    /// [`crate::Error::Configuration`] if the key cannot be used.
    pub(crate) fn parquet_writer(
        &self,
        key: &str,
        size: Option<u64>,
        sha256: Option<Sha256Digest>,
    ) -> Result<ObjectWriter> {
        self.writer(key, size, attributes_of(sha256), 1)
    }

    pub(super) fn writer(
        &self,
        key: &str,
        declared: Option<u64>,
        attributes: Attributes,
        at_once: usize,
    ) -> Result<ObjectWriter> {
        Ok(ObjectWriter {
            path: self.path(key)?,
            bucket: self.clone(),
            key: key.to_owned(),
            attributes,
            part_bytes: usize::try_from(part_bytes(declared.unwrap_or(0))).unwrap_or(usize::MAX),
            at_once,
            part: BytesMut::new(),
            size: 0,
            declared,
            multipart: None,
            before: None,
        })
    }
}

/// The size of the parts of an object.
fn part_bytes(object_bytes: u64) -> u64 {
    object_bytes.div_ceil(MOST_PARTS).next_multiple_of(MEBIBYTE).max(PART_BYTES)
}

impl ObjectWriter {
    /// Adds bytes. Waits for the store while a part is full.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the store rejects the request or does not respond.
    pub(crate) async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            if self.part.len() == self.part_bytes {
                self.send_part().await?;
            }
            self.reserve();
            let room = self.part_bytes - self.part.len();
            let next = bytes.split_to(room.min(bytes.len()));
            self.part.extend_from_slice(&next);
            self.size += next.len() as u64;
        }
        Ok(())
    }

    /// Makes the object, which replaces one with the same key. It is durable when this returns.
    ///
    /// # Errors
    /// As [`ObjectWriter::write`]; then there is no object, and nothing is left behind.
    pub(crate) async fn finish(mut self) -> Result<()> {
        let made = self.make().await;
        match self.multipart.take() {
            Some(multipart) if made.is_err() => multipart.abort().await,
            Some(mut multipart) => multipart.is_over(),
            None => {}
        }
        made
    }

    /// Removes what was sent.
    pub(crate) async fn abandon(mut self) {
        if let Some(multipart) = self.multipart.take() {
            multipart.abort().await;
        }
    }

    async fn make(&mut self) -> Result<()> {
        if self.multipart.is_none() {
            let attributes = self.attributes.clone();
            let options = PutOptions { attributes, ..PutOptions::default() };
            let bytes = self.part.split().freeze();
            let put = self.bucket.store()?.put_opts(&self.path, bytes.into(), options).await;
            return put.map(drop).map_err(|error| self.failed(&error));
        }
        if !self.part.is_empty() {
            self.send_part().await?;
        }
        let Some(multipart) = &mut self.multipart else { return Ok(()) };
        let before = self.before.as_ref();
        match multipart.complete().await {
            Ok(()) => Ok(()),
            // The response may have been lost, and a repeated request finds no upload any more.
            Err(_) if self.bucket.was_written(&self.key, self.size, before).await => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn send_part(&mut self) -> Result<()> {
        let part = self.part.split().freeze();
        self.part = BytesMut::new();
        if self.multipart.is_none() {
            // A key with write permission may lack read permission.
            self.before = self.bucket.find(&self.key).await.ok().flatten();
            let (store, path) = (self.bucket.store()?, self.path.clone());
            let (attributes, runtime) = (self.attributes.clone(), &self.bucket.runtime);
            let begun = Multipart::begin(store, path, attributes, runtime).await;
            self.multipart = Some(begun.map_err(|error| self.failed(&error))?);
        }
        let Some(multipart) = &mut self.multipart else { return Ok(()) };
        let sent = multipart.send(part, self.at_once).await;
        sent.map_err(|error| self.failed(&error))
    }

    /// Makes room for the rest of the part at once, if it is known how much will follow.
    fn reserve(&mut self) {
        let left = self.declared.map(|size| size.saturating_sub(self.size));
        let left = left.and_then(|left| usize::try_from(left).ok());
        if let Some(left) = left
            && self.part.is_empty()
        {
            self.part.reserve(left.min(self.part_bytes));
        }
    }

    fn failed(&self, error: &StoreError) -> crate::Error {
        self.bucket.failed(&self.key, error)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_PARTS, PART_BYTES, part_bytes};

    #[test]
    fn parts_are_small_and_not_too_many() {
        for size in [0, 1, PART_BYTES * MOST_PARTS] {
            assert_eq!(part_bytes(size), PART_BYTES);
        }
        let largest = 5 << 40;
        assert!(largest / part_bytes(largest) < MOST_PARTS);
    }
}

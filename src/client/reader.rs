//! A pinned file, read from its start to its end into buffers that are used again.

use std::{
    fs::File,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use bytes::Bytes;

use super::source::SourceFile;
use crate::{
    background::in_background,
    config::{READ_BYTES, TAIL_BYTES},
    content_hash::ContentHasher,
    error::Result,
    read_at::read_cached_at,
};

pub(super) struct FileReader {
    source: SourceFile,
    /// Opened for the first bytes.
    file: Option<Arc<File>>,
    offset: u64,
    /// Sums up what is read, where the hash is wanted and not known.
    hasher: Option<ContentHasher>,
    /// Buffers come back when the connection has taken what was in them: fresh memory costs a
    /// page fault for each 4 KiB.
    returned: Receiver<Vec<u8>>,
    home: Sender<Vec<u8>>,
}

/// Bytes of a file, in a buffer that goes back to its reader.
struct Lent {
    buffer: Vec<u8>,
    length: usize,
    home: Sender<Vec<u8>>,
}

impl FileReader {
    /// With `is_to_be_hashed`, the file's hash is known when its last bytes were read.
    pub(super) fn new(source: SourceFile, is_to_be_hashed: bool) -> Self {
        let (home, returned) = channel();
        let hasher =
            (is_to_be_hashed && source.known_hash().is_none()).then(ContentHasher::default);
        Self { source, file: None, offset: 0, hasher, returned, home }
    }

    /// The next bytes, and whether they are the last. The last ones have the whole tail, and
    /// are given only when the file is still the one that was pinned.
    pub(super) async fn next(&mut self) -> Result<(Bytes, bool)> {
        let left = usize::try_from(self.source.size() - self.offset).unwrap_or(usize::MAX);
        let is_last = left <= READ_BYTES + TAIL_BYTES;
        let wanted = if is_last { left } else { READ_BYTES };
        let mut buffer = self.buffer();
        let mut length = match &self.file {
            Some(file) => read_cached_at(file, &mut buffer[..wanted], self.offset),
            None => 0,
        };
        if is_last || length == 0 {
            let (source, file, offset) = (self.source.clone(), self.file.take(), self.offset);
            let read = in_background(move || {
                let file = file.map_or_else(|| source.open(), Ok)?;
                if length < wanted {
                    source.read_at(&file, &mut buffer[..wanted], offset)?;
                }
                if is_last {
                    source.verify()?;
                }
                Ok((file, buffer))
            });
            let (file, filled) = read.await?;
            (self.file, buffer, length) = (Some(file), filled, wanted);
        }
        self.offset += length as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..length]);
            if is_last {
                self.source.has_hash(hasher.hash());
            }
        }
        Ok((Bytes::from_owner(Lent { buffer, length, home: self.home.clone() }), is_last))
    }

    fn buffer(&self) -> Vec<u8> {
        self.returned.try_recv().unwrap_or_else(|_| {
            let size = usize::try_from(self.source.size()).unwrap_or(usize::MAX);
            vec![0; size.min(READ_BYTES + TAIL_BYTES)]
        })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The reader may be gone.
        let _ = self.home.send(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FileReader, READ_BYTES, SourceFile, TAIL_BYTES};
    use crate::content_hash::ContentHasher;

    #[tokio::test]
    async fn pieces_add_up_to_the_file_and_the_last_has_the_whole_tail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let longest_piece = READ_BYTES + TAIL_BYTES;
        for size in [1, TAIL_BYTES, longest_piece, longest_piece + 1, 3 * READ_BYTES + 7] {
            let content: Vec<_> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            fs::write(&path, &content).unwrap();
            let source = SourceFile::pin(&path).unwrap();
            let mut reader = FileReader::new(source.clone(), true);
            let mut read = Vec::new();
            assert_eq!(source.known_hash(), None);
            let last = loop {
                let (piece, is_last) = reader.next().await.unwrap();
                read.extend_from_slice(&piece);
                if is_last {
                    break piece;
                }
            };
            assert!(read == content, "{size} bytes");
            assert_eq!(source.known_hash(), Some(ContentHasher::hash_of(&content)));
            assert!(last.len() >= TAIL_BYTES.min(size), "{size} bytes");
        }
    }
}

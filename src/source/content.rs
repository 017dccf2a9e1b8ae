//! The content of one file of a dataset: bytes and ranges of sources.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use super::{open::OpenContent, piece::Piece, pinned::Source};
use crate::{
    config::READ_BYTES,
    content_hash::{HasherOfKind, KnownHashes},
    error::{Error, Result},
    location::Location,
    wire::digest::{ContentHash, HashKind, Sha256Digest},
    xxh3::Xxh3,
};

/// The content of a file: consecutive pieces. Cheap to clone; clones share the hashes.
#[derive(Clone, Debug)]
pub struct Content {
    location: Location,
    pieces: Arc<[Piece]>,
    size: u64,
    /// Known after the complete content was read or written once.
    hashes: Arc<Hashes>,
}

#[derive(Debug, Default)]
struct Hashes {
    sha256: OnceLock<Sha256Digest>,
    xxh3: OnceLock<Xxh3>,
}

impl From<Source> for Content {
    /// The complete source.
    fn from(source: Source) -> Self {
        let size = source.size();
        Self::new(source.location().clone(), [Piece::Range(source, 0..size)])
    }
}

impl Content {
    /// Consecutive pieces; `location` represents them in messages.
    pub fn new(location: Location, pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: Arc<[_]> = pieces.into_iter().filter(|piece| piece.size() > 0).collect();
        let size = pieces.iter().map(Piece::size).sum();
        Self { location, pieces, size, hashes: Arc::default() }
    }

    /// The complete source, whose hashes are known.
    pub(crate) fn hashed(source: Source, sha256: Sha256Digest, xxh3: Xxh3) -> Self {
        let content = Self::from(source);
        content.has_hash(ContentHash::Sha256(sha256));
        content.has_hash(ContentHash::Xxh3(xxh3));
        content
    }

    /// Its location, for messages.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The hashes that are known.
    pub(crate) fn known_hashes(&self) -> KnownHashes {
        let Hashes { sha256, xxh3 } = &*self.hashes;
        KnownHashes { sha256: sha256.get().copied(), xxh3: xxh3.get().copied() }
    }

    /// Stores a hash of the content, which was read from start to end.
    pub(super) fn has_hash(&self, hash: ContentHash) {
        // Another attempt may have been faster; its bytes were the same.
        let _ = match hash {
            ContentHash::Sha256(hash) => self.hashes.sha256.set(hash).is_ok(),
            ContentHash::Xxh3(hash) => self.hashes.xxh3.set(hash).is_ok(),
        };
    }

    /// Whether it is the same content, or a clone of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pieces, &other.pieces)
    }

    /// How many clones of it exist.
    #[cfg(test)]
    pub(crate) fn clones(&self) -> usize {
        Arc::strong_count(&self.pieces) - 1
    }

    /// The sources, in order. Consecutive ranges of one source count once.
    pub(super) fn sources(&self) -> Vec<&Source> {
        let mut sources: Vec<_> = self.pieces.iter().filter_map(Piece::source).collect();
        sources.dedup_by(|later, earlier| later.is_same(earlier));
        sources
    }

    /// The pieces for a range of its bytes.
    ///
    /// # Errors
    /// [`Error::Internal`] if the range is not inside the content.
    pub(crate) fn slice(&self, range: Range<u64>) -> Result<Vec<Piece>> {
        if range.start > range.end || range.end > self.size {
            return Err(Error::Internal("a range outside of a content".to_owned()));
        }
        let mut pieces = Vec::new();
        let mut begin = 0;
        for piece in &*self.pieces {
            let end = begin + piece.size();
            if begin < range.end && range.start < end {
                let within = range.start.max(begin) - begin..range.end.min(end) - begin;
                pieces.push(piece.slice(within));
            }
            begin = end;
        }
        Ok(pieces)
    }

    /// Whether `verify` has nothing to check.
    pub(super) fn cannot_change(&self) -> bool {
        self.pieces.iter().filter_map(Piece::source).all(Source::cannot_change)
    }

    /// Opens it for blocking reads.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File), or
    /// [`Error::FileChanged`](crate::Error::FileChanged) if a source was changed.
    pub fn open(&self) -> Result<OpenContent> {
        OpenContent::new(&self.pieces)
    }

    /// Checks that no source was changed since it was pinned. May block.
    ///
    /// # Errors
    /// [`Error::FileChanged`](crate::Error::FileChanged) for the first changed source.
    pub fn verify(&self) -> Result<()> {
        Source::verify(self.sources())
    }

    /// Checks that no source of these contents was changed since it was pinned. May block.
    ///
    /// # Errors
    /// As [`Content::verify`].
    pub(crate) fn verify_all<'a>(contents: impl IntoIterator<Item = &'a Self>) -> Result<()> {
        Source::verify(contents.into_iter().flat_map(Self::sources))
    }

    /// Hashes the content unless the hash is known. May block. Calls `read` with the number of
    /// bytes after each piece; an error of `read` ends the work.
    ///
    /// # Errors
    /// The errors of [`Content::open`] and of `read`.
    pub(crate) fn read_hash(
        &self,
        kind: HashKind,
        mut read: impl FnMut(usize) -> Result<()>,
    ) -> Result<ContentHash> {
        if let Some(hash) = self.known_hashes().of_kind(kind) {
            return Ok(hash);
        }
        let open = self.open()?;
        let mut hasher = HasherOfKind::new(kind);
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        while offset < self.size {
            let left = usize::try_from(self.size - offset).unwrap_or(usize::MAX);
            let bytes = &mut buffer[..left.min(READ_BYTES)];
            open.fill(bytes, offset)?;
            hasher.update(bytes);
            offset += bytes.len() as u64;
            read(bytes.len())?;
        }
        self.verify()?;
        self.has_hash(hasher.hash());
        Ok(hasher.hash())
    }

    /// The same content without its temporary files, which disappear with their last handle.
    pub(crate) fn released(&self) -> Self {
        let mut pieces: Vec<_> = self.pieces.to_vec();
        for piece in &mut pieces {
            if let Piece::Range(source, _) = piece {
                source.release();
            }
        }
        Self { pieces: pieces.into(), ..self.clone() }
    }

    /// Whether it can no longer be read.
    pub(crate) fn is_released(&self) -> bool {
        self.pieces.iter().filter_map(Piece::source).any(Source::is_released)
    }
}

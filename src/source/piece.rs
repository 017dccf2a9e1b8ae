//! What contents are made of.

use std::ops::Range;

use bytes::Bytes;

use super::pinned::Source;

/// A piece of a [`Content`](super::Content).
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A range of a source.
    Range(Source, Range<u64>),
}

impl Piece {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Range(_, range) => range.end.saturating_sub(range.start),
        }
    }

    pub(super) fn source(&self) -> Option<&Source> {
        match self {
            Self::Bytes(_) => None,
            Self::Range(source, _) => Some(source),
        }
    }
}

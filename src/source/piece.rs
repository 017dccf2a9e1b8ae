//! The pieces of contents.

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
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Range(_, range) => range.end.saturating_sub(range.start),
        }
    }

    /// A range of its bytes, which must be inside it.
    pub(super) fn slice(&self, range: Range<u64>) -> Self {
        match self {
            Self::Bytes(bytes) => {
                let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
                Self::Bytes(bytes.slice(place(range.start)..place(range.end)))
            }
            Self::Range(source, all) => {
                Self::Range(source.clone(), all.start + range.start..all.start + range.end)
            }
        }
    }

    pub(super) fn source(&self) -> Option<&Source> {
        match self {
            Self::Bytes(_) => None,
            Self::Range(source, _) => Some(source),
        }
    }
}

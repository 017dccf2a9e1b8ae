//! Sources of bytes, and contents that are made of them.
//!
//! A [`Source`] is pinned by its identity. A [`Content`] is what one file of a dataset contains:
//! bytes and ranges of sources. Each kind of source is one file, such as `local` and `temporary`.
//! Another kind, such as objects in a store, adds a `Kind` with the same calls:
//!
//! * `OpenSource::fill` reads a range and may block: for footers and rewriting;
//! * `Stream::read_ready` and `Stream::fill` read sequentially without blocking: for bodies;
//! * `verify` compares the identity. A store that compares it with each read (`If-Match`) has
//!   nothing left to check.

mod content;
mod local;
mod open;
mod piece;
mod pinned;
mod reader;
mod temporary;

pub use content::Content;
pub use open::OpenContent;
pub use piece::Piece;
pub use pinned::Source;
pub(crate) use reader::ContentReader;

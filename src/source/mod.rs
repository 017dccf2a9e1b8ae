//! Sources of bytes, and contents that are made of them.
//!
//! A [`Source`] is pinned by its identity. A [`Content`] is what one file of a dataset contains:
//! bytes and ranges of sources. Each kind of source is one module: `local`, `temporary`, `remote`.
//! Another kind adds a `Kind` with the same calls:
//!
//! * `OpenSource::fill` reads a range and may block: for footers and rewriting;
//! * `Stream::read_ready` and `Stream::fill` read sequentially without blocking: for bodies;
//! * `verify` compares the identity.

mod ahead;
mod buffers;
mod content;
mod local;
mod open;
mod output_place;
mod piece;
mod pinned;
mod reader;
pub(crate) mod remote;
mod scheme;
mod staging_place;
mod temporary;
mod together;
mod waits_for;

pub(crate) use buffers::Buffers;
pub use content::Content;
pub use open::OpenContent;
pub(crate) use output_place::{OutputPlace, OutputPrefix};
pub use piece::Piece;
pub use pinned::Source;
pub(crate) use reader::ContentReader;
pub use remote::StorageOptions;
pub(crate) use remote::{Existing, ObjectWriter};
pub(crate) use scheme::{of_file_url, scheme_of};
pub use staging_place::{delete_objects, put_object};
pub(crate) use together::{ReadAhead, read_together};
pub(crate) use waits_for::WaitsFor;

//! Objects in stores, and files on the web.
//!
//! ```text
//! RemoteUrl ──> Stores ──> Bucket ──> RemoteObject ──> RemoteFile     listed, then pinned
//!                 │                                       ├─> RemoteReader   ranges, for footers
//!                 └─────> Store: object, web              └─> RemoteStream   from start to end
//!                                          └─> ObjectWriter ──> Multipart      as bytes arrive
//! ```
//!
//! Calls for the check block, and wait for work of the runtime. Reads that break continue at the
//! same byte.

mod azure;
mod bucket;
mod contents;
mod credentials;
mod error;
mod existing;
mod file;
mod files;
mod google;
mod hub;
mod identity;
mod multipart;
mod object_writer;
mod opening;
mod options;
mod reader;
mod s3;
mod store;
mod stores;
mod stream;
mod url;
mod wait;
mod web;
mod write;

pub(crate) use self::{
    bucket::{Bucket, Listing},
    existing::Existing,
    file::RemoteObject,
    object_writer::ObjectWriter,
    stores::Stores,
    url::{BucketName, RemoteUrl},
};
pub(super) use self::{
    file::{LOOKS_AT_ONCE, RemoteFile},
    reader::RemoteReader,
    stream::RemoteStream,
};
pub use options::StorageOptions;

//! Objects in stores, and files on the web.
//!
//! ```text
//! RemoteUrl ──> Stores ──> Bucket ──> RemoteObject ──> RemoteFile     listed, then pinned
//!                 │                                       ├─> RemoteReader   ranges, for footers
//!                 └─────> Store: S3, web                  └─> RemoteStream   from start to end
//! ```
//!
//! Calls for the check block, and wait for work of the runtime. Reads that break go on at the byte
//! where they broke.

mod bucket;
mod error;
mod file;
mod identity;
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
    file::RemoteObject,
    stores::Stores,
    url::RemoteUrl,
};
pub(super) use self::{file::RemoteFile, reader::RemoteReader, stream::RemoteStream, wait::wait};
pub use options::StorageOptions;

//! Blobs as objects of an S3-compatible store.
//!
//! ```text
//! S3Blobs ──> S3Writer ──> NextPart ──> PartMemory     bytes of an upload, in bounded memory
//!    │            └──────> Multipart ──> leftovers      parts, and what a failed upload removes
//!    └───────────────────> S3Store ──> health           requests, their retries and failures
//! ```

mod blobs;
mod errors;
#[cfg(test)]
mod fault_proxy;
#[cfg(test)]
mod faults;
mod health;
mod leftovers;
mod multipart;
mod next_part;
mod open;
mod part_memory;
mod place;
#[cfg(test)]
#[path = "../../../../tests/rust/support/s3.rs"]
pub(super) mod server;
mod settings;
mod store;
mod writer;

pub(super) use self::{blobs::S3Blobs, open::open_to_read, place::S3Place};

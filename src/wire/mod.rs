//! The contract of the dataset API, shared by the client and the server.

pub(crate) mod content_range;
pub mod deletion;
pub mod digest;
pub mod extensions;
pub mod file_name;
pub mod id;
mod lenient;
pub mod listing;
pub mod messages;
pub(crate) mod places;
pub mod staging;
mod summary;

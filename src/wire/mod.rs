//! The contract of the dataset API, shared by the client and the service.

pub mod digest;
pub mod file_name;
pub mod id;
pub mod messages;

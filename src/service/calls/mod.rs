//! The calls of the API, and those for operators.

pub(super) mod datasets;
pub(super) mod deletion;
pub(super) mod file_bytes;
pub(super) mod files;
mod listing;
pub(super) mod looking_in;
pub(super) mod staging;
pub(super) mod uploads;

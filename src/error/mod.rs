//! What can go wrong between this machine and the API, with the details that users need to act.

mod kinds;
mod words;

pub(crate) use kinds::without_number;
pub use kinds::{Error, FrameColumn, Result, TakenReason};

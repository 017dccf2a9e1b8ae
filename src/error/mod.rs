//! What can go wrong between this machine and the API, with what a person needs to act on.

mod kinds;
mod words;

pub(crate) use kinds::without_number;
pub use kinds::{Error, FrameColumn, Result};
pub(crate) use words::FINDS_OUT;

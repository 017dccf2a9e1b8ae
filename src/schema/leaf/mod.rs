//! The type of a leaf, as a value.

mod leaf_type;
mod parquet_type;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use leaf_type::{LeafType, Unit};
#[cfg(test)]
pub(crate) use tests::ALL_WORDS;

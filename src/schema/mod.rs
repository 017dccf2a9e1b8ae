//! Parquet footers and schemas: what the client checks before sending and the service
//! before committing. Neither ever reads a page or the `ARROW:schema` hint.

mod diff;
mod footer;
mod footer_guard;
mod thrift;
mod tree;

pub use diff::{Difference, DifferenceKind, Group, diff, groups};
pub use footer::{Codec, Footer, InvalidParquet};
pub use tree::Schema;

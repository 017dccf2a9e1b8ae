//! Parquet footers and schemas: what the client checks before it sends and the server before it
//! commits. Neither reads pages or the `ARROW:schema` hint.

mod added_column;
mod advice;
mod canonical;
mod codec;
mod common;
mod diff;
mod footer;
mod footer_bytes;
mod footer_guard;
mod footer_reader;
mod invalid;
mod leaf;
mod number;
mod other_format;
mod stored;
mod thrift;
mod tree;

pub use added_column::{AddedColumn, ColumnType};
pub(crate) use added_column::{Value, with_columns};
pub use advice::advice;
pub(crate) use canonical::canonical;
pub use codec::Codec;
pub use common::common_schema;
pub(crate) use common::{
    FileSchema, cast_obstacles, common_schema_of_files, is_list_or_map, is_null, leaf_count,
    pair_fields, repetition_of,
};
pub use diff::{Difference, DifferenceKind, Group, diff, groups};
pub use footer::{CodecSupport, Footer, RowGroup};
pub use footer_bytes::FooterBytes;
pub use footer_reader::{FooterError, FooterReader};
pub use invalid::InvalidParquet;
pub(crate) use leaf::{LeafType, Unit};
pub(crate) use number::Number;
pub(crate) use other_format::resembles_by_name;
pub use stored::InvalidSchema;
#[cfg(test)]
pub(crate) use stored::StoredAsBefore;
pub use tree::Schema;
pub(crate) use tree::{repeated_column, type_words};

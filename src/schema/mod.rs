//! Parquet footers and schemas: what the client checks before sending and the service
//! before committing. Neither ever reads a page or the `ARROW:schema` hint.

mod diff;
mod footer;
mod footer_guard;

pub use diff::{Difference, DifferenceKind, Group, diff, groups};
pub use footer::{Footer, InvalidParquet};

use serde::{Deserialize, Serialize};

use crate::wire::messages::SchemaSummary;

/// The schema of a parquet file as far as it decides whether two files are "the same":
/// column names, order, physical and logical types, repetition and nesting.
///
/// Key-value metadata, field ids, and the name of a list's element are not part of it.
/// Serializes for the service's catalog.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schema {
    // helper A decides
    pub(crate) columns: Vec<()>,
}

impl Schema {
    /// Top-level columns with their types in words, as the API lists them.
    #[must_use]
    pub fn summary(&self) -> SchemaSummary {
        SchemaSummary { fields: Vec::new() }
    }
}

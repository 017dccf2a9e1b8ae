//! A schema, reduced to what decides whether two files have "the same" one.

use std::{collections::HashSet, fmt};

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition as ParquetRepetition},
    schema::types::{Type, TypePtr},
};
use serde::{Deserialize, Serialize};

use super::leaf::LeafType;
use crate::wire::messages::{FieldSummary, SchemaSummary};

/// Maximum nesting of groups in Parquet, including the root. The check and the server reject
/// footers with deeper schemas. All forms of a schema are written and read to this depth, which is
/// also the depth to which a footer's thrift is read.
pub(super) const MAX_DEPTH: usize = 100;

/// The parts of a Parquet schema that decide whether two files have "the same" one: column names,
/// order, physical and logical types, repetition and nesting.
///
/// Key-value metadata, field ids, and the names inside standard lists and maps are not part of it.
/// Its depth is limited, and recursive functions rely on that: everything that creates a schema
/// must enforce the limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    pub(super) columns: Vec<Column>,
}

/// A column, or a field of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) repetition: Repetition,
    pub(super) data_type: DataType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Repetition {
    Required,
    Nullable,
    Repeated,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum DataType {
    Leaf(LeafType),
    /// A list in the standard three levels, with its element.
    List(Box<Column>),
    /// A map in the standard three levels, with its key and optional value.
    Map(Vec<Column>),
    /// A struct, or a group with another meaning, which its annotation names.
    Group {
        annotation: Option<String>,
        columns: Vec<Column>,
    },
}

/// The note on a name that more than one column has.
pub(crate) fn repeated_column(name: &str) -> String {
    format!("more than one column is named {name:?}; polars and other libraries cannot read that")
}

impl Schema {
    pub(crate) fn from_parquet(root: &Type) -> Self {
        Self { columns: columns_of(root) }
    }

    /// A name that more than one column has.
    pub(crate) fn repeated_name(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        let mut names = self.columns.iter().map(|column| column.name.as_str());
        names.find(|name| !seen.insert(*name))
    }

    /// The schema according to a listing: types as described there, all nullable.
    pub(crate) fn from_summary(summary: &SchemaSummary) -> Self {
        let column = |field: &FieldSummary| Column {
            name: field.name.clone(),
            repetition: Repetition::Nullable,
            data_type: DataType::Leaf(LeafType::from_words(&field.data_type)),
        };
        Self { columns: summary.fields.iter().map(column).collect() }
    }

    /// Top-level columns with descriptions of their types, as the API lists them.
    #[must_use]
    pub fn summary(&self) -> SchemaSummary {
        let field = |column: &Column| FieldSummary {
            name: column.name.clone(),
            data_type: column.data_type.to_string(),
        };
        SchemaSummary { fields: self.columns.iter().map(field).collect() }
    }
}

impl Column {
    fn from_parquet(field: &Type) -> Self {
        Self {
            name: field.name().to_owned(),
            repetition: Repetition::of(field),
            data_type: DataType::of(field),
        }
    }

    pub(super) fn renamed(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }
}

impl Repetition {
    fn of(field: &Type) -> Self {
        let info = field.get_basic_info();
        match info.has_repetition().then(|| info.repetition()) {
            Some(ParquetRepetition::OPTIONAL) => Self::Nullable,
            Some(ParquetRepetition::REPEATED) => Self::Repeated,
            Some(ParquetRepetition::REQUIRED) | None => Self::Required,
        }
    }
}

impl DataType {
    /// The child columns.
    pub(super) fn columns(&self) -> &[Column] {
        match self {
            Self::Leaf(_) => &[],
            Self::List(element) => std::slice::from_ref(element),
            Self::Map(columns) | Self::Group { columns, .. } => columns,
        }
    }

    fn of(field: &Type) -> Self {
        if field.is_primitive() {
            return Self::Leaf(LeafType::of(field));
        }
        let info = field.get_basic_info();
        let annotation = match (info.logical_type_ref(), info.converted_type()) {
            (Some(LogicalType::List), _) | (None, ConvertedType::LIST) => {
                if let Some(element) = standard_list_element(field) {
                    return Self::List(Box::new(element));
                }
                Some("list".to_owned())
            }
            (Some(LogicalType::Map), _)
            | (None, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
                if let Some(entries) = standard_map_entries(field) {
                    return Self::Map(entries);
                }
                Some("map".to_owned())
            }
            (Some(LogicalType::Variant(_)), _) => Some("variant".to_owned()),
            (Some(other), _) => Some(format!("{other:?}").to_lowercase()),
            (None, _) => None,
        };
        Self::Group { annotation, columns: columns_of(field) }
    }
}

/// A primitive has no fields; the crate panics if it is asked for them.
fn fields_of(group: &Type) -> &[TypePtr] {
    if group.is_group() { group.get_fields() } else { &[] }
}

fn columns_of(group: &Type) -> Vec<Column> {
    fields_of(group).iter().map(|field| Column::from_parquet(field)).collect()
}

/// The only field of a group's only field, which is repeated (Parquet format, "Nested types"). The
/// names of both depend on the writer.
fn standard_list_element(list: &Type) -> Option<Column> {
    let [repeated] = fields_of(list) else { return None };
    let is_standard = Repetition::of(repeated) == Repetition::Repeated;
    match fields_of(repeated) {
        [element] if is_standard && Repetition::of(element) != Repetition::Repeated => {
            Some(Column::from_parquet(element).renamed("element"))
        }
        _ => None,
    }
}

fn standard_map_entries(map: &Type) -> Option<Vec<Column>> {
    let [repeated] = fields_of(map) else { return None };
    if Repetition::of(repeated) != Repetition::Repeated {
        return None;
    }
    let entries = fields_of(repeated);
    let named = entries.iter().zip(["key", "value"]);
    (1..=2)
        .contains(&entries.len())
        .then(|| named.map(|(entry, name)| Column::from_parquet(entry).renamed(name)).collect())
}

/// A description of a field's type.
pub(crate) fn type_words(field: &Type) -> String {
    DataType::of(field).to_string()
}

impl fmt::Display for Repetition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Nullable => "nullable",
            Self::Repeated => "repeated",
        })
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(leaf) => leaf.fmt(f),
            Self::List(element) => write!(f, "list<{}>", element.data_type),
            Self::Map(entries) => {
                f.write_str("map<")?;
                for (index, entry) in entries.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}", entry.data_type)?;
                }
                f.write_str(">")
            }
            Self::Group { annotation, columns } => {
                write!(f, "{}<", annotation.as_deref().unwrap_or("struct"))?;
                for (index, column) in columns.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}: {}", column.name, column.data_type)?;
                }
                f.write_str(">")
            }
        }
    }
}

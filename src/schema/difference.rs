//! A difference between two schemas, as a value and described for users.

use std::fmt;

use super::{
    leaf_type::LeafType,
    tree::{Column, DataType, Repetition},
};

/// One difference between a reference schema and another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Difference {
    /// Path of the column, e.g. `person.address.zip`; a list's element is `tags.element`.
    pub path: String,
    /// Whether the column is a field of another one.
    pub is_nested: bool,
    /// What differs.
    pub kind: DifferenceKind,
    /// What the reference has; `None` if it lacks the column.
    pub expected: Option<Property>,
    /// What the other schema has; `None` if it lacks the column.
    pub found: Option<Property>,
}

/// What a schema has where another one differs: a type, a position or a repetition. It displays as
/// a description.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Property(PropertyKind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum PropertyKind {
    Type(DataType),
    /// From 0.
    Position(usize),
    Repetition(Repetition),
}

/// The kind of a [`Difference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DifferenceKind {
    /// The reference has the column, the other lacks it.
    Missing,
    /// The other has a column that the reference lacks.
    Extra,
    /// The column is at another position.
    Moved,
    /// The physical or logical type differs.
    Type,
    /// Nullable in one, required (or repeated) in the other.
    Nullability,
}

impl DifferenceKind {
    /// The kind as one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Moved => "moved",
            Self::Type => "type",
            Self::Nullability => "nullability",
        }
    }
}

impl Property {
    pub(super) fn type_of(column: &Column) -> Self {
        Self(PropertyKind::Type(column.data_type.clone()))
    }

    pub(super) fn position(place: usize) -> Self {
        Self(PropertyKind::Position(place))
    }

    pub(super) fn repetition_of(column: &Column) -> Self {
        Self(PropertyKind::Repetition(column.repetition))
    }

    /// The type, if it is that of a leaf.
    pub(crate) fn leaf(&self) -> Option<&LeafType> {
        match &self.0 {
            PropertyKind::Type(DataType::Leaf(leaf)) => Some(leaf),
            _ => None,
        }
    }

    /// Whether it is the type of a column whose writer knew no type.
    pub(crate) fn is_null(&self) -> bool {
        self.leaf().is_some_and(LeafType::is_null)
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            PropertyKind::Type(data_type) => data_type.fmt(f),
            PropertyKind::Position(place) => (place + 1).fmt(f),
            PropertyKind::Repetition(repetition) => repetition.fmt(f),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        let nothing: &dyn fmt::Display = &"nothing";
        let expected = self.expected.as_ref().map_or(nothing, |it| it);
        let found = self.found.as_ref().map_or(nothing, |it| it);
        match self.kind {
            DifferenceKind::Missing => write!(f, "column '{path}' ({expected}) is missing"),
            DifferenceKind::Extra => write!(f, "column '{path}' ({found}) is unexpected"),
            DifferenceKind::Moved => {
                write!(f, "column '{path}' is at position {found}, expected position {expected}")
            }
            DifferenceKind::Type | DifferenceKind::Nullability => {
                write!(f, "column '{path}': expected {expected}, found {found}")
            }
        }
    }
}

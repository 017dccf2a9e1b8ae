//! A schema as text: the form in which the catalog stores it and a listing carries it.
//!
//! The columns and groups stand in one flat list, depth first, as in a parquet footer. The text
//! is nested four deep whatever the schema is, so that no parser's limit on nesting decides
//! whether what was written can be read again.

mod unversioned;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::tree::{Column, DataType, MAX_DEPTH, Repetition, Schema};

/// Raised when the meaning of the text changes.
const VERSION: u32 = 1;

/// Why a text is no schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSchema {
    /// It is not the expected JSON.
    #[error("the schema cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Another release wrote it.
    #[error("the schema has the form {0}; this release reads form {VERSION} only")]
    Version(u32),
    /// Its elements make no tree, or one that is too deep.
    #[error("the schema is damaged")]
    Tree,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    version: u32,
    #[serde(borrow)]
    elements: Vec<Element<'a>>,
}

/// A column; those below it follow.
#[derive(Serialize, Deserialize)]
struct Element<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    repetition: Repetition,
    #[serde(borrow, rename = "type")]
    kind: Kind<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind<'a> {
    #[serde(borrow)]
    Leaf(Cow<'a, str>),
    /// One column follows.
    List,
    /// So many columns follow.
    Map(usize),
    /// The annotation, and how many columns follow.
    Group(Option<Cow<'a, str>>, usize),
}

impl Schema {
    /// The schema as text, for [`Schema::from_text`].
    #[must_use]
    pub fn to_text(&self) -> String {
        #[cfg(test)]
        if StoredAsBefore::is_planted() {
            return tests::nested_text(self);
        }
        let mut elements = Vec::new();
        let mut open: Vec<_> = self.columns.iter().rev().collect();
        while let Some(column) = open.pop() {
            elements.push(Element {
                name: Cow::Borrowed(&column.name),
                repetition: column.repetition,
                kind: Kind::of(&column.data_type),
            });
            open.extend(column.data_type.columns().iter().rev());
        }
        // Nothing here is without a form in JSON.
        serde_json::to_string(&Stored { version: VERSION, elements }).unwrap_or_default()
    }

    /// Reads what [`Schema::to_text`] made.
    ///
    /// # Errors
    /// [`InvalidSchema`] where the text is something else.
    pub fn from_text(text: &str) -> Result<Self, InvalidSchema> {
        #[cfg(test)]
        if StoredAsBefore::is_planted() {
            serde_json::from_str::<serde_json::Value>(text)?;
        }
        if unversioned::is_form_of(text) {
            return unversioned::read(text).ok_or(InvalidSchema::Tree);
        }
        match serde_json::from_str::<Version>(text)?.version {
            VERSION => tree(serde_json::from_str::<Stored<'_>>(text)?.elements),
            other => Err(InvalidSchema::Version(other)),
        }
    }
}

impl<'a> Kind<'a> {
    fn of(data_type: &'a DataType) -> Self {
        match data_type {
            DataType::Leaf(words) => Self::Leaf(Cow::Borrowed(words)),
            DataType::List(_) => Self::List,
            DataType::Map(entries) => Self::Map(entries.len()),
            DataType::Group { annotation, columns } => {
                Self::Group(annotation.as_deref().map(Cow::Borrowed), columns.len())
            }
        }
    }

    /// How many columns follow as part of this one.
    fn children(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::List => 1,
            Self::Map(children) | Self::Group(_, children) => *children,
        }
    }

    fn with(self, mut columns: Vec<Column>) -> Option<DataType> {
        Some(match self {
            Self::Leaf(words) => DataType::Leaf(words.into_owned()),
            Self::List => DataType::List(Box::new(columns.pop()?)),
            Self::Map(_) => DataType::Map(columns),
            Self::Group(annotation, _) => {
                DataType::Group { annotation: annotation.map(Cow::into_owned), columns }
            }
        })
    }
}

/// The tree of elements that stand in depth-first order.
fn tree(elements: Vec<Element<'_>>) -> Result<Schema, InvalidSchema> {
    let mut top = Vec::new();
    // For each group that is not whole: itself, and the columns that it has so far.
    let mut open: Vec<(Element<'_>, Vec<Column>)> = Vec::new();
    for element in elements {
        if open.len() == MAX_DEPTH {
            return Err(InvalidSchema::Tree);
        }
        open.push((element, Vec::new()));
        while let Some((element, columns)) =
            open.pop_if(|(element, columns)| columns.len() == element.kind.children())
        {
            let data_type = element.kind.with(columns).ok_or(InvalidSchema::Tree)?;
            let (name, repetition) = (element.name.into_owned(), element.repetition);
            let column = Column { name, repetition, data_type };
            open.last_mut().map_or(&mut top, |(_, columns)| columns).push(column);
        }
    }
    if open.is_empty() { Ok(Schema { columns: top }) } else { Err(InvalidSchema::Tree) }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::StoredAsBefore;

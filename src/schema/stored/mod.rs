//! A schema as text, as the catalog stores it and listings contain it.
//!
//! Columns and groups form one flat list, depth first, as in a Parquet footer. The text is nested
//! four levels deep for every schema, so no parser's nesting limit can make a stored schema
//! unreadable.

mod unversioned;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    leaf::LeafType,
    tree::{Column, DataType, MAX_DEPTH, Repetition, Schema},
};

/// Increased when the meaning of the text changes.
const VERSION: u32 = 1;

/// Why a text is not a schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSchema {
    /// It is not the expected JSON.
    #[error("the schema cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Another release wrote it.
    #[error("the schema has version {0}; this release reads only version {VERSION}")]
    Version(u32),
    /// Its elements do not form a tree, or the tree is too deep.
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

/// A column; its children follow it.
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
    /// One child follows.
    List,
    /// This many children follow.
    Map(usize),
    /// The annotation, and the number of children that follow.
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
        // All values here can be serialised as JSON.
        serde_json::to_string(&Stored { version: VERSION, elements }).unwrap_or_default()
    }

    /// Parses the text that [`Schema::to_text`] returns.
    ///
    /// # Errors
    /// [`InvalidSchema`] if the text is something else.
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
            DataType::Leaf(leaf) => Self::Leaf(Cow::Owned(leaf.to_string())),
            DataType::List(_) => Self::List,
            DataType::Map(entries) => Self::Map(entries.len()),
            DataType::Group { annotation, columns } => {
                Self::Group(annotation.as_deref().map(Cow::Borrowed), columns.len())
            }
        }
    }

    /// Number of children that follow.
    fn children(&self) -> usize {
        match self {
            Self::Leaf(_) => 0,
            Self::List => 1,
            Self::Map(children) | Self::Group(_, children) => *children,
        }
    }

    fn with(self, mut columns: Vec<Column>) -> Option<DataType> {
        Some(match self {
            Self::Leaf(words) => DataType::Leaf(LeafType::from_words(&words)),
            Self::List => DataType::List(Box::new(columns.pop()?)),
            Self::Map(_) => DataType::Map(columns),
            Self::Group(annotation, _) => {
                DataType::Group { annotation: annotation.map(Cow::into_owned), columns }
            }
        })
    }
}

/// Builds the tree of elements in depth-first order.
fn tree(elements: Vec<Element<'_>>) -> Result<Schema, InvalidSchema> {
    let mut top = Vec::new();
    // For each incomplete group: the group, and its children so far.
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

//! Recipes: how the content of each file of a dataset is assembled from checked files.
//!
//! A file that is sent as it is has a recipe with one complete part. A packed file has several
//! parts, and a split one has some of the row groups.

use std::{ops::Range, sync::Arc};

use parquet::schema::types::TypePtr;

use super::{files::CheckedFile, report::Change, settle::Expected};
use crate::{
    content_hash::KnownHashes,
    location::Location,
    schema::{Footer, Schema},
    source::Content,
};

/// One file of a dataset.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// Its position in the upload, from 0.
    pub(super) position: usize,
    /// Its name in the dataset.
    pub(super) name: String,
    /// Its parts, in order.
    pub(super) parts: Vec<Part>,
    /// The schema that the parts are cast to, if any.
    pub(super) schema: Option<TypePtr>,
    /// The changes to the parts.
    pub(super) changes: Vec<Change>,
}

/// Row groups of a checked file.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) content: Content,
    pub(super) footer: Footer,
    pub(super) row_groups: Range<usize>,
    /// The number of rows in these row groups.
    pub(super) row_count: u64,
}

/// The size and hash that a file would have in the dataset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity {
    /// `None` for a file that still has to be rewritten.
    pub(super) size_bytes: Option<u64>,
    /// Its hashes, as far as they are known.
    pub(super) hashes: KnownHashes,
}

/// What the files of an upload must have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    schema: Option<(TypePtr, Schema)>,
}

impl Target {
    /// All files get this schema.
    pub(super) fn of_schema(schema: TypePtr) -> Self {
        let words = Schema::from_parquet(&schema);
        Self { schema: Some((schema, words)) }
    }

    /// The schema of all files, unless each keeps its own.
    pub(super) fn schema(&self) -> Option<(&TypePtr, &Schema)> {
        self.schema.as_ref().map(|(parquet, schema)| (parquet, schema))
    }

    /// The recipe for this file.
    pub(super) fn recipe(&self, file: CheckedFile) -> Recipe {
        let CheckedFile { planned, footer } = file;
        let differs = |(_, schema): &&(TypePtr, Schema)| *schema != *footer.schema;
        let cast = self.schema.as_ref().filter(differs);
        let has_other_codec = footer.check_codecs().is_err();
        let changes = [
            cast.is_some().then_some(Change::Cast),
            (!footer.added.is_empty()).then_some(Change::Hive),
            has_other_codec.then_some(Change::Recompressed),
        ];
        let part = Part {
            content: planned.content,
            row_groups: 0..footer.row_groups.len(),
            row_count: footer.row_count,
            footer,
        };
        Recipe {
            position: planned.position,
            name: planned.name,
            parts: vec![part],
            schema: cast.map(|(schema, _)| schema.clone()),
            changes: changes.into_iter().flatten().collect(),
        }
    }
}

impl Recipe {
    /// The content, unless it must be created first.
    pub(super) fn as_is(&self) -> Option<&Content> {
        match &self.parts[..] {
            [part] if self.changes.is_empty() && part.is_whole() => Some(&part.content),
            _ => None,
        }
    }

    /// Total size of its source files, in bytes.
    pub(super) fn source_bytes(&self) -> u64 {
        self.parts.iter().map(Part::size_bytes).sum()
    }

    /// Its source files.
    pub(super) fn sources(&self) -> Vec<Location> {
        let locations = self.parts.iter().map(|part| part.content.location());
        locations.filter(|location| location.is_of_file()).cloned().collect()
    }

    pub(super) fn row_count(&self) -> u64 {
        self.parts.iter().map(|part| part.row_count).sum()
    }

    /// The schema that the file has in the dataset.
    pub(super) fn schema_of_file(&self) -> Option<Arc<Schema>> {
        match &self.schema {
            Some(schema) => Some(Arc::new(Schema::from_parquet(schema))),
            None => self.parts.first().map(|part| Arc::clone(&part.footer.schema)),
        }
    }

    /// The same recipe without its temporary files, which disappear with their last handle.
    pub(super) fn released(mut self) -> Self {
        for part in &mut self.parts {
            part.content = part.content.released();
        }
        self
    }

    /// Whether a part cannot be read any more.
    pub(super) fn is_released(&self) -> bool {
        self.parts.iter().any(|part| part.content.is_released())
    }

    /// What is known about the file before it is read or created.
    pub(super) fn identity(&self) -> Identity {
        self.as_is().map(Identity::of).unwrap_or_default()
    }

    /// The entry that a listing should have for the file.
    pub(super) fn expected(&self, identity: Identity) -> Expected<'_> {
        let Identity { size_bytes, hashes } = identity;
        Expected { name: &self.name, size_bytes, row_count: self.row_count(), hashes }
    }
}

impl Part {
    /// The size of a whole file, or of the pages of its row groups.
    fn size_bytes(&self) -> u64 {
        if self.is_whole() {
            return self.content.size();
        }
        let row_groups = &self.footer.row_groups[self.row_groups.clone()];
        row_groups.iter().map(|row_group| row_group.size_bytes).sum()
    }

    /// Whether its row groups have as many rows as the footer says. Otherwise readers disagree.
    pub(super) fn has_consistent_row_count(&self) -> bool {
        let rows = self.footer.row_groups.iter().map(|row_group| row_group.row_count);
        rows.fold(0, u64::saturating_add) == self.footer.row_count
    }

    fn is_whole(&self) -> bool {
        self.row_groups == (0..self.footer.row_groups.len())
    }
}

impl Identity {
    pub(super) fn of(content: &Content) -> Self {
        Self { size_bytes: Some(content.size()), hashes: content.known_hashes() }
    }
}

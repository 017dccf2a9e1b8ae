//! Compares the schemas of a batch with each other, and with the dataset's.

use std::collections::HashSet;

use parquet::schema::types::TypePtr;

use super::{
    dataset_schema::{Held, THE_DATASET},
    mismatch::Outliers,
};
use crate::schema::{
    Difference, DifferenceKind, FileSchema, Footer, Schema, canonical, cast_obstacles,
    common_schema_of_files, diff, groups,
};

/// Files grouped by schema: first the group with the reference schema, then the others, largest
/// group first.
pub(super) struct Comparison<'a> {
    files: &'a [(&'a str, &'a Footer)],
    groups: Vec<Group<'a>>,
    /// The dataset's schema, if it is known.
    held: Option<&'a Schema>,
}

struct Group<'a> {
    schema: &'a Schema,
    files: Vec<usize>,
    /// Columns that have no values in any of the files.
    without_values: Vec<u32>,
}

impl<'a> Comparison<'a> {
    pub(super) fn of(files: &'a [(&'a str, &'a Footer)], held: &'a Held) -> Self {
        let schemas = files.iter().map(|(_, footer)| &*footer.schema);
        let mut groups: Vec<_> = groups(schemas)
            .into_iter()
            .map(|group| Group {
                schema: group.schema,
                without_values: without_values(files, &group.files),
                files: group.files,
            })
            .collect();
        // A file without rows does not determine the types of the other files.
        groups.sort_by_key(|group| group.files.iter().all(|&file| files[file].1.row_count == 0));
        lead_with_values(&mut groups);
        let held = if let Held::Schema(schema) = held { Some(schema) } else { None };
        Self { files, groups, held }
    }

    fn reference(&self) -> Option<&'a Schema> {
        self.held.or_else(|| self.groups.first().map(|group| group.schema))
    }

    /// Names the dataset or the files that have the reference schema.
    pub(super) fn reference_names(&self) -> Vec<String> {
        match self.groups.first() {
            _ if self.held.is_some() => vec![THE_DATASET.to_owned()],
            Some(group) => self.names(group),
            None => Vec::new(),
        }
    }

    fn names(&self, group: &Group<'_>) -> Vec<String> {
        group.files.iter().map(|&file| self.files[file].0.to_owned()).collect()
    }

    fn others(&self) -> impl Iterator<Item = (&'a Schema, &Group<'a>)> {
        let reference = self.reference();
        let others = self.groups.iter().filter(move |group| Some(group.schema) != reference);
        reference.into_iter().cycle().zip(others)
    }

    /// The groups with another schema than the reference.
    pub(super) fn outliers(&self) -> Vec<Outliers> {
        let outliers = self.others().map(|(reference, group)| Outliers {
            files: self.names(group),
            differences: diff(reference, group.schema),
            without_values: paths(group.schema, &group.without_values),
        });
        outliers.collect()
    }

    /// The schema to which all files can be cast: the dataset's, or a common one.
    pub(super) fn common_schema(&self) -> Result<TypePtr, Vec<String>> {
        let Some(held) = self.held else {
            let schemas: Vec<_> = self.groups.iter().map(|group| self.file_schema(group)).collect();
            return common_schema_of_files(&schemas).map(canonical);
        };
        let target = held.to_parquet().ok_or_else(|| vec![UNKNOWN_TYPE.to_owned()])?;
        let mut obstacles = Vec::new();
        for (_, group) in self.others() {
            obstacles.extend(cast_obstacles(&target, self.file_schema(group)));
        }
        obstacles.sort();
        obstacles.dedup();
        if obstacles.is_empty() { Ok(target) } else { Err(obstacles) }
    }

    fn file_schema<'b>(&self, group: &'b Group<'a>) -> FileSchema<'b>
    where
        'a: 'b,
    {
        let schema = &self.files[group.files[0]].1.parquet_schema;
        FileSchema { schema, without_values: &group.without_values }
    }
}

/// A column without values does not determine a type either: a group with values goes first.
fn lead_with_values(groups: &mut [Group<'_>]) {
    let Some((first, others)) = groups.split_first() else { return };
    if first.without_values.is_empty() {
        return;
    }
    let unknown = paths(first.schema, &first.without_values);
    let knows_more = |other: &Group<'_>| {
        let unknown_there = paths(other.schema, &other.without_values);
        let is_of_type = |it: &Difference| it.kind == DifferenceKind::Type;
        let mut types = diff(first.schema, other.schema).into_iter().filter(is_of_type).peekable();
        types.peek().is_some()
            && types.all(|it| unknown.contains(&it.path) && !unknown_there.contains(&it.path))
    };
    if let Some(place) = others.iter().position(knows_more) {
        groups[..=place + 1].rotate_right(1);
    }
}

/// The obstacle if the dataset has a type that this release does not know.
pub(super) const UNKNOWN_TYPE: &str = "the dataset has a type that nothing can be cast to";

fn without_values(files: &[(&str, &Footer)], group: &[usize]) -> Vec<u32> {
    let mut of_files = group.iter().map(|&file| &files[file].1.without_values);
    let mut common = of_files.next().cloned().unwrap_or_default();
    for places in of_files {
        common.retain(|place| places.binary_search(place).is_ok());
    }
    common
}

/// Paths of the columns at these indexes among the leaves.
pub(super) fn paths(schema: &Schema, places: &[u32]) -> HashSet<String> {
    if places.is_empty() {
        return HashSet::new();
    }
    let paths = schema.leaf_paths();
    places.iter().filter_map(|&place| paths.get(usize::try_from(place).ok()?).cloned()).collect()
}

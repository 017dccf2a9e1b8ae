//! Differences between schemas, described for users, and files grouped by schema.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    fmt, ptr,
};

use super::tree::{Column, DataType, Schema};

/// One difference between a reference schema and another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Difference {
    /// Path of the column, e.g. `person.address.zip`; a list's element is `tags.element`.
    pub path: String,
    /// Whether the column is a field of another one.
    pub is_nested: bool,
    /// What differs.
    pub kind: DifferenceKind,
    /// A description of what the reference has; `None` if it lacks the column.
    pub expected: Option<String>,
    /// A description of what the other schema has; `None` if it lacks the column.
    pub found: Option<String>,
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

/// Files of one schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// Indices of the files that have it, in order.
    pub files: Vec<usize>,
}

/// Groups files by schema, the largest group first. Among groups of equal size, the earlier one
/// comes first.
pub fn groups<'a>(schemas: impl IntoIterator<Item = &'a Schema>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut group_of: HashMap<&Schema, usize> = HashMap::new();
    let mut last: Option<(&Schema, usize)> = None;
    for (file, schema) in schemas.into_iter().enumerate() {
        let group = match last {
            // Files that are read in sequence share their schema.
            Some((last, group)) if ptr::eq(last, schema) => group,
            _ => *group_of.entry(schema).or_insert_with(|| {
                groups.push(Group { schema, files: Vec::new() });
                groups.len() - 1
            }),
        };
        groups[group].files.push(file);
        last = Some((schema, group));
    }
    groups.sort_by_key(|group| Reverse(group.files.len()));
    groups
}

/// All differences of `other` against `reference`; empty exactly when they are equal.
#[must_use]
pub fn diff(reference: &Schema, other: &Schema) -> Vec<Difference> {
    let mut differences = Vec::new();
    diff_columns(None, &reference.columns, &other.columns, &mut differences);
    differences
}

impl Schema {
    /// The paths of all leaves in order, in the form that differences use.
    pub(crate) fn leaf_paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut open: Vec<_> =
            self.columns.iter().rev().map(|column| (column.name.clone(), column)).collect();
        while let Some((path, column)) = open.pop() {
            if matches!(column.data_type, DataType::Leaf(_)) {
                paths.push(path);
                continue;
            }
            let below = column.data_type.columns().iter().rev();
            open.extend(below.map(|column| (join(&path, &column.name), column)));
        }
        paths
    }
}

fn diff_columns(
    parent: Option<&str>,
    expected: &[Column],
    found: &[Column],
    out: &mut Vec<Difference>,
) {
    let is_nested = parent.is_some();
    let join = |name: &str| parent.map_or_else(|| name.to_owned(), |parent| join(parent, name));
    let mut place_of = HashMap::new();
    for (place, key) in keys(found).into_iter().enumerate() {
        place_of.insert(key, place);
    }
    let mut common = Vec::new();
    for (place, key) in keys(expected).into_iter().enumerate() {
        let column = &expected[place];
        match place_of.remove(&key) {
            Some(other) => common.push((place, other)),
            None => out.push(Difference {
                path: join(&column.name),
                is_nested,
                kind: DifferenceKind::Missing,
                expected: Some(column.data_type.to_string()),
                found: None,
            }),
        }
    }
    let mut extra: Vec<_> = place_of.into_values().collect();
    extra.sort_unstable();
    out.extend(extra.into_iter().map(|place| Difference {
        path: join(&found[place].name),
        is_nested,
        kind: DifferenceKind::Extra,
        expected: None,
        found: Some(found[place].data_type.to_string()),
    }));
    let in_order = longest_rising(&common);
    for &(place, other) in &common {
        let (column, path) = (&expected[place], join(&expected[place].name));
        if !in_order.contains(&(place, other)) {
            out.push(Difference {
                path: path.clone(),
                is_nested,
                kind: DifferenceKind::Moved,
                expected: Some((place + 1).to_string()),
                found: Some((other + 1).to_string()),
            });
        }
        diff_column(&path, is_nested, column, &found[other], out);
    }
}

fn diff_column(
    path: &str,
    is_nested: bool,
    expected: &Column,
    found: &Column,
    out: &mut Vec<Difference>,
) {
    if expected.repetition != found.repetition {
        out.push(Difference {
            path: path.to_owned(),
            is_nested,
            kind: DifferenceKind::Nullability,
            expected: Some(expected.repetition.to_string()),
            found: Some(found.repetition.to_string()),
        });
    }
    match (&expected.data_type, &found.data_type) {
        (DataType::List(expected), DataType::List(found)) => {
            diff_column(&join(path, "element"), true, expected, found, out);
        }
        (DataType::Map(expected), DataType::Map(found)) => {
            diff_columns(Some(path), expected, found, out);
        }
        (
            DataType::Group { annotation, columns },
            DataType::Group { annotation: other_annotation, columns: other_columns },
        ) if annotation == other_annotation => {
            diff_columns(Some(path), columns, other_columns, out);
        }
        (expected, found) if expected == found => {}
        (expected, found) => out.push(Difference {
            path: path.to_owned(),
            is_nested,
            kind: DifferenceKind::Type,
            expected: Some(expected.to_string()),
            found: Some(found.to_string()),
        }),
    }
}

/// The name of each column, and how many columns so far have this name: Parquet allows duplicates.
fn keys(columns: &[Column]) -> Vec<(&str, usize)> {
    let mut seen = HashMap::new();
    let key = |column: &'_ Column| -> usize {
        let count = seen.entry(column.name.clone()).or_insert(0_usize);
        *count += 1;
        *count
    };
    let counts: Vec<_> = columns.iter().map(key).collect();
    columns.iter().zip(counts).map(|(column, count)| (column.name.as_str(), count)).collect()
}

/// The largest set of pairs that have the same order on both sides; the others have moved. Pairs
/// are sorted by their first position.
fn longest_rising(pairs: &[(usize, usize)]) -> HashSet<(usize, usize)> {
    // For each length, the run of that length with the lowest end: the index of its last pair.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![None; pairs.len()];
    for (index, &(_, place)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < place);
        previous[index] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut run = HashSet::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(index) = next {
        run.insert(pairs[index]);
        next = previous[index];
    }
    run
}

fn join(parent: &str, name: &str) -> String {
    format!("{parent}.{name}")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        let expected = self.expected.as_deref().unwrap_or("nothing");
        let found = self.found.as_deref().unwrap_or("nothing");
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DifferenceKind, diff, groups};
    use crate::schema::{
        LeafType, Schema,
        tree::{Column, DataType, Repetition},
    };

    fn leaf(name: &str, words: &str) -> Column {
        Column {
            name: name.to_owned(),
            repetition: Repetition::Nullable,
            data_type: DataType::Leaf(LeafType::from_words(words)),
        }
    }

    fn schema(columns: &str) -> Schema {
        let column = |text: &str| {
            let (name, words) = text.split_once(':').unwrap();
            leaf(name, words)
        };
        Schema { columns: columns.split_whitespace().map(column).collect() }
    }

    fn messages(reference: &Schema, other: &Schema) -> Vec<String> {
        diff(reference, other).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_kind_of_difference_is_described_in_one_line() {
        let reference = schema("a:int64 b:string c:double");
        for (other, expected) in [
            ("a:int64 b:string", "column 'c' (double) is missing"),
            ("a:int64 b:string c:double d:bool", "column 'd' (bool) is unexpected"),
            ("a:double b:string c:double", "column 'a': expected int64, found double"),
            ("c:double a:int64 b:string", "column 'c' is at position 1, expected position 3"),
        ] {
            assert_eq!(messages(&reference, &schema(other)), [expected]);
        }
        let mut required = reference.clone();
        required.columns[0].repetition = Repetition::Required;
        let expected = "column 'a': expected nullable, found required";
        assert_eq!(messages(&reference, &required), [expected]);
    }

    #[test]
    fn nested_differences_are_named_by_path() {
        let nested = |zip: &str| {
            let address = Column {
                data_type: DataType::Group { annotation: None, columns: vec![leaf("zip", zip)] },
                ..leaf("address", "")
            };
            let list = DataType::List(Box::new(Column {
                data_type: DataType::Group { annotation: None, columns: vec![address] },
                ..leaf("element", "")
            }));
            Schema { columns: vec![Column { data_type: list, ..leaf("people", "") }] }
        };
        let differences = diff(&nested("string"), &nested("int32"));
        assert_eq!(differences[0].path, "people.element.address.zip");
        assert_eq!(differences.len(), 1);
    }

    #[test]
    fn as_few_columns_as_possible_are_reported_as_moved() {
        let differences = diff(&schema("a:x b:x c:x d:x e:x"), &schema("a:x c:x d:x e:x b:x"));
        assert_eq!(differences.len(), 1);
        assert_eq!(
            (differences[0].kind, differences[0].path.as_str()),
            (DifferenceKind::Moved, "b")
        );
    }

    #[test]
    fn the_largest_group_comes_first_and_the_earlier_one_of_two() {
        let (a, b, c) = (schema("a:x"), schema("b:x"), schema("c:x"));
        let groups = groups([&a, &b, &c, &b]);
        let files: Vec<_> = groups.into_iter().map(|group| group.files).collect();
        assert_eq!(files, [vec![1, 3], vec![0], vec![2]]);
    }

    fn any_columns() -> impl Strategy<Value = Vec<Column>> {
        let any_repetition = prop_oneof![
            Just(Repetition::Required),
            Just(Repetition::Nullable),
            Just(Repetition::Repeated)
        ];
        let any_leaf = prop_oneof![Just("int64"), Just("string")]
            .prop_map(|words| DataType::Leaf(LeafType::from_words(words)));
        let any_column = move |data_type: BoxedStrategy<DataType>| {
            ("[abc]", any_repetition.clone(), data_type)
                .prop_map(|(name, repetition, data_type)| Column { name, repetition, data_type })
        };
        let first = any_column(any_leaf.boxed()).boxed();
        let nested = first.prop_recursive(3, 12, 3, move |inner| {
            let columns = proptest::collection::vec(inner.clone(), 1..4);
            let data_type = prop_oneof![
                // The name of a list's element is not part of a schema, so readers normalise it.
                inner.prop_map(|element| DataType::List(Box::new(element.renamed("element")))),
                (proptest::option::of(Just("list".to_owned())), columns)
                    .prop_map(|(annotation, columns)| DataType::Group { annotation, columns }),
            ];
            any_column(data_type.boxed())
        });
        proptest::collection::vec(nested, 0..4)
    }

    proptest! {
        #[test]
        fn a_diff_is_empty_exactly_when_the_schemas_are_equal(a in any_columns(), b in any_columns()) {
            let (a, b) = (Schema { columns: a }, Schema { columns: b });
            prop_assert!(diff(&a, &a).is_empty());
            prop_assert_eq!(diff(&a, &b).is_empty(), a == b);
        }
    }
}

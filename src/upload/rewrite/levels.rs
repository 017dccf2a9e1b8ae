//! Maps definition levels of one schema to those of another (Parquet format, "Nested encoding").

use parquet::{
    basic::Repetition,
    errors::{ParquetError, Result},
    schema::types::{Type, TypePtr},
};

use crate::schema::{
    LeafType, is_list_or_map, is_null, leaf_count, pair_fields, repetition_of, type_words,
};

/// A column of the target and its source.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Index of its source among the columns of the file.
    pub(super) place: usize,
    pub(super) source: TypePtr,
    pub(super) target: TypePtr,
    /// Path, for messages.
    pub(super) path: String,
    /// The source has no values, so its type does not matter.
    pub(super) is_empty: bool,
    /// The target's definition level for each one of the source. `None` if the source's level means
    /// null, but the target requires a value.
    pub(super) definition: Vec<Option<i16>>,
    pub(super) is_nullable: bool,
    pub(super) is_repeated: bool,
}

/// All columns of `target`, in order, with their sources in a file with the schema `found`. The
/// file's columns at the indexes `without_values` have no values.
pub(super) fn leaves(
    target: &TypePtr,
    found: &TypePtr,
    without_values: &[u32],
) -> Result<Vec<Leaf>> {
    let mut walk = Walk { without_values, path: Vec::new(), leaves: Vec::new() };
    walk.groups(target, found, 0, false)?;
    Ok(walk.leaves)
}

impl Leaf {
    /// The target's type, for messages.
    pub(super) fn target_words(&self) -> String {
        type_words(&self.target)
    }
}

struct Step<'a> {
    name: &'a str,
    source: Repetition,
    target: Repetition,
}

struct Walk<'a> {
    without_values: &'a [u32],
    path: Vec<Step<'a>>,
    leaves: Vec<Leaf>,
}

impl<'a> Walk<'a> {
    /// `place` is the index of the first leaf below `source`.
    fn groups(
        &mut self,
        target: &'a TypePtr,
        source: &'a TypePtr,
        place: usize,
        by_place: bool,
    ) -> Result<()> {
        let pairs = pair_fields(target, source, by_place)
            .ok_or_else(|| ParquetError::General("it has other columns".to_owned()))?;
        let sources = source.get_fields();
        let by_place = is_list_or_map(target) && !by_place;
        let mut place = place;
        let place_of = sources.iter().map(|field| {
            let first = place;
            place += leaf_count(field);
            first
        });
        let place_of: Vec<_> = place_of.collect();
        for (field, index) in target.get_fields().iter().zip(pairs) {
            self.field(field, &sources[index], place_of[index], by_place)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        target: &'a TypePtr,
        source: &'a TypePtr,
        place: usize,
        by_place: bool,
    ) -> Result<()> {
        self.path.push(Step {
            name: target.name(),
            source: repetition_of(source),
            target: repetition_of(target),
        });
        if self.is_typeless(source, place) && !has_type(source, target) {
            self.nulls(target, source, place);
        } else if target.is_group() {
            self.groups(target, source, place, by_place)?;
        } else {
            self.leaf(target, source, place);
        }
        self.path.pop();
        Ok(())
    }

    fn is_typeless(&self, source: &Type, place: usize) -> bool {
        let is_empty = |place| self.without_values.binary_search(&place).is_ok();
        is_null(source) || source.is_primitive() && u32::try_from(place).is_ok_and(is_empty)
    }

    /// The source has only nulls, for any type that the target has here.
    fn nulls(&mut self, target: &'a TypePtr, source: &'a TypePtr, place: usize) {
        let mut open = vec![(target, false, false)];
        while let Some((field, is_nullable, is_repeated)) = open.pop() {
            let is_nullable = is_nullable || repetition_of(field) != Repetition::REQUIRED;
            let is_repeated = is_repeated || repetition_of(field) == Repetition::REPEATED;
            if field.is_group() {
                let below = field.get_fields().iter().rev();
                open.extend(below.map(|field| (field, is_nullable, is_repeated)));
            } else {
                self.leaf(field, source, place);
                if let Some(leaf) = self.leaves.last_mut() {
                    leaf.is_empty = true;
                    leaf.is_nullable |= is_nullable;
                    leaf.is_repeated |= is_repeated;
                }
            }
        }
    }

    fn leaf(&mut self, target: &TypePtr, source: &TypePtr, place: usize) {
        let path = &self.path;
        let most = path.iter().filter(|step| step.source != Repetition::REQUIRED).count();
        let definition = (0..=most).map(|level| definition_level(path, level)).collect();
        let names: Vec<_> = path.iter().map(|step| step.name).collect();
        self.leaves.push(Leaf {
            place,
            source: source.clone(),
            target: target.clone(),
            path: names.join("."),
            is_empty: false,
            definition,
            is_nullable: path.iter().any(|step| step.target != Repetition::REQUIRED),
            is_repeated: path.iter().any(|step| step.target == Repetition::REPEATED),
        });
    }
}

fn has_type(source: &Type, target: &Type) -> bool {
    target.is_primitive()
        && LeafType::of(source) == LeafType::of(target)
        && source.get_physical_type() == target.get_physical_type()
}

/// A definition level counts the optional or repeated fields on the path that are present.
fn definition_level(path: &[Step<'_>], level: usize) -> Option<i16> {
    let (mut in_source, mut in_target) = (0, 0);
    for step in path {
        if step.source != Repetition::REQUIRED {
            if in_source == level {
                let is_told = step.target != Repetition::REQUIRED;
                return is_told.then_some(in_target);
            }
            in_source += 1;
        }
        in_target += i16::from(step.target != Repetition::REQUIRED);
    }
    Some(in_target)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::schema::common_schema;

    fn schema(list: &str, element: &str, entries: &str) -> TypePtr {
        let schema = format!(
            "message schema {{
                optional group a (LIST) {{ repeated group {list} {{ optional int32 {element}; }} }}
                optional group b (MAP) {{
                    repeated group {entries} {{ required int32 key; optional int32 value; }}
                }}
            }}"
        );
        Arc::new(parse_message_type(&schema).unwrap())
    }

    #[test]
    fn the_names_of_levels_inside_lists_and_maps_do_not_matter() {
        let (target, found) = (schema("list", "element", "key_value"), schema("bag", "x", "map"));
        let leaves = leaves(&target, &found, &[]).unwrap();
        assert_eq!(leaves.iter().map(|leaf| leaf.place).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(common_schema([&target, &found]), Ok(target));
    }
}

//! Definition levels of one schema in those of another that is at least as nullable (parquet
//! format, "Nested encoding").

use parquet::{
    basic::Repetition,
    errors::{ParquetError, Result},
    schema::types::{Type, TypePtr},
};

use crate::schema::{is_list_or_map, is_null, pair_fields, repetition_of, type_words};

/// A column of the target, and where it comes from.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Place of its source among the columns of the file.
    pub(super) place: usize,
    pub(super) source: TypePtr,
    pub(super) target: TypePtr,
    /// Path, for messages.
    pub(super) path: String,
    /// For each definition level of the source the one in the target.
    pub(super) definition: Vec<i16>,
    pub(super) is_nullable: bool,
    pub(super) is_repeated: bool,
}

/// All columns of `target` in its order, with their sources in a file of the schema `found`.
pub(super) fn leaves(target: &TypePtr, found: &TypePtr) -> Result<Vec<Leaf>> {
    let mut walk = Walk { path: Vec::new(), leaves: Vec::new() };
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
    path: Vec<Step<'a>>,
    leaves: Vec<Leaf>,
}

impl<'a> Walk<'a> {
    /// `place` is that of the first leaf below `source`.
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
        for (field, index) in target.get_fields().iter().zip(pairs) {
            let before: usize = sources[..index].iter().map(|field| leaf_count(field)).sum();
            self.field(field, &sources[index], place + before, by_place)?;
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
        if is_null(source) {
            self.nulls(target, source, place);
        } else if target.is_group() {
            self.groups(target, source, place, by_place)?;
        } else {
            self.leaf(target, source, place);
        }
        self.path.pop();
        Ok(())
    }

    /// Nothing but nulls, of whatever the target has at this place.
    fn nulls(&mut self, target: &'a TypePtr, source: &'a TypePtr, place: usize) {
        let mut open = vec![(target, repetition_of(target) == Repetition::REPEATED)];
        while let Some((field, is_repeated)) = open.pop() {
            if field.is_group() {
                let below = field.get_fields().iter().rev();
                open.extend(below.map(|field| {
                    (field, is_repeated || repetition_of(field) == Repetition::REPEATED)
                }));
            } else {
                self.leaf(field, source, place);
                if let Some(leaf) = self.leaves.last_mut() {
                    leaf.is_nullable = true;
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
            definition,
            is_nullable: path.iter().any(|step| step.target != Repetition::REQUIRED),
            is_repeated: path.iter().any(|step| step.target == Repetition::REPEATED),
        });
    }
}

/// A level counts the fields on the path that are there and might not be.
fn definition_level(path: &[Step<'_>], level: usize) -> i16 {
    let (mut in_source, mut in_target) = (0, 0);
    for step in path {
        if step.source != Repetition::REQUIRED {
            if in_source == level {
                break;
            }
            in_source += 1;
        }
        in_target += i16::from(step.target != Repetition::REQUIRED);
    }
    in_target
}

pub(super) fn leaf_count(field: &Type) -> usize {
    if field.is_group() {
        field.get_fields().iter().map(|field| leaf_count(field)).sum()
    } else {
        1
    }
}

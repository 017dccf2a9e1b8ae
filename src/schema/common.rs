//! The common schema of different files, to which all of them can be rewritten without loss.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, Type as Physical},
    schema::types::{Type, TypePtr},
};

use super::{leaf::LeafType, number::Number, tree::type_words};

/// The schema of a file, and the positions of its leaves that have no value, in ascending order.
/// The types of these leaves mean nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileSchema<'a> {
    pub(crate) schema: &'a TypePtr,
    pub(crate) without_values: &'a [u32],
}

/// Finds the schema to which files of all `schemas` can be rewritten without loss: columns in the
/// order of the first schema; integers, floats and decimals widened; the others' type for a column
/// without any value; nullable if any of them is; the finest unit of times.
///
/// # Errors
/// One message for each column that has no common type.
pub fn common_schema<'a>(
    schemas: impl IntoIterator<Item = &'a TypePtr>,
) -> Result<TypePtr, Vec<String>> {
    let files = schemas.into_iter().map(|schema| FileSchema { schema, without_values: &[] });
    common_schema_of_files(&files.collect::<Vec<_>>())
}

/// The same as [`common_schema`], for files that may have columns without any value.
///
/// # Errors
/// The same as [`common_schema`].
pub(crate) fn common_schema_of_files(files: &[FileSchema<'_>]) -> Result<TypePtr, Vec<String>> {
    let mut obstacles = Vec::new();
    let mut typeless = files.iter().map(FileSchema::typeless);
    let Some(first) = typeless.next() else { return Err(obstacles) };
    let common = typeless.fold(first, |common, schema| {
        Merge { obstacles: &mut obstacles }.groups(&common, &schema, "", false)
    });
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    // If no file has a value, the type in the first file is as good as any.
    Ok(files.iter().fold(common, |common, file| {
        if has_typeless(&common) { typed_as(&common, file.schema, false) } else { common }
    }))
}

/// Reasons why a file cannot be rewritten to `target`; empty if only its values can prevent it.
pub(crate) fn cast_obstacles(target: &TypePtr, file: FileSchema<'_>) -> Vec<String> {
    let mut obstacles = Vec::new();
    Fit { obstacles: &mut obstacles }.groups(target, &file.typeless(), "", false);
    obstacles
}

impl FileSchema<'_> {
    /// The schema, in which columns without values have no type.
    fn typeless(&self) -> TypePtr {
        if self.without_values.is_empty() {
            return Arc::clone(self.schema);
        }
        without_types(self.schema, self.without_values, &mut 0)
    }
}

fn without_types(field: &TypePtr, without_values: &[u32], place: &mut u32) -> TypePtr {
    let repetition = repetition_of(field);
    let built = if field.is_group() {
        let below = fields_of(field).iter();
        let below = below.map(|field| without_types(field, without_values, place)).collect();
        with_fields(field, below, repetition)
    } else {
        let has_value = without_values.binary_search(place).is_err();
        *place += 1;
        if has_value {
            return Arc::clone(field);
        }
        Type::primitive_type_builder(field.name(), Physical::INT32)
            .with_logical_type(Some(LogicalType::Unknown))
            .with_repetition(repetition)
            .build()
    };
    built.map_or_else(|_| Arc::clone(field), Arc::new)
}

fn has_typeless(field: &Type) -> bool {
    is_null(field) || fields_of(field).iter().any(|field| has_typeless(field))
}

/// `common`, with types from `file` for columns without a type.
fn typed_as(common: &TypePtr, file: &TypePtr, by_place: bool) -> TypePtr {
    let repetition = repetition_of(common);
    let built = if is_null(common) {
        if file.is_group() {
            with_fields(file, fields_of(file).to_vec(), repetition)
        } else {
            with_repetition(file, repetition)
        }
    } else {
        let Some(pairs) = pair_fields(common, file, by_place) else { return Arc::clone(common) };
        let by_place = is_list_or_map(common) && !by_place;
        let below = fields_of(common).iter().zip(pairs);
        let below = below.map(|(field, place)| typed_as(field, &fields_of(file)[place], by_place));
        if common.is_primitive() {
            return Arc::clone(common);
        }
        with_fields(common, below.collect(), repetition)
    };
    built.map_or_else(|_| Arc::clone(common), Arc::new)
}

/// The field of `b` for each field of `a`: by name, but by position inside lists and maps, where
/// names vary between writers. `None` if the fields differ.
pub(crate) fn pair_fields(a: &Type, b: &Type, by_place: bool) -> Option<Vec<usize>> {
    let by_place = by_place || is_list_or_map(a);
    let (a, b) = (fields_of(a), fields_of(b));
    if a.len() != b.len() {
        return None;
    }
    if by_place {
        return Some((0..a.len()).collect());
    }
    // A name that occurs twice matches no field.
    let mut place_of: HashMap<&str, Option<usize>> = HashMap::with_capacity(b.len());
    for (place, field) in b.iter().enumerate() {
        place_of.entry(field.name()).and_modify(|place| *place = None).or_insert(Some(place));
    }
    a.iter().map(|field| place_of.get(field.name()).copied().flatten()).collect()
}

/// Whether fields below this group are matched by position.
pub(crate) fn is_list_or_map(group: &Type) -> bool {
    let info = group.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::List | LogicalType::Map))
        || matches!(
            info.converted_type(),
            ConvertedType::LIST | ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE
        )
}

/// Whether a column has no values, so that its writer knew no type for it.
pub(crate) fn is_null(field: &Type) -> bool {
    field.is_primitive()
        && matches!(field.get_basic_info().logical_type_ref(), Some(LogicalType::Unknown))
}

fn fields_of(group: &Type) -> &[TypePtr] {
    if group.is_group() { group.get_fields() } else { &[] }
}

/// Number of leaves below a field, or 1 for a leaf.
pub(crate) fn leaf_count(field: &Type) -> usize {
    if field.is_group() {
        field.get_fields().iter().map(|field| leaf_count(field)).sum()
    } else {
        1
    }
}

pub(crate) fn repetition_of(field: &Type) -> Repetition {
    let info = field.get_basic_info();
    if info.has_repetition() { info.repetition() } else { Repetition::REQUIRED }
}

fn other_columns(a: &TypePtr, b: &TypePtr) -> String {
    let names =
        |group| -> Vec<&str> { fields_of(group).iter().map(|field| field.name()).collect() };
    let (of_a, of_b) = (names(a), names(b));
    let only = |these: &[&str], others: &[&str]| -> Vec<String> {
        let others: HashSet<_> = others.iter().copied().collect();
        these
            .iter()
            .filter(|name| !others.contains(**name))
            .map(|name| format!("'{name}'"))
            .collect()
    };
    let some_have = [only(&of_a, &of_b), only(&of_b, &of_a)].concat();
    if some_have.is_empty() {
        return "they do not have the same columns".to_owned();
    }
    format!("not all files have {}", some_have.join(", "))
}

struct Merge<'a> {
    obstacles: &'a mut Vec<String>,
}

impl Merge<'_> {
    fn groups(&mut self, a: &TypePtr, b: &TypePtr, path: &str, by_place: bool) -> TypePtr {
        let Some(pairs) = pair_fields(a, b, by_place) else {
            return self.stuck(a, path, &other_columns(a, b));
        };
        let by_place = is_list_or_map(a) && !by_place;
        let fields = fields_of(a)
            .iter()
            .zip(pairs)
            .map(|(field, place)| {
                let path = join(path, field.name());
                self.fields(field, &fields_of(b)[place], &path, by_place)
            })
            .collect();
        let repetition = common_repetition(a, b);
        self.built(a, path, with_fields(a, fields, repetition))
    }

    fn fields(&mut self, a: &TypePtr, b: &TypePtr, path: &str, by_place: bool) -> TypePtr {
        let is_repeated = |field| repetition_of(field) == Repetition::REPEATED;
        if is_repeated(a) != is_repeated(b) {
            return self.stuck(a, path, "it is repeated on one side only");
        }
        if is_null(b) && !is_repeated(a) {
            return self.as_nullable_as(a, b, path);
        }
        if is_null(a) && !is_repeated(b) {
            return self.as_nullable_as(b, a, path);
        }
        if are_groups_of_one_kind(a, b) {
            return self.groups(a, b, path, by_place);
        }
        if a.is_primitive() && b.is_primitive() {
            return self.leaves(a, b, path);
        }
        let message = no_common_type(a, b);
        self.stuck(a, path, &message)
    }

    fn leaves(&mut self, a: &TypePtr, b: &TypePtr, path: &str) -> TypePtr {
        let repetition = common_repetition(a, b);
        if LeafType::of(a) == LeafType::of(b) {
            return self.built(a, path, with_repetition(a, repetition));
        }
        let (of_a, of_b) = (Number::of(a), Number::of(b));
        let common = of_a.zip(of_b).and_then(|(a, b)| a.common(b));
        match common {
            None => {
                let message = no_common_type(a, b);
                self.stuck(a, path, &message)
            }
            Some(_) if common == of_a => self.built(a, path, with_repetition(a, repetition)),
            Some(_) if common == of_b => self.built(a, path, with_repetition(b, repetition)),
            Some(number) => {
                let is_binary = [a, b].iter().any(|leaf| is_bytes(leaf));
                self.built(a, path, number.leaf(a.name(), repetition, is_binary))
            }
        }
    }

    /// `field`, made nullable if `empty` is.
    fn as_nullable_as(&mut self, field: &TypePtr, empty: &TypePtr, path: &str) -> TypePtr {
        let repetition = common_repetition(field, empty);
        let nullable = if field.is_group() {
            with_fields(field, fields_of(field).to_vec(), repetition)
        } else {
            with_repetition(field, repetition)
        };
        self.built(field, path, nullable)
    }

    fn built(
        &mut self,
        fallback: &TypePtr,
        path: &str,
        built: parquet::errors::Result<Type>,
    ) -> TypePtr {
        match built {
            Ok(built) => Arc::new(built),
            Err(error) => self.stuck(fallback, path, &error.to_string()),
        }
    }

    fn stuck(&mut self, fallback: &TypePtr, path: &str, why: &str) -> TypePtr {
        let obstacle = if path.is_empty() { why.to_owned() } else { format!("'{path}': {why}") };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
        Arc::clone(fallback)
    }
}

/// Compares a given schema with that of a file.
struct Fit<'a> {
    obstacles: &'a mut Vec<String>,
}

impl Fit<'_> {
    fn groups(&mut self, target: &TypePtr, file: &TypePtr, path: &str, by_place: bool) {
        let Some(pairs) = pair_fields(target, file, by_place) else {
            return self.stuck(path, &other_columns(target, file));
        };
        let by_place = is_list_or_map(target) && !by_place;
        for (field, place) in fields_of(target).iter().zip(pairs) {
            let path = join(path, field.name());
            self.fields(field, &fields_of(file)[place], &path, by_place);
        }
    }

    fn fields(&mut self, target: &TypePtr, file: &TypePtr, path: &str, by_place: bool) {
        let is_repeated = |field| repetition_of(field) == Repetition::REPEATED;
        if is_repeated(target) != is_repeated(file) {
            self.stuck(path, "it is repeated on one side only");
        } else if are_groups_of_one_kind(target, file) {
            self.groups(target, file, path, by_place);
        } else if !is_null(file) && !may_be(file, target) {
            self.stuck(path, &no_common_type(target, file));
        }
    }

    fn stuck(&mut self, path: &str, why: &str) {
        let obstacle = if path.is_empty() { why.to_owned() } else { format!("'{path}': {why}") };
        self.obstacles.push(obstacle);
    }
}

fn may_be(file: &Type, target: &Type) -> bool {
    if file.is_group() || target.is_group() {
        return false;
    }
    let numbers = Number::of(file).zip(Number::of(target));
    LeafType::of(file) == LeafType::of(target)
        || numbers.is_some_and(|(file, target)| file.may_be(target))
}

fn are_groups_of_one_kind(a: &Type, b: &Type) -> bool {
    let annotation = |field: &Type| field.get_basic_info().logical_type_ref().cloned();
    a.is_group()
        && b.is_group()
        && is_list_or_map(a) == is_list_or_map(b)
        && (is_list_or_map(a) || annotation(a) == annotation(b))
}

fn no_common_type(a: &Type, b: &Type) -> String {
    format!("{} and {} have no common type", type_words(a), type_words(b))
}

fn common_repetition(a: &Type, b: &Type) -> Repetition {
    let is_nullable = |field| repetition_of(field) == Repetition::OPTIONAL;
    if is_nullable(a) || is_nullable(b) { Repetition::OPTIONAL } else { repetition_of(a) }
}

fn is_bytes(leaf: &Type) -> bool {
    matches!(leaf.get_physical_type(), Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY)
}

fn with_fields(
    group: &Type,
    fields: Vec<TypePtr>,
    repetition: Repetition,
) -> parquet::errors::Result<Type> {
    let info = group.get_basic_info();
    let builder = Type::group_type_builder(group.name()).with_fields(fields);
    if !info.has_repetition() {
        return builder.build();
    }
    builder
        .with_repetition(repetition)
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .build()
}

fn with_repetition(leaf: &Type, repetition: Repetition) -> parquet::errors::Result<Type> {
    let Type::PrimitiveType { basic_info, physical_type, type_length, scale, precision } = leaf
    else {
        return Ok(leaf.clone());
    };
    Type::primitive_type_builder(leaf.name(), *physical_type)
        .with_repetition(repetition)
        .with_converted_type(basic_info.converted_type())
        .with_logical_type(basic_info.logical_type_ref().cloned())
        .with_length(*type_length)
        .with_precision(*precision)
        .with_scale(*scale)
        .build()
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

//! How a frame's Arrow types are stored in Parquet.
//!
//! The schema of the file, read back from Parquet's own types, must equal the schema of the frame,
//! up to the equivalences of [`canonical`]. Otherwise, an error names the column.

use std::{collections::HashSet, sync::Arc};

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::{
    arrow::{ArrowSchemaConverter, parquet_to_arrow_schema},
    basic::{LogicalType, Type as Physical},
    errors::ParquetError,
    schema::types::{SchemaDescriptor, Type, TypePtr},
};

use crate::error::{Error, FrameColumn, Result};

/// Extension types that Parquet has a type for.
const EXTENSIONS_OF_PARQUET: [&str; 2] = ["arrow.json", "arrow.uuid"];

/// An extension type whose stored numbers mean nothing without it, such as months since 1970.
const PERIOD: &str = "pandas.period";

/// The schemas between a frame and its file.
pub(super) struct Storage {
    /// The frame's values in layouts that Parquet can write, in the same units.
    pub(super) layout: SchemaRef,
    /// The schema in the units of Parquet, which is written.
    pub(super) schema: SchemaRef,
    /// The schema of the file.
    pub(super) parquet: SchemaDescriptor,
    /// Notes about columns whose values are stored without their extension type.
    pub(super) notes: Vec<String>,
}

impl Storage {
    /// The storage of a frame; `label` names it in messages. `decimals` says how its library writes
    /// decimals: files and frames of one library then fit one dataset.
    ///
    /// # Errors
    /// [`Error::Frame`] with the column that Parquet cannot hold unchanged.
    pub(super) fn of(label: &str, schema: &Schema, decimals: Decimals) -> Result<Self> {
        if schema.fields().is_empty() {
            return Err(refused(label, None, "it has no columns".to_owned()));
        }
        let mut notes = Vec::new();
        let metadata = || schema.metadata().clone();
        let layout =
            fields(schema.fields(), "", &mut |field, path| laid_out(field, path, &mut notes))
                .map_err(|unstorable| unstorable.error(label))?;
        let stored = fields(&layout, "", &mut |field, _| Ok(in_units_of_parquet(field)))
            .map_err(|unstorable| unstorable.error(label))?;
        let layout = Arc::new(Schema::new_with_metadata(layout, metadata()));
        let stored = Arc::new(Schema::new_with_metadata(stored, metadata()));
        let descriptor = ArrowSchemaConverter::new()
            .convert(&stored)
            .map_err(|error| refused(label, None, in_words(&error.to_string())))?;
        let descriptor = match decimals {
            Decimals::Integers => descriptor,
            Decimals::Bytes => SchemaDescriptor::new(
                with_decimals_as_bytes(&descriptor.root_schema_ptr())
                    .map_err(|error| refused(label, None, in_words(&error.to_string())))?,
            ),
        };
        let read = parquet_to_arrow_schema(&descriptor, None)
            .map_err(|error| refused(label, None, in_words(&error.to_string())))?;
        for (field, read) in schema.fields().iter().zip(read.fields()) {
            if canonical(field) != canonical(read) {
                let problem = format!("would be read back as {}", read.data_type());
                return Err(Unstorable::of(field.name(), field.data_type(), &problem).error(label));
            }
        }
        Ok(Self { layout, schema: stored, parquet: descriptor, notes })
    }
}

/// How decimals of up to 18 digits are written. All files of a dataset need the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimals {
    /// As `INT32` and `INT64`, as polars and duckdb do.
    Integers,
    /// As bytes, as pyarrow and pandas do.
    Bytes,
}

fn with_decimals_as_bytes(field: &TypePtr) -> Result<TypePtr, ParquetError> {
    let info = field.get_basic_info();
    let id = info.has_id().then(|| info.id());
    match field.as_ref() {
        Type::PrimitiveType { precision, scale, physical_type, .. } => {
            let is_decimal = matches!(info.logical_type_ref(), Some(LogicalType::Decimal(_)));
            if !is_decimal || *physical_type == Physical::FIXED_LEN_BYTE_ARRAY {
                return Ok(Arc::clone(field));
            }
            Type::primitive_type_builder(field.name(), Physical::FIXED_LEN_BYTE_ARRAY)
                .with_repetition(info.repetition())
                .with_id(id)
                .with_length(bytes_of_decimal(*precision))
                .with_logical_type(info.logical_type_ref().cloned())
                .with_precision(*precision)
                .with_scale(*scale)
                .build()
        }
        Type::GroupType { fields, .. } => {
            let fields = fields.iter().map(with_decimals_as_bytes).collect::<Result<_, _>>()?;
            let mut group = Type::group_type_builder(field.name())
                .with_fields(fields)
                .with_logical_type(info.logical_type_ref().cloned())
                .with_converted_type(info.converted_type())
                .with_id(id);
            if info.has_repetition() {
                group = group.with_repetition(info.repetition());
            }
            group.build()
        }
    }
    .map(Arc::new)
}

/// The bytes needed for the largest number with this many digits, and its sign.
fn bytes_of_decimal(precision: i32) -> i32 {
    let largest = 10_i128.pow(precision.unsigned_abs()) - 1;
    (1..16).find(|bytes| largest < 1_i128 << (8 * bytes - 1)).unwrap_or(16)
}

/// A column that cannot be stored as it is.
struct Unstorable {
    column: FrameColumn,
    /// The rest of the sentence that begins with the column.
    problem: String,
}

impl Unstorable {
    fn of(path: &str, data_type: &impl ToString, problem: &str) -> Self {
        let data_type = data_type.to_string();
        let problem = format!("has the type {data_type}, which {problem}");
        Self { column: FrameColumn { path: path.to_owned(), data_type }, problem }
    }

    fn error(self, label: &str) -> Error {
        let message = format!("column {:?} {}", self.column.path, self.problem);
        refused(label, Some(self.column), message)
    }
}

fn refused(label: &str, column: Option<FrameColumn>, message: String) -> Error {
    Error::Frame { label: label.to_owned(), column: column.map(Box::new), message }
}

/// A library's error message without its prefixes for kinds of errors.
pub(super) fn in_words(message: &str) -> String {
    const KINDS: [&str; 8] = [
        "Arrow: ",
        "Parquet error: ",
        "Parquet argument error: ",
        "C Data interface error: ",
        "External error: ",
        "External: ",
        "Invalid argument error: ",
        "Schema error: ",
    ];
    let mut words = message;
    while let Some(rest) = KINDS.iter().find_map(|kind| words.strip_prefix(kind)) {
        words = rest;
    }
    words.to_owned()
}

type Laid = Result<FieldRef, Box<Unstorable>>;

/// Applies `change` to fields, whose names must be unique.
fn fields(
    fields: &Fields,
    parent: &str,
    change: &mut impl FnMut(&FieldRef, &str) -> Laid,
) -> Result<Fields, Box<Unstorable>> {
    let mut names = HashSet::new();
    let changed = fields.iter().map(|field| {
        let path = join(parent, field.name());
        if !names.insert(field.name()) {
            let column = FrameColumn { path, data_type: field.data_type().to_string() };
            let problem = "occurs more than once; column names must be unique".to_owned();
            return Err(Box::new(Unstorable { column, problem }));
        }
        nested(field, &path, change)
    });
    changed.collect()
}

/// Applies `change` to the fields inside of `field`, then to `field` itself.
fn nested(field: &FieldRef, path: &str, change: &mut impl FnMut(&FieldRef, &str) -> Laid) -> Laid {
    let mut element = |element: &FieldRef| nested(element, &join(path, "element"), change);
    let data_type = match field.data_type() {
        DataType::List(inner) => DataType::List(element(inner)?),
        DataType::LargeList(inner) => DataType::LargeList(element(inner)?),
        DataType::ListView(inner) => DataType::ListView(element(inner)?),
        DataType::LargeListView(inner) => DataType::LargeListView(element(inner)?),
        DataType::FixedSizeList(inner, length) => DataType::FixedSizeList(element(inner)?, *length),
        DataType::RunEndEncoded(ends, values) => {
            DataType::RunEndEncoded(Arc::clone(ends), nested(values, path, change)?)
        }
        DataType::Dictionary(keys, values) => {
            let values = Arc::new(Field::new("values", (**values).clone(), true));
            let values = nested(&values, path, change)?.data_type().clone();
            DataType::Dictionary(keys.clone(), Box::new(values))
        }
        DataType::Map(entries, is_sorted) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return Err(Box::new(Unstorable::of(path, field.data_type(), "is not a map")));
            };
            let pair = DataType::Struct(fields(pair, path, change)?);
            DataType::Map(with_type(entries, pair), *is_sorted)
        }
        DataType::Struct(children) => DataType::Struct(fields(children, path, change)?),
        flat => flat.clone(),
    };
    change(&with_type(field, data_type), path)
}

fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    if *field.data_type() == data_type {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// Lays values out in a way that the writer and all readers know.
fn laid_out(field: &FieldRef, path: &str, notes: &mut Vec<String>) -> Laid {
    let data_type = field.data_type();
    let refused = |problem: &str| Err(Box::new(Unstorable::of(path, data_type, problem)));
    match field.extension_type_name() {
        Some(PERIOD) => return Err(Box::new(Unstorable::of(path, &PERIOD, NO_COUNTERPART))),
        Some(name) if !EXTENSIONS_OF_PARQUET.contains(&name) => notes.push(format!(
            "column {path:?} has the extension type {name}, which Parquet does not support; its \
             values are uploaded as {data_type}"
        )),
        _ => {}
    }
    let laid_out = match data_type {
        DataType::Duration(_) | DataType::Interval(_) | DataType::Union(..) => {
            return refused(NO_COUNTERPART);
        }
        DataType::Struct(children) if children.is_empty() => {
            return refused("has no fields; Parquet does not support this");
        }
        DataType::FixedSizeBinary(0) => {
            return refused("has no bytes; Parquet does not support this");
        }
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if *scale < 0 || i16::from(*scale) > i16::from(*precision) =>
        {
            return refused("has a scale that Parquet does not support (0 up to the precision)");
        }
        // Readers from a few years ago do not know the narrow decimals.
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::ListView(element) => DataType::List(Arc::clone(element)),
        DataType::LargeListView(element) => DataType::LargeList(Arc::clone(element)),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        // The writer keeps dictionaries of strings and bytes; those of polars are views.
        DataType::Dictionary(keys, values) => match &**values {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => {
                data_type.clone()
            }
            DataType::Utf8View => DataType::Dictionary(keys.clone(), Box::new(DataType::Utf8)),
            DataType::BinaryView => DataType::Dictionary(keys.clone(), Box::new(DataType::Binary)),
            values => values.clone(),
        },
        data_type => data_type.clone(),
    };
    Ok(with_type(field, laid_out))
}

const NO_COUNTERPART: &str = "Parquet does not support";

/// Converts times to units that Parquet has. Otherwise, the writer would drop their logical type.
fn in_units_of_parquet(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        data_type => data_type.clone(),
    };
    with_type(field, data_type)
}

/// Maps types that are the same in a file to one type: the equivalences of `docs/guides/types.md`.
fn canonical(field: &Field) -> Field {
    let inner = |field: &Field, name: &str| Arc::new(canonical(field).with_name(name));
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => DataType::Decimal256(*precision, *scale),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Timestamp(unit, zone) => {
            let unit = if *unit == TimeUnit::Second { TimeUnit::Millisecond } else { *unit };
            let is_utc = zone.as_deref().is_some_and(|zone| !zone.is_empty());
            DataType::Timestamp(unit, is_utc.then(|| "UTC".into()))
        }
        DataType::Dictionary(_, values) => {
            canonical(&Field::new("", (**values).clone(), true)).data_type().clone()
        }
        DataType::RunEndEncoded(_, values) => canonical(values).data_type().clone(),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => DataType::List(inner(element, "element")),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                let named = pair.iter().zip(["key", "value"]);
                // A key is never null, even if its field is nullable.
                let pair: Fields = named
                    .map(|(field, name)| match name {
                        "key" => Arc::new(canonical(field).with_name(name).with_nullable(false)),
                        name => inner(field, name),
                    })
                    .collect();
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
            }
            other => other.clone(),
        },
        DataType::Struct(children) => {
            DataType::Struct(children.iter().map(|child| inner(child, child.name())).collect())
        }
        data_type => data_type.clone(),
    };
    let extension = field.extension_type_name().filter(|n| EXTENSIONS_OF_PARQUET.contains(n));
    let canonical = Field::new(field.name(), data_type, field.is_nullable());
    match extension {
        Some(name) => canonical.with_metadata(
            [(arrow_schema::extension::EXTENSION_TYPE_NAME_KEY.to_owned(), name.to_owned())].into(),
        ),
        None => canonical,
    }
}

//! The likely cause of a difference between two schemas, and the pandas and polars code that fixes
//! it. Code is only suggested if it does what the advice says.

use unicode_normalization::UnicodeNormalization;

use super::{
    difference::{Difference, DifferenceKind, Property},
    leaf_type::{LeafType, Unit},
    number::Number,
};

/// Columns with this prefix are an index that pandas writes if it is more than row numbers.
const PANDAS_INDEX: &str = "__index_level_";

/// The likely cause and the fix, in one line; `None` if neither is known. `all` are the
/// differences that are reported together; `is_without_values` says that no file with this
/// difference has a value in the column.
#[must_use]
pub fn advice(
    difference: &Difference,
    all: &[&Difference],
    is_without_values: bool,
) -> Option<String> {
    let column = difference.path.as_str();
    let expected = difference.expected.as_ref().and_then(Property::leaf);
    let found = difference.found.as_ref().and_then(Property::leaf);
    if column.starts_with(PANDAS_INDEX) {
        return Some("a pandas index. df.to_parquet(..., index=False)".to_owned());
    }
    if let Some(other) = lookalike(difference, all) {
        return (difference.kind == DifferenceKind::Missing)
            .then(|| renaming(difference, &other.path));
    }
    match difference.kind {
        DifferenceKind::Nullability => Some(
            "some writers mark columns without nulls as required; pandas and polars never do"
                .to_owned(),
        ),
        DifferenceKind::Type if is_without_values && !found.is_some_and(LeafType::is_null) => {
            Some(no_value_advice(difference, expected))
        }
        DifferenceKind::Type => type_advice(difference, expected, found),
        // Code for a nested field would be wrong.
        _ if difference.is_nested => None,
        DifferenceKind::Moved => Some(
            "the columns are in another order. pandas: df = df[columns]; polars: df = df.select(columns)"
                .to_owned(),
        ),
        DifferenceKind::Missing => Some(format!(
            "add it to the files that lack it, or drop it from the others. {}",
            in_both(column, expected?, "None", "pl.lit(None)")?
        )),
        DifferenceKind::Extra => {
            let column = quoted(column);
            Some(format!(
                "pandas: df = df.drop(columns=[{column}]); polars: df = df.drop({column})"
            ))
        }
    }
}

/// Finds an extra column whose name nearly equals that of a missing one, or the reverse.
fn lookalike<'a>(difference: &Difference, all: &[&'a Difference]) -> Option<&'a Difference> {
    let other_kind = match difference.kind {
        DifferenceKind::Missing => DifferenceKind::Extra,
        DifferenceKind::Extra => DifferenceKind::Missing,
        _ => return None,
    };
    let key = folded(&difference.path);
    let mut others = all.iter().filter(|other| other.kind == other_kind);
    others.find(|other| folded(&other.path) == key).copied()
}

fn folded(path: &str) -> String {
    path.trim().nfc().collect::<String>().to_lowercase()
}

fn renaming(difference: &Difference, found: &str) -> String {
    let expected = &difference.path;
    let how = if expected.trim() == found.trim() {
        "leading or trailing spaces"
    } else if expected.to_lowercase() == found.to_lowercase() {
        "upper and lower case"
    } else if expected.nfc().eq(found.nfc()) {
        "Unicode composition"
    } else {
        "case, spaces and Unicode composition"
    };
    let cause = format!("{expected:?} and {found:?} differ only in {how}.");
    if difference.is_nested {
        return cause;
    }
    let (expected, found) = (quoted(expected), quoted(found));
    format!(
        "{cause} pandas: df = df.rename(columns={{{found}: {expected}}}); \
         polars: df = df.rename({{{found}: {expected}}})"
    )
}

fn no_value_advice(difference: &Difference, expected: Option<&LeafType>) -> String {
    let fix = castable(difference).and_then(|column| cast_to(column, expected?));
    let fix = fix.map_or_else(String::new, |fix| format!(" {fix}"));
    format!("no value in these files, so their type means nothing.{fix}")
}

/// The column, if code can name it.
fn castable(difference: &Difference) -> Option<&str> {
    (!difference.is_nested).then_some(difference.path.as_str())
}

fn type_advice(
    difference: &Difference,
    expected: Option<&LeafType>,
    found: Option<&LeafType>,
) -> Option<String> {
    let with = |cause: String, fix: Option<String>| match fix {
        Some(fix) => Some(format!("{cause} {fix}")),
        None => Some(cause),
    };
    if expected.is_some_and(LeafType::is_null) || found.is_some_and(LeafType::is_null) {
        let to = if found.is_some_and(LeafType::is_null) { expected } else { found };
        let fix = castable(difference).and_then(|column| cast_to(column, to?));
        return with("no value in these files, so no type.".to_owned(), fix);
    }
    let (expected, found) = (expected?, found?);
    let numbers = Number::of_type(expected).zip(Number::of_type(found));
    if let Some((
        Number::Decimal { precision, scale },
        Number::Decimal { precision: other, scale: other_scale },
    )) = numbers
    {
        return Some(decimal_advice(difference, (precision, scale), (other, other_scale)));
    }
    let name = castable(difference)?;
    let column = quoted(name);
    match (numbers, expected, found) {
        (Some((Number::Integer { .. }, Number::Float | Number::Double)), integer, _)
        | (Some((Number::Float | Number::Double, Number::Integer { .. })), _, integer) => Some(
            format!("pandas stores int with missing values as float. {}", cast_to(name, integer)?),
        ),
        (
            Some((Number::Timestamp { unit, is_utc }, Number::Timestamp { is_utc: other, .. })),
            ..,
        ) => Some(timestamp_advice(&column, unit, is_utc != other)),
        (
            Some(
                (Number::Int96, Number::Timestamp { .. })
                | (Number::Timestamp { .. }, Number::Int96),
            ),
            ..,
        ) => Some(
            "older writers store timestamps as INT96. Spark: set \
                 spark.sql.parquet.outputTimestampType to TIMESTAMP_MICROS; pyarrow: write \
                 without use_deprecated_int96_timestamps"
                .to_owned(),
        ),
        (Some((Number::Timestamp { unit, .. }, Number::Integer { .. })), ..) => Some(format!(
            "integers in some files, times in others. If the integers count {} since 1970: \
             pandas: df[{column}] = pd.to_datetime(df[{column}], unit=\"{}\"); \
             polars: pl.from_epoch({column}, time_unit=\"{}\")",
            unit_name(unit),
            unit.words(),
            unit.words(),
        )),
        (Some((Number::Integer { .. }, Number::Timestamp { .. })), ..) => {
            Some("times in some files, integers in others: write all files with times".to_owned())
        }
        (_, LeafType::String, LeafType::Binary) | (_, LeafType::Binary, LeafType::String) => {
            Some(format!(
                "bytes in some files, text in others. pandas: df[{column}] = df[{column}].str.decode(\"utf-8\"); \
             polars: pl.col({column}).cast(pl.String)"
            ))
        }
        (_, LeafType::Date, LeafType::Timestamp { .. }) => Some(format!(
            "times in some files, days in others. This drops the time of day: pandas: df[{column}] = \
             df[{column}].dt.date; polars: pl.col({column}).dt.date()"
        )),
        (_, LeafType::Timestamp { .. }, LeafType::Date) => {
            let (pandas, polars) = dtypes(expected)?;
            Some(format!(
                "days in some files, times in others. pandas: df[{column}] = pd.to_datetime(df[{column}])\
                 .astype({pandas:?}); polars: pl.col({column}).cast({polars})"
            ))
        }
        _ if is_simple(expected) && is_simple(found) => cast_to(name, expected),
        _ => None,
    }
}

/// The smallest decimal that holds the digits of both, before and after the point.
fn decimal_advice(difference: &Difference, expected: (i32, i32), found: (i32, i32)) -> String {
    // The precision that pandas, pyarrow and polars all support.
    const LONGEST: i32 = 38;
    if expected == found {
        return "the same decimals in another physical form; cast them, or write all files with the \
                same library"
            .to_owned();
    }
    let scale = expected.1.max(found.1);
    let precision = (expected.0 - expected.1).max(found.0 - found.1) + scale;
    let cause = "decimals of different precision: each file has the precision of its own values.";
    match castable(difference).map(quoted) {
        Some(column) if precision <= LONGEST => format!(
            "{cause} pandas: df[{column}] = \
             df[{column}].astype(pd.ArrowDtype(pa.decimal128({precision}, {scale}))); \
             polars: pl.col({column}).cast(pl.Decimal({precision}, {scale}))"
        ),
        _ => cause.to_owned(),
    }
}

fn timestamp_advice(column: &str, unit: Unit, is_another_zone: bool) -> String {
    if is_another_zone {
        return format!(
            "some files have a time zone, others do not. \
             pandas: df[{column}] = df[{column}].dt.tz_localize(\"UTC\"); \
             polars: pl.col({column}).dt.replace_time_zone(\"UTC\")"
        );
    }
    let unit = unit.words();
    format!(
        "different units. pandas: df[{column}] = df[{column}].dt.as_unit(\"{unit}\"); \
         polars: pl.col({column}).dt.cast_time_unit(\"{unit}\")"
    )
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "milliseconds",
        Unit::Micros => "microseconds",
        Unit::Nanos => "nanoseconds",
    }
}

/// A text as a Python literal: JSON strings are valid ones.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Code that casts a column to a type, in both libraries.
fn cast_to(column: &str, to: &LeafType) -> Option<String> {
    let column = quoted(column);
    let (pandas, polars) = dtypes(to)?;
    Some(format!(
        "pandas: df[{column}] = df[{column}].astype({pandas:?}); \
         polars: pl.col({column}).cast({polars})"
    ))
}

fn in_both(column: &str, to: &LeafType, pandas_value: &str, polars_value: &str) -> Option<String> {
    let column = quoted(column);
    let (pandas, polars) = dtypes(to)?;
    Some(format!(
        "pandas: df[{column}] = pd.Series({pandas_value}, df.index, {pandas:?}); \
         polars: df.with_columns({polars_value}.cast({polars}).alias({column}))"
    ))
}

/// The names of a type in pandas and polars.
fn dtypes(leaf: &LeafType) -> Option<(String, String)> {
    let (pandas, polars) = match *leaf {
        LeafType::String => ("string", "pl.String"),
        LeafType::Bool => ("boolean", "pl.Boolean"),
        LeafType::Float => ("float32", "pl.Float32"),
        LeafType::Double => ("float64", "pl.Float64"),
        LeafType::Integer { bits, is_signed } => {
            // Int64 supports missing values; int64 does not.
            let name = format!("{}{bits}", if is_signed { "Int" } else { "UInt" });
            return Some((name.clone(), format!("pl.{name}")));
        }
        LeafType::Timestamp { unit, is_utc } => {
            let unit = unit.words();
            return Some(if is_utc {
                (format!("datetime64[{unit}, UTC]"), format!("pl.Datetime({unit:?}, \"UTC\")"))
            } else {
                (format!("datetime64[{unit}]"), format!("pl.Datetime({unit:?})"))
            });
        }
        _ => return None,
    };
    Some((pandas.to_owned(), polars.to_owned()))
}

/// Whether a type is a number or text, which both libraries cast into each other.
fn is_simple(leaf: &LeafType) -> bool {
    matches!(leaf, LeafType::Integer { .. } | LeafType::Float | LeafType::Double | LeafType::String)
}

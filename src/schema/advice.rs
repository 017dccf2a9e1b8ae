//! The likely cause of a difference between two schemas, and what to write in pandas and
//! polars to mend it. A line of code is given only where it does what it says.

use unicode_normalization::UnicodeNormalization;

use super::{
    diff::{Difference, DifferenceKind},
    number::{Number, Unit},
};

/// A column of this name is the index that pandas writes where it holds more than row
/// numbers.
const PANDAS_INDEX: &str = "__index_level_";

/// The likely cause and the fix, in one line; `None` where nothing can be said. `all` are the
/// differences that are told with this one; `is_without_values` says that no file that differs
/// so has a value in the column.
#[must_use]
pub fn advice(
    difference: &Difference,
    all: &[&Difference],
    is_without_values: bool,
) -> Option<String> {
    let column = difference.path.as_str();
    let (expected, found) = (difference.expected.as_deref(), difference.found.as_deref());
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
        DifferenceKind::Type if is_without_values && !is_null_words(found?) => {
            Some(no_value_advice(difference, expected?))
        }
        DifferenceKind::Type => type_advice(difference, expected?, found?),
        // A line of code for a field inside of a column would be a wrong one.
        _ if difference.is_nested => None,
        DifferenceKind::Moved => Some(
            "another order of columns. pandas: df = df[columns]; polars: df = df.select(columns)"
                .to_owned(),
        ),
        DifferenceKind::Missing => Some(format!(
            "add it where it is missing, or drop it from the others. {}",
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

/// A column that is missing on one side and has nearly the name of one that is extra.
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
        "blanks at the ends"
    } else if expected.to_lowercase() == found.to_lowercase() {
        "upper and lower case"
    } else if expected.nfc().eq(found.nfc()) {
        "the way in which Unicode composes letters"
    } else {
        "case, blanks and the way in which Unicode composes letters"
    };
    let cause = format!("{expected:?} and {found:?} differ in {how} only.");
    if difference.is_nested {
        return cause;
    }
    let (expected, found) = (quoted(expected), quoted(found));
    format!(
        "{cause} pandas: df = df.rename(columns={{{found}: {expected}}}); \
         polars: df = df.rename({{{found}: {expected}}})"
    )
}

fn no_value_advice(difference: &Difference, expected: &str) -> String {
    let fix = castable(difference).and_then(|column| cast_to(column, expected));
    let fix = fix.map_or_else(String::new, |fix| format!(" {fix}"));
    format!("no value in these files, so their type says nothing.{fix}")
}

/// The column, where a line of code can name it.
fn castable(difference: &Difference) -> Option<&str> {
    (!difference.is_nested).then_some(difference.path.as_str())
}

fn type_advice(difference: &Difference, expected: &str, found: &str) -> Option<String> {
    let with = |cause: String, fix: Option<String>| match fix {
        Some(fix) => Some(format!("{cause} {fix}")),
        None => Some(cause),
    };
    if is_null_words(expected) || is_null_words(found) {
        let to = if is_null_words(found) { expected } else { found };
        let fix = castable(difference).and_then(|column| cast_to(column, to));
        return with("no value in these files, so no type.".to_owned(), fix);
    }
    let numbers = Number::in_words(expected).zip(Number::in_words(found));
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
            "INT96 is what older writers make of timestamps. Spark: set \
                 spark.sql.parquet.outputTimestampType to TIMESTAMP_MICROS; pyarrow: write \
                 without use_deprecated_int96_timestamps"
                .to_owned(),
        ),
        (Some((Number::Timestamp { unit, .. }, Number::Integer { .. })), ..) => Some(format!(
            "whole numbers against times. If they count {} since 1970: \
             pandas: df[{column}] = pd.to_datetime(df[{column}], unit=\"{}\"); \
             polars: pl.from_epoch({column}, time_unit=\"{}\")",
            unit_name(unit),
            unit_words(unit),
            unit_words(unit),
        )),
        (Some((Number::Integer { .. }, Number::Timestamp { .. })), ..) => {
            Some("times against whole numbers: write the others as times, too".to_owned())
        }
        (_, "string", "binary") | (_, "binary", "string") => Some(format!(
            "bytes against text. pandas: df[{column}] = df[{column}].str.decode(\"utf-8\"); \
             polars: pl.col({column}).cast(pl.String)"
        )),
        (_, "date", words) if is_timestamp(words) => Some(format!(
            "times against days. This drops the time of day: pandas: df[{column}] = \
             df[{column}].dt.date; polars: pl.col({column}).dt.date()"
        )),
        (_, words, "date") if is_timestamp(words) => {
            let polars = dtypes(words)?.1;
            Some(format!(
                "days against times. pandas: df[{column}] = pd.to_datetime(df[{column}])\
                 .astype({:?}); polars: pl.col({column}).cast({polars})",
                dtypes(words)?.0,
            ))
        }
        _ if is_simple(expected) && is_simple(found) => cast_to(name, expected),
        _ => None,
    }
}

/// Digits before and after the point of both.
fn decimal_advice(difference: &Difference, expected: (i32, i32), found: (i32, i32)) -> String {
    // What pandas, pyarrow and polars can all hold.
    const LONGEST: i32 = 38;
    if expected == found {
        return "the same decimals in another physical form; cast, or write all files with one \
                library"
            .to_owned();
    }
    let scale = expected.1.max(found.1);
    let precision = (expected.0 - expected.1).max(found.0 - found.1) + scale;
    let cause = "decimals of another precision: each file has that of its own values.";
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
            "one has a time zone, and one does not. \
             pandas: df[{column}] = df[{column}].dt.tz_localize(\"UTC\"); \
             polars: pl.col({column}).dt.replace_time_zone(\"UTC\")"
        );
    }
    let unit = unit_words(unit);
    format!(
        "another unit. pandas: df[{column}] = df[{column}].dt.as_unit(\"{unit}\"); \
         polars: pl.col({column}).dt.cast_time_unit(\"{unit}\")"
    )
}

fn unit_words(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "ms",
        Unit::Micros => "us",
        Unit::Nanos => "ns",
    }
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "milliseconds",
        Unit::Micros => "microseconds",
        Unit::Nanos => "nanoseconds",
    }
}

/// A text as a literal of Python: JSON's are.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The cast of a column to a type, in both libraries.
fn cast_to(column: &str, to: &str) -> Option<String> {
    let column = quoted(column);
    let (pandas, polars) = dtypes(to)?;
    Some(format!(
        "pandas: df[{column}] = df[{column}].astype({pandas:?}); \
         polars: pl.col({column}).cast({polars})"
    ))
}

fn in_both(column: &str, to: &str, pandas_value: &str, polars_value: &str) -> Option<String> {
    let column = quoted(column);
    let (pandas, polars) = dtypes(to)?;
    Some(format!(
        "pandas: df[{column}] = pd.Series({pandas_value}, df.index, {pandas:?}); \
         polars: df.with_columns({polars_value}.cast({polars}).alias({column}))"
    ))
}

/// A type's names in pandas and polars.
fn dtypes(words: &str) -> Option<(String, String)> {
    let (pandas, polars) = match words {
        "string" => ("string", "pl.String"),
        "bool" => ("boolean", "pl.Boolean"),
        "float" => ("float32", "pl.Float32"),
        "double" => ("float64", "pl.Float64"),
        _ if is_integer_words(words) => {
            // Int64, and not int64, holds missing values.
            let name = words.replacen("uint", "UInt", 1).replacen("int", "Int", 1);
            return Some((name.clone(), format!("pl.{name}")));
        }
        _ if is_timestamp(words) => {
            let inside = words.trim_start_matches("timestamp[").trim_end_matches(']');
            let polars = match inside.split_once(", ") {
                Some((unit, zone)) => format!("pl.Datetime({unit:?}, {zone:?})"),
                None => format!("pl.Datetime({inside:?})"),
            };
            return Some((format!("datetime64[{inside}]"), polars));
        }
        _ => return None,
    };
    Some((pandas.to_owned(), polars.to_owned()))
}

/// Numbers and text, which both libraries cast into each other.
fn is_simple(words: &str) -> bool {
    is_integer_words(words) || matches!(words, "float" | "double" | "string")
}

/// Whether words for a type stand for a column without a type.
pub(crate) fn is_null_words(words: &str) -> bool {
    words.starts_with("null (")
}

/// Whether words for a type stand for an integer.
pub(crate) fn is_integer_words(words: &str) -> bool {
    let bits = words.strip_prefix("uint").or_else(|| words.strip_prefix("int"));
    bits.is_some_and(|bits| matches!(bits, "8" | "16" | "32" | "64"))
}

fn is_timestamp(words: &str) -> bool {
    words.starts_with("timestamp[")
}

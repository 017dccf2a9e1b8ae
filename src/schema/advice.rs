//! The likely cause of a difference between two schemas, and what to write in pandas and
//! polars to mend it.

use super::diff::{Difference, DifferenceKind};

/// A column of this name is the index that pandas writes where it holds more than row
/// numbers.
const PANDAS_INDEX: &str = "__index_level_";

/// The likely cause and the fix, in one line; `None` where nothing can be said.
#[must_use]
pub fn advice(difference: &Difference) -> Option<String> {
    let column = difference.path.as_str();
    let (expected, found) = (difference.expected.as_deref(), difference.found.as_deref());
    if column.starts_with(PANDAS_INDEX) {
        return Some("a pandas index. df.to_parquet(..., index=False)".to_owned());
    }
    match difference.kind {
        // A line of code for a field inside of a column would be a wrong one.
        DifferenceKind::Type | DifferenceKind::Missing | DifferenceKind::Extra
            if column.contains('.') =>
        {
            None
        }
        DifferenceKind::Type => type_advice(column, expected?, found?),
        DifferenceKind::Nullability => Some(
            "some writers mark columns without nulls as required; pandas and polars never do"
                .to_owned(),
        ),
        DifferenceKind::Moved => Some(
            "another order of columns. pandas: df = df[columns]; polars: df = df.select(columns)"
                .to_owned(),
        ),
        DifferenceKind::Missing => Some(format!(
            "add it where it is missing, or drop it from the others. {}",
            in_both(column, expected?, "None", "pl.lit(None)")?
        )),
        DifferenceKind::Extra => Some(format!(
            "pandas: df = df.drop(columns=[{column:?}]); polars: df = df.drop({column:?})"
        )),
    }
}

fn type_advice(column: &str, expected: &str, found: &str) -> Option<String> {
    let either = |is: fn(&str) -> bool| is(expected) || is(found);
    let cast = |to: &str| cast_to(column, to);
    if is_null_words(expected) || is_null_words(found) {
        let to = if is_null_words(found) { expected } else { found };
        let fix = cast(to).map_or_else(String::new, |fix| format!(" {fix}"));
        return Some(format!("no value in these files, so no type.{fix}"));
    }
    if either(is_integer_words) && either(is_float) {
        let integer = if is_integer_words(expected) { expected } else { found };
        return Some(format!("pandas stores int with missing values as float. {}", cast(integer)?));
    }
    if is_timestamp(expected) && is_timestamp(found) {
        return Some(timestamp_advice(column, expected, found));
    }
    if matches!((expected, found), ("string", "binary") | ("binary", "string")) {
        return Some(format!(
            "bytes against text. pandas: df[{column:?}] = df[{column:?}].str.decode(\"utf-8\"); \
             polars: pl.col({column:?}).cast(pl.String)"
        ));
    }
    cast(expected)
}

fn timestamp_advice(column: &str, expected: &str, found: &str) -> String {
    let zone = |words: &str| words.contains("UTC");
    if zone(expected) != zone(found) {
        return format!(
            "one has a time zone, and one does not. \
             pandas: df[{column:?}] = df[{column:?}].dt.tz_localize(\"UTC\"); \
             polars: pl.col({column:?}).dt.replace_time_zone(\"UTC\")"
        );
    }
    let unit = expected.trim_start_matches("timestamp[").get(..2).unwrap_or("us");
    format!(
        "another unit. pandas: df[{column:?}] = df[{column:?}].dt.as_unit(\"{unit}\"); \
         polars: pl.col({column:?}).dt.cast_time_unit(\"{unit}\")"
    )
}

/// The cast of a column to a type, in both libraries.
fn cast_to(column: &str, to: &str) -> Option<String> {
    let (pandas, polars) = dtypes(to)?;
    Some(format!(
        "pandas: df[{column:?}] = df[{column:?}].astype({pandas:?}); \
         polars: pl.col({column:?}).cast({polars})"
    ))
}

fn in_both(column: &str, to: &str, pandas_value: &str, polars_value: &str) -> Option<String> {
    let (pandas, polars) = dtypes(to)?;
    Some(format!(
        "pandas: df[{column:?}] = pd.Series({pandas_value}, df.index, {pandas:?}); \
         polars: df.with_columns({polars_value}.cast({polars}).alias({column:?}))"
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

/// Whether words for a type stand for a column without a type.
pub(crate) fn is_null_words(words: &str) -> bool {
    words.starts_with("null (")
}

/// Whether words for a type stand for an integer.
pub(crate) fn is_integer_words(words: &str) -> bool {
    let bits = words.strip_prefix("uint").or_else(|| words.strip_prefix("int"));
    bits.is_some_and(|bits| matches!(bits, "8" | "16" | "32" | "64"))
}

fn is_float(words: &str) -> bool {
    matches!(words, "float" | "double")
}

fn is_timestamp(words: &str) -> bool {
    words.starts_with("timestamp[")
}

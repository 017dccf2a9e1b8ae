//! Whether the statements suit both databases.

use std::borrow::Cow;

use super::{
    migrations::MIGRATIONS,
    sql::{
        delete_small, end_deleted, end_records, insert_files, insert_small, kept_among,
        record_expired, recorded_among,
    },
    staged_sql::{delete_staged, insert_staged, take_staged},
};

/// All statements, and all migrations.
fn statements() -> Vec<String> {
    let sources =
        [include_str!("sql.rs"), include_str!("staged_sql.rs"), include_str!("key_sql.rs")];
    let source = sources.concat();
    let quoted = source.split('"').skip(1).step_by(2).map(str::to_owned);
    let mut statements: Vec<_> = quoted.filter(|text| text.contains(' ')).collect();
    statements.extend(MIGRATIONS.map(|(_, _, sql)| sql.to_owned()));
    statements.extend([kept_among(3), take_staged(3), delete_staged(3), record_expired(3)]);
    statements.extend([end_deleted(3), recorded_among(3)]);
    statements.extend([insert_small(3), delete_small(3), insert_staged(3)]);
    statements.extend([insert_files(1), insert_files(3), end_records(3)].map(Cow::into_owned));
    let without_comments = |sql: String| {
        let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
        lines.collect::<Vec<_>>().join(" ").replace('\\', " ")
    };
    statements.into_iter().map(without_comments).collect()
}

fn words(sql: &str) -> Vec<String> {
    let words = sql.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '?'));
    words.filter(|word| !word.is_empty()).map(str::to_uppercase).collect()
}

#[test]
fn statements_use_nothing_that_one_of_the_two_databases_lacks() {
    const OF_ONE_DATABASE: [&str; 16] = [
        "PRAGMA",
        "AUTOINCREMENT",
        "ROWID",
        "GLOB",
        "REPLACE",
        "IFNULL",
        "HEX",
        "ZEROBLOB",
        "STRFTIME",
        "DATETIME",
        "JSON_EACH",
        "SERIAL",
        "ILIKE",
        "NOW",
        "ANY",
        "?",
    ];
    const TYPES: [&str; 9] =
        ["INTEGER", "INT", "BLOB", "REAL", "NUMERIC", "BOOLEAN", "VARCHAR", "TIMESTAMP", "UUID"];
    for sql in statements() {
        for word in words(&sql) {
            let word = word.as_str();
            assert!(!OF_ONE_DATABASE.contains(&word) && !TYPES.contains(&word), "{word}: {sql}");
            assert!(!word.contains('?'), "{sql}");
        }
    }
}

#[test]
fn columns_are_text_64_bit_integers_or_bytes() {
    let mut columns = 0;
    for sql in statements() {
        let words = words(&sql);
        let is_column_list = words.starts_with(&["CREATE".into(), "TABLE".into()]);
        for (place, word) in words.iter().enumerate() {
            let is_type = word == "BIGINT" || word == "TEXT";
            columns += usize::from(is_type);
            let adds = place > 0 && words[place - 1] == "COLUMN";
            assert!(!adds || matches!(words[place + 1].as_str(), "BIGINT" | "TEXT"), "{sql}");
        }
        let sums = sql.matches("SUM(").count();
        // In migration 5 the column that is assigned to has a type.
        let is_cast = sql.contains("CAST(") || sql.contains("OVER");
        assert!(sums == 0 || is_cast, "{sql}");
        assert!(!is_column_list || sql.contains("TEXT NOT NULL PRIMARY KEY"), "{sql}");
    }
    assert!(columns > 15);
}

#[test]
fn parameters_are_numbered_from_one_without_gaps() {
    for sql in statements() {
        let mut numbers: Vec<usize> =
            words(&sql).iter().filter_map(|word| word.strip_prefix('$')?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "{sql}");
    }
}

//! Describes why a check rejected a batch.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::problem::Problem;
use crate::{
    hint::{Hint, NEUTRAL, Words},
    message::bounded,
    schema::{Difference, DifferenceKind, LeafType, advice},
};

/// All reasons why a batch was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    /// The number of files in the batch, as far as it is known.
    pub file_count: usize,
    /// Problems of single files.
    pub problems: Vec<Problem>,
    /// The reference: the names of the files with the most common schema, or the dataset.
    pub reference: Vec<String>,
    /// Files with other schemas, largest group first.
    pub outliers: Vec<Outliers>,
    /// Whether a cast helps.
    pub cast: Cast,
    /// Earlier files of the batch were sent before this one was checked.
    pub is_under_way: bool,
}

/// Files of one schema that is not the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// Their names, in plan order.
    pub files: Vec<String>,
    /// How their schema differs from the reference.
    pub differences: Vec<Difference>,
    /// Paths of columns that have no values in any of these files.
    pub without_values: HashSet<String>,
}

/// Whether a cast fixes the differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cast {
    /// The caller did not request a cast, but it would help.
    WouldHelp,
    /// A cast would not help, or is not needed.
    NoUse,
    /// The caller requested a cast, but it fails for these reasons.
    Obstacles(Vec<String>),
}

/// What the problems of a batch have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckErrorKind {
    /// Files differ in their schema, and nothing else is wrong.
    SchemaMismatch,
    /// Files are not valid Parquet files, and nothing else is wrong.
    InvalidParquet,
    /// Several kinds of problems.
    Mixed,
}

impl std::error::Error for CheckError {}

impl CheckError {
    /// An error about files that cannot be uploaded. Nothing was sent.
    pub(super) fn of_problems(file_count: usize, problems: Vec<Problem>) -> Self {
        Self { problems, ..Self::of_schemas(file_count, Vec::new(), Vec::new(), Cast::NoUse) }
    }

    /// An error about files without the reference schema. Nothing was sent.
    pub(super) fn of_schemas(
        file_count: usize,
        reference: Vec<String>,
        outliers: Vec<Outliers>,
        cast: Cast,
    ) -> Self {
        Self { file_count, problems: Vec::new(), reference, outliers, cast, is_under_way: false }
    }

    /// The same error, for a file that comes after `sent` others.
    pub(super) fn after(self, sent: usize) -> Self {
        Self { is_under_way: sent > 0, ..self }
    }

    /// Adds the problems of another file of the batch, compared with the same reference.
    pub(super) fn extend(&mut self, other: Self) {
        for group in other.outliers {
            match self.outliers.iter_mut().find(|known| known.differences == group.differences) {
                Some(known) => {
                    known.files.extend(group.files);
                    known.without_values.retain(|path| group.without_values.contains(path));
                }
                None => self.outliers.push(group),
            }
        }
        match (&mut self.cast, other.cast) {
            (Cast::Obstacles(known), Cast::Obstacles(more)) => {
                known.extend(more);
                known.sort();
                known.dedup();
            }
            (Cast::WouldHelp, cast) => self.cast = cast,
            (Cast::NoUse | Cast::Obstacles(_), _) => {}
        }
    }

    /// What the problems have in common.
    #[must_use]
    pub fn kind(&self) -> CheckErrorKind {
        if self.problems.is_empty() {
            CheckErrorKind::SchemaMismatch
        } else if self.outliers.is_empty()
            && self.problems.iter().all(|problem| problem.is_invalid_parquet)
        {
            CheckErrorKind::InvalidParquet
        } else {
            CheckErrorKind::Mixed
        }
    }

    /// A file may have more than one problem.
    fn bad_file_count(&self) -> usize {
        let bad: HashSet<_> = self.problems.iter().map(|problem| &problem.location).collect();
        let more: usize = self.problems.iter().map(|problem| problem.more_files).sum();
        bad.len() + more + self.outlier_count()
    }

    fn outlier_count(&self) -> usize {
        self.outliers.iter().map(|group| group.files.len()).sum()
    }

    /// Differences, each with all files that have it.
    #[must_use]
    pub fn differences(&self) -> Vec<(&Difference, Vec<&str>)> {
        let mut rows: Vec<(&Difference, Vec<&str>)> = Vec::new();
        let mut row_of: HashMap<&Difference, usize> = HashMap::new();
        for group in &self.outliers {
            for difference in &group.differences {
                let row = *row_of.entry(difference).or_insert_with(|| {
                    rows.push((difference, Vec::new()));
                    rows.len() - 1
                });
                rows[row].1.extend(group.files.iter().map(String::as_str));
            }
        }
        rows
    }

    /// None of the files with this difference has a value in the column.
    fn is_without_values(&self, difference: &Difference) -> bool {
        let groups = self.outliers.iter().filter(|group| group.differences.contains(difference));
        let mut groups = groups.peekable();
        groups.peek().is_some() && groups.all(|it| it.without_values.contains(&difference.path))
    }

    fn write_differences(&self, f: &mut fmt::Formatter<'_>, words: Words<'_>) -> fmt::Result {
        let rows = self.differences();
        let mut table = vec![[
            "column".to_owned(),
            with_first(&self.reference),
            "differs in".to_owned(),
            String::new(),
        ]];
        table.extend(rows.iter().take(SHOWN).map(|(difference, files)| {
            let (expected, found) = (difference.expected.as_deref(), difference.found.as_deref());
            let kind = difference.kind;
            let mut files = some_of(files);
            let mut found_words = side(found, expected, kind);
            if kind == DifferenceKind::Type
                && !found.is_some_and(is_null)
                && self.is_without_values(difference)
            {
                found_words += " (no value)";
            }
            if has_nan_where_others_have_integers(difference) && !found_words.ends_with(')') {
                files += " (has NaN?)";
            }
            [shown_path(&difference.path), side(expected, found, kind), found_words, files]
        }));
        writeln!(f)?;
        write_table(f, &table)?;
        fold(f, rows.len())?;
        self.write_advice(f, &rows.iter().map(|(difference, _)| *difference).collect::<Vec<_>>())?;
        self.write_cast(f, words)?;
        write!(
            f,
            "\n  Not a difference: string, large_string and dictionary encodings, row groups, \
             compression, metadata."
        )
    }

    /// One line for each kind of difference that the user can fix.
    fn write_advice(&self, f: &mut fmt::Formatter<'_>, differences: &[&Difference]) -> fmt::Result {
        let mut told = HashSet::new();
        for &difference in differences.iter().take(ADVISED) {
            if let Some(advice) =
                advice(difference, differences, self.is_without_values(difference))
                && told.len() < SHOWN
                && (difference.kind != DifferenceKind::Moved || !told.contains(&advice))
            {
                if told.is_empty() {
                    writeln!(f)?;
                }
                write!(f, "\n  {}: {advice}", shown_path(&difference.path))?;
                told.insert(advice);
            }
        }
        Ok(())
    }

    fn write_cast(&self, f: &mut fmt::Formatter<'_>, words: Words<'_>) -> fmt::Result {
        match &self.cast {
            Cast::WouldHelp => {
                write!(f, "\n\n  {}.", words(&Hint::Cast))?;
            }
            Cast::NoUse => {}
            Cast::Obstacles(obstacles) => {
                write!(f, "\n\n  A cast cannot fix this without loss:")?;
                obstacles.iter().take(SHOWN).try_for_each(|why| write!(f, "\n    {why}"))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(NEUTRAL))
    }
}

impl CheckError {
    /// The message, with hints worded by `words`.
    #[must_use]
    pub fn in_words(&self, words: Words<'_>) -> String {
        bounded(fmt::from_fn(|f| self.write_all(f, words)))
    }

    fn write_all(&self, f: &mut fmt::Formatter<'_>, words: Words<'_>) -> fmt::Result {
        let (bad, all, outliers) = (self.bad_file_count(), self.file_count, self.outlier_count());
        let files = if all == 1 { "file" } else { "files" };
        if self.problems.is_empty() {
            self.write_mismatch(f, &format!("{outliers} of {all} {files}"))?;
        } else {
            write!(f, "{bad} of {all} {files} cannot be uploaded.")?;
        }
        if !self.is_under_way {
            f.write_str(" Nothing was sent.")?;
        }
        for problem in self.problems.iter().take(SHOWN) {
            write!(f, "\n  {}", problem.in_words(words))?;
        }
        fold(f, self.problems.len())?;
        if outliers == 0 {
            return Ok(());
        }
        if !self.problems.is_empty() {
            writeln!(f)?;
            self.write_mismatch(
                f,
                &format!("{outliers} {}", if outliers == 1 { "file" } else { "files" }),
            )?;
        }
        self.write_differences(f, words)
    }

    fn write_mismatch(&self, f: &mut fmt::Formatter<'_>, who: &str) -> fmt::Result {
        let verb = if self.outlier_count() == 1 { "does" } else { "do" };
        match &self.reference[..] {
            [one] => write!(f, "{who} {verb} not match {one}."),
            many => write!(f, "{who} {verb} not match the other {}.", many.len()),
        }
    }
}

/// Lines of one kind in a message; all of them are in the fields of the error.
const SHOWN: usize = 20;

fn fold(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, "\n  ... and {more} more"),
    }
}

/// At most this many differences get advice; usually, advice is one line for each kind.
const ADVISED: usize = 200;

/// A path, quoted if parts of it would be invisible.
fn shown_path(path: &str) -> String {
    if path.trim() == path && !path.is_empty() && !path.contains(char::is_control) {
        return path.to_owned();
    }
    format!("{path:?}")
}

/// One side of a difference, for the table.
fn side(side: Option<&str>, other: Option<&str>, kind: DifferenceKind) -> String {
    match (side, kind) {
        (None, _) => "(absent)".to_owned(),
        (Some(place), DifferenceKind::Moved) => format!("position {place}"),
        // The physical type only matters compared with another null.
        (Some(null), _) if is_null(null) && !other.is_some_and(is_null) => {
            "null (all rows)".to_owned()
        }
        (Some(words), _) => words.to_owned(),
    }
}

fn is_null(words: &str) -> bool {
    LeafType::from_words(words).is_null()
}

fn has_nan_where_others_have_integers(difference: &Difference) -> bool {
    let side = |words: &Option<String>| words.as_deref().map(LeafType::from_words);
    difference.kind == DifferenceKind::Type
        && side(&difference.expected).is_some_and(|leaf| leaf.is_integer())
        && side(&difference.found) == Some(LeafType::Double)
}

fn with_first(files: &[String]) -> String {
    match files {
        [] => String::new(),
        [one] => one.clone(),
        [first, ..] => format!("{} files ({first} ...)", files.len()),
    }
}

fn some_of(files: &[&str]) -> String {
    const MOST: usize = 3;
    match files.len().saturating_sub(MOST) {
        0 => files.join(", "),
        more => format!("{} and {more} more", files[..MOST].join(", ")),
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, rows: &[[String; 4]]) -> fmt::Result {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let (path, expected, found) = (width(0), width(1), width(2));
    for [a, b, c, d] in rows {
        let line = format!("  {a:path$}  {b:expected$}  {c:found$}  {d}");
        write!(f, "\n{}", line.trim_end())?;
    }
    Ok(())
}

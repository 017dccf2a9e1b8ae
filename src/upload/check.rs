//! Everything that can be known before a byte is sent: footers and schemas.

use std::{
    collections::HashSet,
    fmt,
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread,
};

use parquet::schema::types::TypePtr;

use super::{plan::PlannedFile, rewrite::Rewrite};
use crate::{
    config::CHECK_THREADS,
    error::Error,
    schema::{Difference, Footer, Group, Schema, common_schema, diff, groups},
};

/// A planned file whose footer was read and found good.
#[derive(Clone, Debug)]
pub(super) struct CheckedFile {
    /// Its name and identity.
    pub planned: PlannedFile,
    /// What its footer says.
    pub footer: Footer,
}

/// One file that cannot be uploaded, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether the file was read and is no acceptable parquet file.
    pub is_invalid_parquet: bool,
}

/// Files of one schema that is not the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// Their names, in plan order.
    pub files: Vec<String>,
    /// How their schema differs from the reference.
    pub differences: Vec<Difference>,
}

/// All reasons why a batch was refused before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    /// Files of the batch.
    pub file_count: usize,
    /// Files that cannot be uploaded at all.
    pub problems: Vec<Problem>,
    /// Files that share the reference schema, the most common one.
    pub reference: Vec<String>,
    /// The others, largest group first.
    pub outliers: Vec<Outliers>,
    /// Where a cast was asked for: why there is no common schema.
    pub obstacles: Vec<String>,
}

/// What may be mended on the way, because the caller asked for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mending {
    /// Files of other schemas are cast to a common one, where that loses nothing.
    pub cast: bool,
    /// Files with other codecs are rewritten as snappy.
    pub recompress: bool,
}

/// Reads all footers, on all cores, and compares all schemas. Returns the files, and what has
/// to be rewritten of them.
///
/// # Errors
/// [`CheckError`] with every problem of every file.
pub(super) fn check(
    files: Vec<PlannedFile>,
    mut problems: Vec<Problem>,
    file_count: usize,
    mending: Mending,
) -> Result<(Vec<CheckedFile>, Rewrite), CheckError> {
    let mut checked = Vec::with_capacity(files.len());
    let footers = read_footers(&files, mending);
    for (planned, footer) in files.into_iter().zip(footers) {
        match footer {
            Ok(footer) => checked.push(CheckedFile { planned, footer }),
            Err(problem) => problems.push(problem),
        }
    }
    let schemas = checked.iter().map(|file| (file.planned.name.as_str(), &file.footer.schema));
    let (reference, outliers) = compare(schemas);
    let (schema, obstacles) = match (outliers.is_empty(), mending.cast) {
        (false, true) => match common_schema(one_of_each_schema(&checked)) {
            Ok(schema) => (Some(schema), Vec::new()),
            Err(obstacles) => (None, obstacles),
        },
        _ => (None, Vec::new()),
    };
    if problems.is_empty() && (outliers.is_empty() || schema.is_some()) {
        return Ok((checked, Rewrite { schema }));
    }
    Err(CheckError { file_count, problems, reference, outliers, obstacles })
}

fn one_of_each_schema(files: &[CheckedFile]) -> impl Iterator<Item = &TypePtr> {
    let groups = groups(files.iter().map(|file| &file.footer.schema));
    let first = |group: Group<'_>| group.files.first().copied();
    let firsts: Vec<_> = groups.into_iter().filter_map(first).collect();
    firsts.into_iter().map(|index| &files[index].footer.parquet_schema)
}

fn read_footers(files: &[PlannedFile], mending: Mending) -> Vec<Result<Footer, Problem>> {
    let share = files.len().div_ceil(CHECK_THREADS).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(share)
            .map(|files| {
                scope.spawn(move || {
                    files.iter().map(|file| read_footer(file, mending)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

fn read_footer(file: &PlannedFile, mending: Mending) -> Result<Footer, Problem> {
    let path = file.source.path();
    let opened = file.source.open().map_err(|error| Problem::unreadable(path, &error))?;
    match Footer::read(&opened, file.source.size()) {
        Ok(Ok(footer)) => {
            let readable = footer.check_codecs_are_readable();
            let accepted = if mending.recompress { readable } else { footer.check_codecs() };
            match accepted {
                Ok(()) => Ok(footer),
                Err(invalid)
                    if mending.recompress || footer.check_codecs_are_readable().is_err() =>
                {
                    Err(Problem::invalid(path, &invalid.to_string()))
                }
                Err(invalid) => {
                    Err(Problem::invalid(path, &format!("{invalid}, or pass recompress=True")))
                }
            }
        }
        Ok(Err(invalid)) => Err(Problem::invalid(path, &invalid.to_string())),
        Err(error) => Err(Problem::new(path, error.to_string())),
    }
}

/// The files that have the most common schema, and the other groups with their differences.
/// `files` gives names and schemas.
pub(super) fn compare<'a>(
    files: impl Iterator<Item = (&'a str, &'a Schema)>,
) -> (Vec<String>, Vec<Outliers>) {
    let (file_names, schemas): (Vec<_>, Vec<_>) = files.unzip();
    let mut groups = groups(schemas).into_iter();
    let names = |indices: &[usize]| -> Vec<String> {
        indices.iter().map(|&index| file_names[index].to_owned()).collect()
    };
    let Some(reference) = groups.next() else {
        return Default::default();
    };
    let outliers = groups
        .map(|group| Outliers {
            files: names(&group.files),
            differences: diff(reference.schema, group.schema),
        })
        .collect();
    (names(&reference.files), outliers)
}

impl Problem {
    pub(super) fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into(), is_invalid_parquet: false }
    }

    fn invalid(path: &Path, message: &str) -> Self {
        Self { is_invalid_parquet: true, ..Self::new(path, message) }
    }

    /// A file that could not be read; the path stands in front of the message already.
    pub(super) fn unreadable(path: &Path, error: &Error) -> Self {
        match error {
            Error::File { source, .. } => Self::new(path, source.to_string()),
            other => Self::new(path, other.to_string()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for CheckError {}

impl CheckError {
    /// A file may have more than one problem.
    fn bad_file_count(&self) -> usize {
        let bad: HashSet<_> = self.problems.iter().map(|problem| &problem.path).collect();
        bad.len() + self.outliers.iter().map(|group| group.files.len()).sum::<usize>()
    }
}

/// All problems, one line each, long lists folded.
impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bad, all) = (self.bad_file_count(), self.file_count);
        let files = if all == 1 { "file" } else { "files" };
        write!(f, "{bad} of {all} {files} cannot be uploaded. Nothing was sent.")?;
        for problem in self.problems.iter().take(SHOWN) {
            write!(f, "\n  {problem}")?;
        }
        fold(f, self.problems.len())?;
        for group in self.outliers.iter().take(SHOWN) {
            let files = Files(&group.files);
            let reference = Files(&self.reference);
            write!(f, "\n  {files}: another schema than {reference}:")?;
            for difference in group.differences.iter().take(SHOWN) {
                write!(f, "\n    {difference}")?;
            }
            fold(f, group.differences.len())?;
        }
        fold(f, self.outliers.len())?;
        if !self.obstacles.is_empty() {
            write!(f, "\n  A cast cannot mend this without loss:")?;
        }
        for obstacle in self.obstacles.iter().take(SHOWN) {
            write!(f, "\n    {obstacle}")?;
        }
        fold(f, self.obstacles.len())
    }
}

/// Lines of one kind in a message; all of them are in the fields of the error.
const SHOWN: usize = 20;

fn fold(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, "\n  … and {more} more"),
    }
}

struct Files<'a>(&'a [String]);

impl fmt::Display for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => write!(f, "no file"),
            [name] => write!(f, "{name}"),
            [first, second] => write!(f, "{first} and {second}"),
            [first, .., last] => write!(f, "{} files ({first} … {last})", self.0.len()),
        }
    }
}

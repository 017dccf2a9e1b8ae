//! Everything that can be known before a byte is sent: footers and schemas.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    compare::Comparison,
    dataset_schema::Held,
    mismatch::{Cast, CheckError},
    parallel::{Work, in_threads},
    plan::PlannedFile,
    report::Change,
    rewrite::Rewrite,
    sources::why_missing,
};
use crate::{
    config::FILE_TIMEOUT,
    error::{Error, without_number},
    regular_file::hangs,
    schema::{Footer, FooterReader, InvalidParquet, resembles_by_name},
};

/// A planned file whose footer was read and found good.
#[derive(Clone, Debug)]
pub(super) struct CheckedFile {
    /// Its name and identity.
    pub planned: PlannedFile,
    /// What its footer says.
    pub footer: Footer,
    /// What was changed of it on the way.
    pub changes: Vec<Change>,
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
    /// Whether it is the file's name that cannot be used.
    pub is_about_name: bool,
    /// Further files that have the same problem.
    pub more_files: usize,
}

/// What may be mended on the way, because the caller asked for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mending {
    /// Files of other schemas are cast to a common one, where that loses nothing.
    pub cast: bool,
    /// Files with other codecs are rewritten as snappy.
    pub recompress: bool,
}

/// Compares all schemas. Returns the files, and what has to be rewritten of them.
///
/// # Errors
/// [`CheckError`] with every problem of every file.
pub(super) fn judge_files(
    files: Vec<CheckedFile>,
    problems: Vec<Problem>,
    file_count: usize,
    mending: Mending,
    held: &Held,
) -> Result<(Vec<CheckedFile>, Rewrite), CheckError> {
    let footers = files.iter().map(|file| (file.planned.name.as_str(), &file.footer));
    let rewrite = judge(&footers.collect::<Vec<_>>(), problems, file_count, mending, held)?;
    Ok((files, rewrite))
}

/// Reads the footers, on all cores; those that cannot be read, or uploaded, become problems.
pub(super) fn read(
    files: Vec<PlannedFile>,
    problems: &mut Vec<Problem>,
    mending: Mending,
) -> Vec<CheckedFile> {
    let mut checked = Vec::with_capacity(files.len());
    let footers = read_footers(&files, mending);
    for (planned, footer) in files.into_iter().zip(footers) {
        match footer {
            Ok(footer) => checked.push(CheckedFile { planned, footer, changes: Vec::new() }),
            Err(problem) => {
                // What is no parquet file needs no other name.
                problems.retain(|other| !other.is_about_name || other.path != problem.path);
                problems.push(problem);
            }
        }
    }
    checked
}

/// Says whether a batch can be uploaded; `files` gives names and footers. The reference is what
/// the dataset holds, where that is known.
///
/// # Errors
/// [`CheckError`], where there are problems or schemas differ.
pub(super) fn judge(
    files: &[(&str, &Footer)],
    problems: Vec<Problem>,
    file_count: usize,
    mending: Mending,
    held: &Held,
) -> Result<Rewrite, CheckError> {
    let comparison = Comparison::of(files, held);
    let outliers = comparison.outliers();
    let (mut cast, mut rewrite) = (Cast::NoUse, Rewrite::default());
    if !outliers.is_empty() {
        match comparison.common_schema() {
            Ok(schema) if mending.cast => rewrite.schema = Some(schema),
            Ok(_) => cast = Cast::WouldHelp,
            Err(obstacles) if mending.cast => cast = Cast::Obstacles(obstacles),
            Err(_) => {}
        }
    }
    if problems.is_empty() && (outliers.is_empty() || rewrite.schema.is_some()) {
        return Ok(rewrite);
    }
    let (reference, is_under_way) = (comparison.reference_names(), false);
    Err(CheckError { file_count, problems, reference, outliers, cast, is_under_way })
}

fn read_footers(files: &[PlannedFile], mending: Mending) -> Vec<Result<Footer, Problem>> {
    let work = ReadFooters { reader: FooterReader::default(), mending };
    in_threads(files, &work, FILE_TIMEOUT)
}

/// Reads footers, which share their schema.
#[derive(Clone)]
struct ReadFooters {
    reader: FooterReader,
    mending: Mending,
}

impl Work<PlannedFile> for ReadFooters {
    type Found = Result<Footer, Problem>;

    fn each(&mut self, file: &PlannedFile) -> Self::Found {
        read_footer(&mut self.reader, file, self.mending)
    }

    fn stuck(&self, file: &PlannedFile, limit: Duration) -> Self::Found {
        Err(Problem::new(file.source.path(), hangs(limit).to_string()))
    }
}

fn read_footer(
    reader: &mut FooterReader,
    file: &PlannedFile,
    mending: Mending,
) -> Result<Footer, Problem> {
    let path = file.source.path();
    let opened = file.source.open().map_err(|error| Problem::unreadable(path, &error))?;
    match reader.read(&opened, file.source.size()) {
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
        Ok(Err(InvalidParquet::Unknown)) if let Some(words) = resembles_by_name(path) => {
            Err(Problem::invalid(path, &InvalidParquet::NotParquet(words).to_string()))
        }
        Ok(Err(invalid)) => Err(Problem::invalid(path, &invalid.to_string())),
        Err(error) => Err(Problem::new(path, without_number(&error.to_string()))),
    }
}

impl Problem {
    pub(super) fn new(path: &Path, message: impl Into<String>) -> Self {
        let (path, message) = (path.to_owned(), message.into());
        Self { path, message, is_invalid_parquet: false, is_about_name: false, more_files: 0 }
    }

    pub(super) fn of_name(path: &Path, message: impl Into<String>) -> Self {
        Self { is_about_name: true, ..Self::new(path, message) }
    }

    /// A file that was named and cannot be opened, with the likely cause.
    pub(super) fn missing(path: &Path, error: &Error) -> Self {
        let mut problem = Self::unreadable(path, error);
        problem.message += &why_missing(path).unwrap_or_default();
        problem
    }

    fn invalid(path: &Path, message: &str) -> Self {
        Self { is_invalid_parquet: true, ..Self::new(path, message) }
    }

    /// A file that could not be read; the path stands in front of the message already.
    pub(super) fn unreadable(path: &Path, error: &Error) -> Self {
        match error {
            Error::File { source, .. } => Self::new(path, without_number(&source.to_string())),
            other => Self::new(path, other.to_string()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more_files {
            0 => write!(f, "{}: {}", self.path.display(), self.message),
            more => write!(f, "{} and {more} more: {}", self.path.display(), self.message),
        }
    }
}

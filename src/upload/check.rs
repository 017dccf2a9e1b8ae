//! Everything that can be known before a byte is sent: footers and schemas.

use std::time::Duration;

use super::{
    compare::Comparison,
    dataset_schema::Held,
    files::{CheckedFile, PlannedFile},
    mismatch::{Cast, CheckError},
    options::Mending,
    parallel::{Work, in_threads},
    problem::Problem,
    rewrite::Rewrite,
};
use crate::{
    config::FILE_TIMEOUT,
    regular_file::hangs,
    schema::{
        CodecSupport, Footer, FooterError, FooterReader, Group, InvalidParquet, groups,
        repeated_column, resembles_by_name,
    },
};

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
                problems.retain(|other| !other.is_about_name || other.location != problem.location);
                problems.push(problem);
            }
        }
    }
    checked
}

/// What the caller should know of schemas that are valid: not every library reads them.
pub(super) fn notes(files: &[CheckedFile]) -> Vec<String> {
    let note = |group: Group<'_>| {
        let name = group.schema.repeated_name()?;
        let first = &files[*group.files.first()?].planned.name;
        let more = match group.files.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Some(format!("{first}{more}: {}", repeated_column(name)))
    };
    groups(files.iter().map(|file| &*file.footer.schema)).into_iter().filter_map(note).collect()
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
        Err(Problem::new(file.content.location(), hangs(limit).to_string()))
    }
}

fn read_footer(
    reader: &mut FooterReader,
    file: &PlannedFile,
    mending: Mending,
) -> Result<Footer, Problem> {
    let location = file.content.location();
    let open = file.content.open().map_err(|error| Problem::unreadable(location, &error))?;
    let footer =
        reader.read(file.content.size(), |range| open.read(range)).map_err(
            |error| match error {
                FooterError::Read(error) => Problem::unreadable(location, &error),
                FooterError::Invalid(InvalidParquet::Unknown)
                    if let Some(words) = location.path().and_then(resembles_by_name) =>
                {
                    Problem::invalid(location, &InvalidParquet::NotParquet(words).to_string())
                }
                FooterError::Invalid(invalid) => Problem::invalid(location, &invalid.to_string()),
            },
        )?;
    match footer.codec_support() {
        CodecSupport::Supported => Ok(footer),
        CodecSupport::Rewritable(_) if mending.recompress => Ok(footer),
        CodecSupport::Rewritable(invalid) => {
            Err(Problem::invalid(location, &format!("{invalid}, or pass recompress=True")))
        }
        CodecSupport::Unreadable(invalid) => Err(Problem::invalid(location, &invalid.to_string())),
    }
}

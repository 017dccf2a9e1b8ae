//! Checks footers and schemas before a byte is sent.

use std::time::Duration;

use super::{
    compare::Comparison,
    dataset_schema::Held,
    files::{CheckedFile, PlannedFile},
    mismatch::{Cast, CheckError},
    options::RewriteOptions,
    parallel::{Work, in_threads, threads_for},
    problem::Problem,
    recipe::{Recipe, Target},
};
use crate::{
    config::FILE_TIMEOUT,
    hint::{Hint, Message},
    location::Location,
    regular_file::hangs,
    schema::{
        CodecSupport, Footer, FooterError, FooterReader, Group, InvalidParquet, groups,
        repeated_column, resembles_by_name,
    },
};

/// Reads the footers on all cores. Files that cannot be read or uploaded become problems.
pub(super) fn read(
    files: Vec<PlannedFile>,
    problems: &mut Vec<Problem>,
    rewrite: RewriteOptions,
) -> Vec<CheckedFile> {
    let work = ReadFooters { reader: FooterReader::default(), rewrite };
    let is_remote = |file: &PlannedFile| matches!(file.content.location(), Location::Url(_));
    let threads = threads_for(files.iter().any(is_remote));
    let footers = in_threads(&files, &work, threads, FILE_TIMEOUT);
    let checked = |(planned, footer)| checked(planned, footer, problems);
    files.into_iter().zip(footers).filter_map(checked).collect()
}

/// Reads the footer of one file, like [`read`].
pub(super) fn read_one(
    file: PlannedFile,
    problems: &mut Vec<Problem>,
    rewrite: RewriteOptions,
) -> Option<CheckedFile> {
    let footer = read_footer(&mut FooterReader::default(), &file, rewrite);
    checked(file, footer, problems)
}

fn checked(
    planned: PlannedFile,
    footer: Result<Footer, Problem>,
    problems: &mut Vec<Problem>,
) -> Option<CheckedFile> {
    match footer {
        Ok(footer) => Some(CheckedFile { planned, footer }),
        Err(problem) => {
            // A file that is not Parquet cannot be uploaded under any name.
            problems.retain(|other| !other.is_about_name || other.location != problem.location);
            problems.push(problem);
            None
        }
    }
}

/// Decides how each file of the dataset is created, if the batch can be uploaded.
///
/// # Errors
/// [`CheckError`] with every problem of every file.
pub(super) fn recipes(
    files: Vec<CheckedFile>,
    problems: Vec<Problem>,
    file_count: usize,
    rewrite: RewriteOptions,
    held: &Held,
) -> Result<Vec<Recipe>, CheckError> {
    let footers: Vec<_> =
        files.iter().map(|file| (file.planned.name.as_str(), &file.footer)).collect();
    let target = judge(&footers, problems, file_count, rewrite, held)?;
    let recipes: Vec<_> = files.into_iter().map(|file| target.recipe(file)).collect();
    check_summary(&recipes, held)?;
    Ok(recipes)
}

/// Compares the schema of a batch with the summary of the dataset's schema, if the server reports
/// only that.
///
/// # Errors
/// [`CheckError`] if the schemas certainly differ.
pub(super) fn check_summary(files: &[Recipe], held: &Held) -> Result<(), CheckError> {
    let Some(schema) = files.first().and_then(Recipe::schema_of_file) else { return Ok(()) };
    held.check_summary(files.iter().map(|file| file.name.clone()).collect(), &schema)
}

/// Returns notes about valid schemas that some libraries cannot read.
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

/// Decides whether a batch can be uploaded, and to which schema its files are cast. `files` has
/// names and footers. The reference is the dataset's schema, if it is known.
///
/// # Errors
/// [`CheckError`] if there are problems or schemas differ.
pub(super) fn judge(
    files: &[(&str, &Footer)],
    problems: Vec<Problem>,
    file_count: usize,
    rewrite: RewriteOptions,
    held: &Held,
) -> Result<Target, CheckError> {
    let comparison = Comparison::of(files, held);
    let outliers = comparison.outliers();
    let (mut cast, mut target) = (Cast::NoUse, Target::default());
    if !outliers.is_empty() {
        match comparison.common_schema() {
            Ok(schema) if rewrite.cast => target = Target::of_schema(schema),
            Ok(_) => cast = Cast::WouldHelp,
            Err(obstacles) if rewrite.cast => cast = Cast::Obstacles(obstacles),
            Err(_) => {}
        }
    }
    if problems.is_empty() && (outliers.is_empty() || target.schema().is_some()) {
        return Ok(target);
    }
    let reference = comparison.reference_names();
    Err(CheckError { problems, ..CheckError::of_schemas(file_count, reference, outliers, cast) })
}

/// Reads footers, which share their schema.
#[derive(Clone)]
struct ReadFooters {
    reader: FooterReader,
    rewrite: RewriteOptions,
}

impl Work<PlannedFile> for ReadFooters {
    type Found = Result<Footer, Problem>;

    fn each(&mut self, file: &PlannedFile) -> Self::Found {
        read_footer(&mut self.reader, file, self.rewrite)
    }

    fn stuck(&self, file: &PlannedFile, limit: Duration) -> Self::Found {
        Err(Problem::new(file.content.location(), hangs(limit).to_string()))
    }
}

fn read_footer(
    reader: &mut FooterReader,
    file: &PlannedFile,
    rewrite: RewriteOptions,
) -> Result<Footer, Problem> {
    let location = file.content.location();
    let open = file.content.open().map_err(|error| Problem::unreadable(location, &error))?;
    let size = file.content.size();
    let footer = match location {
        Location::Url(_) => reader.read_remote(size, |range| open.read(range)),
        _ => reader.read(size, |range| open.read(range)),
    };
    let footer = footer.map_err(|error| match error {
        FooterError::Read(error) => Problem::unreadable(location, &error),
        FooterError::Invalid(invalid) => {
            let invalid = match (invalid, location.path().and_then(resembles_by_name)) {
                (InvalidParquet::Unknown, Some(words)) => InvalidParquet::NotParquet(words),
                (invalid, _) => invalid,
            };
            Problem::invalid(location, invalid.to_string())
        }
    })?;
    match footer.codec_support() {
        CodecSupport::Supported => Ok(footer),
        CodecSupport::Rewritable(_) if rewrite.recompress => Ok(footer),
        CodecSupport::Rewritable(invalid) => {
            let message = Message::from(invalid.to_string()).hint(Hint::Recompress);
            Err(Problem::invalid(location, message))
        }
        CodecSupport::Unreadable(invalid) => Err(Problem::invalid(location, invalid.to_string())),
    }
}

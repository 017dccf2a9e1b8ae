//! Files that are made one after the other, each checked as it comes: by an upload, which sends
//! them, and by a check, which does not. So both say the same.

use std::sync::Arc;

use parquet::schema::types::TypePtr;

use super::{
    check,
    compare::{UNKNOWN_TYPE, paths},
    dataset_schema::{Held, THE_DATASET},
    error::UploadError,
    files::{CheckedFile, PlannedFile},
    hive,
    mismatch::{Cast, CheckError, Outliers},
    options::{Hive, Mending},
    plan::{Names, with_extension},
    problem::Problem,
    rewrite::Rewrite,
    sources::Partition,
};
use crate::{
    content_hash::fingerprint,
    schema::{Schema, canonical, cast_obstacles, diff},
    source::Content,
};

/// A parquet file that was made for an upload.
#[derive(Debug)]
pub struct MadeFile {
    /// Its name in the dataset; `None` numbers it.
    pub name: Option<String>,
    /// What it holds.
    pub content: Content,
    /// What the folders on its way say, where it was a file with a path.
    pub partition: Partition,
}

/// What was checked of the files so far, and what the next ones must have.
pub(super) struct MadeChecks {
    names: Names,
    count: usize,
    /// The dataset's schema, where it is known; else that of the whole source; else that of the
    /// first file.
    reference: Option<Reference>,
    mending: Mending,
    hive: Hive,
}

struct Reference {
    /// Who has it.
    name: String,
    schema: Schema,
    /// To be cast to, where it can be.
    parquet_schema: Option<TypePtr>,
}

impl Reference {
    fn new(name: String, parquet_schema: &TypePtr) -> Self {
        let schema = Schema::from_parquet(parquet_schema);
        Self { name, schema, parquet_schema: Some(canonical(Arc::clone(parquet_schema))) }
    }
}

impl MadeChecks {
    /// `schema` is that of the whole source, where it is known.
    pub(super) fn new(held: &Held, schema: Option<&TypePtr>, mending: Mending, hive: Hive) -> Self {
        let reference = match held {
            Held::Schema(schema) => Some(Reference {
                name: THE_DATASET.to_owned(),
                parquet_schema: schema.to_parquet(),
                schema: schema.clone(),
            }),
            Held::Summary(_) | Held::Nothing => {
                schema.map(|schema| Reference::new("the others".to_owned(), schema))
            }
        };
        Self { names: Names::default(), count: 0, reference, mending, hive }
    }

    /// How many files there were.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The next file, as it can be sent.
    ///
    /// # Errors
    /// [`CheckError`], and what keeps it from being cast.
    pub(super) fn next(&mut self, file: MadeFile) -> Result<CheckedFile, UploadError> {
        let file = self.read(file).map_err(|problems| CheckError {
            is_under_way: self.count > 1,
            ..CheckError::of_problems(1, problems)
        })?;
        self.fitted(file)
    }

    /// Names the next file and reads its footer.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(super) fn read(&mut self, file: MadeFile) -> Result<CheckedFile, Vec<Problem>> {
        let is_given = file.name.is_some();
        let name = name_of_made(file.name, self.count, &file.content);
        let (position, partition) = (self.count, file.partition);
        self.count += 1;
        let planned = PlannedFile { position, name, content: file.content, partition };
        let mut problems = self.names.add(&planned.name, planned.content.location(), is_given);
        let mut files = check::read(vec![planned], &mut problems, self.mending);
        hive::apply_to_made(&self.hive, &files, &mut problems);
        match files.pop() {
            Some(file) if problems.is_empty() => Ok(file),
            _ => Err(problems),
        }
    }

    /// The file, rewritten where it has to be.
    ///
    /// # Errors
    /// [`CheckError`] where it has another schema than it must have; what keeps it from being cast.
    pub(super) fn fitted(&mut self, file: CheckedFile) -> Result<CheckedFile, UploadError> {
        let rewrite = Rewrite { schema: self.to_be_cast_to(&file)? };
        let name = file.planned.name.clone();
        let is_whole = rewrite.changes(&file.footer).is_empty();
        let file = if is_whole { file } else { rewrite.file(file)? };
        self.reference.get_or_insert_with(|| Reference::new(name, &file.footer.parquet_schema));
        Ok(file)
    }

    /// The schema to cast a file to, where it has another one than it must have.
    fn to_be_cast_to(&self, file: &CheckedFile) -> Result<Option<TypePtr>, CheckError> {
        let Some(reference) = &self.reference else { return Ok(None) };
        let footer = &file.footer;
        if reference.schema == *footer.schema {
            return Ok(None);
        }
        let obstacles = match &reference.parquet_schema {
            Some(target) => cast_obstacles(target, footer.file_schema()),
            None => vec![UNKNOWN_TYPE.to_owned()],
        };
        let cast = match (self.mending.cast, obstacles.is_empty()) {
            (true, true) => return Ok(reference.parquet_schema.clone()),
            (true, false) => Cast::Obstacles(obstacles),
            (false, true) => Cast::WouldHelp,
            (false, false) => Cast::NoUse,
        };
        let outliers = Outliers {
            files: vec![file.planned.name.clone()],
            differences: diff(&reference.schema, &footer.schema),
            without_values: paths(&footer.schema, &footer.without_values),
        };
        Err(CheckError {
            file_count: self.count,
            problems: Vec::new(),
            reference: vec![reference.name.clone()],
            outliers: vec![outliers],
            cast,
            is_under_way: self.count > 1,
        })
    }
}

/// The name in the dataset of the file at a place: the one given; or its place in this upload,
/// zero-padded so that every order of names is this one, and a fingerprint of its content, so that
/// the next upload can add files to the same dataset.
fn name_of_made(name: Option<String>, place: usize, content: &Content) -> String {
    match (name, content.known_hash()) {
        (Some(name), _) => with_extension(&name),
        (None, Some(hash)) => format!("part-{place:05}-{}.parquet", fingerprint(&hash)),
        (None, None) => format!("part-{place:05}.parquet"),
    }
}

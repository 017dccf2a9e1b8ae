//! Checks files that are created one after the other. An upload and a check share this code, so
//! they report the same.

use std::sync::Arc;

use parquet::schema::types::TypePtr;

use super::{
    check,
    compare::{UNKNOWN_TYPE, paths},
    dataset_schema::{Held, THE_DATASET},
    files::{CheckedFile, PlannedFile},
    hive,
    mismatch::{Cast, CheckError, Outliers},
    options::{Hive, RewriteOptions},
    plan::{Names, with_extension},
    problem::Problem,
    recipe::{Recipe, Target},
    sources::Partition,
};
use crate::{
    content_hash::fingerprint,
    schema::{Schema, canonical, cast_obstacles, diff},
    source::Content,
};

/// A Parquet file that was created for an upload.
#[derive(Debug)]
pub struct MadeFile {
    /// Its name in the dataset; `None` generates a name with its number.
    pub name: Option<String>,
    /// Its content.
    pub content: Content,
    /// The columns in the names of its folders, if it was downloaded from a path.
    pub partition: Partition,
}

/// The checks of files that arrive one after the other.
pub(super) struct MadeChecks {
    names: Names,
    count: usize,
    /// The dataset's schema if it is known, else the schema of the complete source if it is known,
    /// else the schema of the first file.
    reference: Option<Reference>,
    rewrite: RewriteOptions,
    hive: Hive,
}

struct Reference {
    /// The file or dataset that has this schema.
    name: String,
    schema: Schema,
    /// The schema to cast to; `None` if nothing can be cast to it.
    parquet_schema: Option<TypePtr>,
}

impl Reference {
    fn new(name: String, parquet_schema: &TypePtr) -> Self {
        let schema = Schema::from_parquet(parquet_schema);
        Self { name, schema, parquet_schema: Some(canonical(Arc::clone(parquet_schema))) }
    }
}

impl MadeChecks {
    /// `schema` is the schema of the complete source, if it is known.
    pub(super) fn new(
        held: &Held,
        schema: Option<&TypePtr>,
        rewrite: RewriteOptions,
        hive: Hive,
    ) -> Self {
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
        Self { names: Names::default(), count: 0, reference, rewrite, hive }
    }

    /// The number of files so far.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Checks the next file and decides how it is created.
    ///
    /// # Errors
    /// All problems of the file.
    pub(super) fn next(&mut self, file: MadeFile) -> Result<Recipe, CheckError> {
        let file = self.read(file);
        let refused = |problems| CheckError::of_problems(1, problems).after(self.count - 1);
        self.fitted(file.map_err(refused)?)
    }

    /// Names the next file and reads its footer.
    ///
    /// # Errors
    /// All problems of the file.
    pub(super) fn read(&mut self, file: MadeFile) -> Result<CheckedFile, Vec<Problem>> {
        let is_given = file.name.is_some();
        let name = name_of_made(file.name, self.count, &file.content);
        let (position, partition) = (self.count, file.partition);
        self.count += 1;
        let planned = PlannedFile { position, name, content: file.content, partition };
        let mut problems = self.names.add(&planned.name, planned.content.location(), is_given);
        let file = check::read_one(planned, &mut problems, self.rewrite);
        hive::apply_to_made(&self.hive, file.as_slice(), &mut problems);
        file.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// Decides how a file that was read becomes a file of the dataset.
    ///
    /// # Errors
    /// [`CheckError`] if its schema does not match and cannot be cast.
    pub(super) fn fitted(&mut self, file: CheckedFile) -> Result<Recipe, CheckError> {
        let target = self.target_of(&file)?;
        if self.reference.is_none() {
            let (name, schema) = (file.planned.name.clone(), &file.footer.parquet_schema);
            self.reference = Some(Reference::new(name, schema));
        }
        Ok(target.recipe(file))
    }

    /// The schema to cast a file to, if its own does not match.
    fn target_of(&self, file: &CheckedFile) -> Result<Target, CheckError> {
        let Some(reference) = &self.reference else { return Ok(Target::default()) };
        let footer = &file.footer;
        if reference.schema == *footer.schema {
            return Ok(Target::default());
        }
        let obstacles = match &reference.parquet_schema {
            Some(target) => cast_obstacles(target, footer.file_schema()),
            None => vec![UNKNOWN_TYPE.to_owned()],
        };
        let cast = match (self.rewrite.cast, &reference.parquet_schema) {
            (true, Some(target)) if obstacles.is_empty() => {
                return Ok(Target::of_schema(Arc::clone(target)));
            }
            (true, _) => Cast::Obstacles(obstacles),
            (false, _) if obstacles.is_empty() => Cast::WouldHelp,
            (false, _) => Cast::NoUse,
        };
        let outliers = Outliers {
            files: vec![file.planned.name.clone()],
            differences: diff(&reference.schema, &footer.schema),
            without_values: paths(&footer.schema, &footer.without_values),
        };
        let names = vec![reference.name.clone()];
        Err(CheckError::of_schemas(self.count, names, vec![outliers], cast).after(self.count - 1))
    }
}

/// The name of a file in the dataset. Without a given name, it contains the file's position in this
/// upload, zero-padded so that every sort order keeps it, and a fingerprint of the content, so that
/// later uploads can append to the same dataset.
fn name_of_made(name: Option<String>, place: usize, content: &Content) -> String {
    match (name, content.known_hashes().sha256) {
        (Some(name), _) => with_extension(&name),
        (None, Some(hash)) => format!("part-{place:05}-{}.parquet", fingerprint(&hash)),
        (None, None) => format!("part-{place:05}.parquet"),
    }
}

//! Files that are made while earlier ones are sent: out of frames, or rewritten.

use std::{collections::HashSet, pin::Pin, sync::Arc};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, Peekable},
};
use parquet::schema::types::TypePtr;
use tokio::sync::mpsc;

use super::{
    already_there::OTHER_PLACE,
    check,
    compare::{UNKNOWN_TYPE, paths},
    dataset_schema::{Held, THE_DATASET},
    error::UploadError,
    files::{CheckedFile, PlannedFile},
    hive,
    mismatch::{Cast, CheckError, Outliers},
    options::{Hive, Mending},
    plan::{Names, with_extension},
    rewrite::Rewrite,
    sources::Partition,
};
use crate::{
    background::in_background,
    content_hash::fingerprint,
    error::{Error, Result},
    schema::{Schema, canonical, cast_obstacles, diff},
    source::Content,
    wire::file_name::folded,
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

/// The upload's end of a channel of [`MadeFile`]s.
#[derive(Debug)]
pub struct MadeFiles {
    receiver: mpsc::Receiver<MadeFile>,
    /// To be had by all of them, where it is known.
    schema: Option<TypePtr>,
    /// How many there will be, where it is known.
    pub(super) file_count: Option<usize>,
}

impl MadeFiles {
    /// A channel that takes one file ahead of what the upload can put to use, so that a file
    /// is made while others are sent, and no more wait on disk than are sent at a time.
    #[must_use]
    pub fn channel(
        file_count: Option<usize>,
        schema: Option<TypePtr>,
    ) -> (mpsc::Sender<MadeFile>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self { receiver, schema, file_count })
    }
}

pub(super) type Fed = Result<CheckedFile, UploadError>;

/// Checked files, one after the other; the first error is the last item.
pub(super) struct Feed {
    files: Pin<Box<Peekable<BoxStream<'static, Fed>>>>,
}

impl Feed {
    pub(super) fn of(files: impl Stream<Item = Fed> + Send + 'static) -> Self {
        Self { files: Box::pin(files.boxed().peekable()) }
    }

    /// Names and checks files as they come: each must have the schema of the first, or that
    /// of the whole source, or be cast to it where the caller asked for that.
    pub(super) fn of_made_files(
        files: MadeFiles,
        mending: Mending,
        hive: Hive,
        held: Held,
    ) -> Self {
        let reference = match held {
            Held::Schema(schema) => Some(Reference {
                name: THE_DATASET.to_owned(),
                parquet_schema: schema.to_parquet(),
                schema,
            }),
            Held::Summary(_) | Held::Nothing => {
                files.schema.as_ref().map(|schema| Reference::new("the others".to_owned(), schema))
            }
        };
        let checks = FeedChecks { names: Names::default(), count: 0, reference, mending, hive };
        Self::of(stream::unfold((files, checks), |(mut files, mut checks)| async move {
            let file = files.receiver.recv().await?;
            let checked = checks.check(file).await;
            if checked.is_err() {
                files.receiver.close();
            }
            Some((checked, (files, checks)))
        }))
    }

    /// Ends with an error where a file has one of the `names` of the dataset.
    pub(super) fn without(self, names: &[&str], dataset_id: &str) -> Self {
        let names: HashSet<_> = names.iter().map(|name| folded(name)).collect();
        let dataset_id = dataset_id.to_owned();
        Self::of(self.files.map(move |file| {
            match file {
                Ok(file) if names.contains(&folded(&file.planned.name)) => Err(Error::NamesTaken {
                    dataset_id: dataset_id.clone(),
                    names: vec![file.planned.name],
                    reason: OTHER_PLACE.to_owned(),
                }
                .into()),
                file => file,
            }
        }))
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Fed> + Send + 'static {
        self.files
    }

    /// Waits for the first file, without taking it.
    ///
    /// # Errors
    /// What is wrong with it, or [`Error::Configuration`] where there is none.
    pub(super) async fn first(&mut self) -> Result<(), UploadError> {
        match self.files.as_mut().peek().await {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) => match self.next().await {
                Some(Err(error)) => Err(error),
                _ => Ok(()),
            },
            None => Err(Error::Configuration(
                "there is nothing to upload: the source yielded no frame".to_owned(),
            )
            .into()),
        }
    }

    /// The next file, without taking it.
    pub(super) async fn peek(&mut self) -> Option<&CheckedFile> {
        self.files.as_mut().peek().await?.as_ref().ok()
    }

    pub(super) async fn next(&mut self) -> Option<Fed> {
        self.files.next().await
    }
}

struct FeedChecks {
    names: Names,
    count: usize,
    /// What all files must have.
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

impl FeedChecks {
    async fn check(&mut self, file: MadeFile) -> Result<CheckedFile, UploadError> {
        let is_given = file.name.is_some();
        let name = name_of_made(file.name, self.count, &file.content);
        let position = self.count;
        self.count += 1;
        let (content, partition) = (file.content, file.partition);
        let planned = PlannedFile { position, name, content, partition };
        let problems = self.names.add(&planned.name, planned.content.location(), is_given);
        let files = vec![planned];
        let (mending, hive) = (self.mending, self.hive.clone());
        let check = move || {
            let mut problems = problems;
            let files = check::read(files, &mut problems, mending);
            hive::apply_to_made(&hive, &files, &mut problems);
            Ok(check::judge_files(files, problems, 1, mending, &Held::Nothing))
        };
        let (mut checked, _) = in_background(check)
            .await?
            .map_err(|error| CheckError { is_under_way: self.count > 1, ..error })?;
        let file = checked.pop().ok_or_else(|| Error::Internal("a file got lost".to_owned()))?;
        let rewrite = Rewrite { schema: self.to_be_cast_to(&file)? };
        let name = file.planned.name.clone();
        let file = if rewrite.changes(&file.footer).is_empty() {
            file
        } else {
            in_background(move || rewrite.file(file)).await?
        };
        self.reference.get_or_insert_with(|| Reference::new(name, &file.footer.parquet_schema));
        Ok(file)
    }

    /// The schema to cast a file to, where it has another one than those before.
    fn to_be_cast_to(&self, file: &CheckedFile) -> Result<Option<TypePtr>, UploadError> {
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
        Err(UploadError::Check(CheckError {
            file_count: self.count,
            problems: Vec::new(),
            reference: vec![reference.name.clone()],
            outliers: vec![outliers],
            cast,
            is_under_way: self.count > 1,
        }))
    }
}

/// The name in the dataset of the file at a place: the one given; or its place in this upload,
/// zero-padded so that every order of names is this one, and a fingerprint of its content, so that
/// the next upload can add files to the same dataset.
pub(super) fn name_of_made(name: Option<String>, place: usize, content: &Content) -> String {
    match (name, content.known_hash()) {
        (Some(name), _) => with_extension(&name),
        (None, Some(hash)) => format!("part-{place:05}-{}.parquet", fingerprint(&hash)),
        (None, None) => format!("part-{place:05}.parquet"),
    }
}

//! Files that are made while earlier ones are sent: out of frames, or rewritten.

use std::{collections::HashSet, pin::Pin};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, Peekable},
};
use tokio::sync::mpsc;

use super::{
    UploadError,
    check::{self, CheckError, CheckedFile, Outliers},
    plan::{Names, PlannedFile},
};
use crate::{
    client::{SourceFile, in_background},
    error::{Error, Result},
    schema::{Schema, diff},
    wire::file_name::has_parquet_extension,
};

/// A parquet file that was made for an upload.
#[derive(Debug)]
pub struct MadeFile {
    /// Its name in the dataset; `None` numbers it.
    pub name: Option<String>,
    /// The file.
    pub source: SourceFile,
}

/// The upload's end of a channel of [`MadeFile`]s.
#[derive(Debug)]
pub struct MadeFiles {
    receiver: mpsc::Receiver<MadeFile>,
    /// How many there will be, where it is known.
    pub(super) file_count: Option<usize>,
}

impl MadeFiles {
    /// A channel that takes one file ahead of what the upload can put to use, so that a file
    /// is made while others are sent, and no more wait on disk than are sent at a time.
    #[must_use]
    pub fn channel(file_count: Option<usize>) -> (mpsc::Sender<MadeFile>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self { receiver, file_count })
    }
}

type Fed = Result<CheckedFile, UploadError>;

/// Checked files, one after the other; the first error is the last item.
pub(super) struct Feed {
    files: Pin<Box<Peekable<BoxStream<'static, Fed>>>>,
}

impl Feed {
    pub(super) fn of(files: impl Stream<Item = Fed> + Send + 'static) -> Self {
        Self { files: Box::pin(files.boxed().peekable()) }
    }

    /// Names and checks files as they come: each must have the schema of the first.
    pub(super) fn of_made_files(files: MadeFiles) -> Self {
        let checks = FeedChecks::default();
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
    pub(super) fn without(self, names: Vec<String>, dataset_id: &str) -> Self {
        let names: HashSet<_> = names.into_iter().collect();
        let dataset_id = dataset_id.to_owned();
        Self::of(self.files.map(move |file| {
            match file {
                Ok(file) if names.contains(&file.planned.name) => Err(Error::NamesTaken {
                    dataset_id: dataset_id.clone(),
                    names: vec![file.planned.name],
                    reason: "this upload and an earlier one name their files alike; pass names="
                        .to_owned(),
                }
                .into()),
                file => file,
            }
        }))
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
                "there is nothing to upload: the source gave no frame".to_owned(),
            )
            .into()),
        }
    }

    /// The name of the next file, without taking it.
    pub(super) async fn first_name(&mut self) -> Option<String> {
        match self.files.as_mut().peek().await? {
            Ok(file) => Some(file.planned.name.clone()),
            Err(_) => None,
        }
    }

    pub(super) async fn next(&mut self) -> Option<Fed> {
        self.files.next().await
    }
}

#[derive(Default)]
struct FeedChecks {
    names: Names,
    count: usize,
    /// The first file's name and schema.
    reference: Option<(String, Schema)>,
}

impl FeedChecks {
    async fn check(&mut self, file: MadeFile) -> Result<CheckedFile, UploadError> {
        let name = file.name.map_or_else(|| part_name(self.count), with_extension);
        self.count += 1;
        let planned = PlannedFile { name, source: file.source };
        let problems = self.names.add(&planned);
        let files = vec![planned];
        let checked = in_background(move || Ok(check::check(files, problems, 1))).await??.pop();
        let checked = checked.ok_or_else(|| Error::Internal("a file got lost".to_owned()))?;
        let (name, schema) = (&checked.planned.name, &checked.footer.schema);
        match &self.reference {
            Some((first, reference)) if reference != schema => {
                let differences = diff(reference, schema);
                Err(UploadError::Check(CheckError {
                    file_count: self.count,
                    problems: Vec::new(),
                    reference: vec![first.clone()],
                    outliers: vec![Outliers { files: vec![name.clone()], differences }],
                }))
            }
            Some(_) => Ok(checked),
            None => {
                self.reference = Some((name.clone(), schema.clone()));
                Ok(checked)
            }
        }
    }
}

/// Zero-padded, so that every order of names is this one.
fn part_name(index: usize) -> String {
    format!("part-{index:05}.parquet")
}

fn with_extension(name: String) -> String {
    if has_parquet_extension(&name) { name } else { name + ".parquet" }
}

//! Files that are made while earlier ones are sent: out of frames, or rewritten.

use std::{collections::HashSet, pin::Pin};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, Peekable},
};
use parquet::schema::types::TypePtr;
use tokio::sync::mpsc;

use super::{
    already_there::OTHER_PLACE,
    dataset_schema::Held,
    error::UploadError,
    files::CheckedFile,
    made::{MadeChecks, MadeFile},
    options::{Hive, Mending},
};
use crate::{
    background::in_background,
    error::{Error, Result},
    wire::file_name::folded,
};

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

    /// Names and checks files as they come, and casts them where the caller asked for that.
    pub(super) fn of_made_files(
        files: MadeFiles,
        mending: Mending,
        hive: Hive,
        held: &Held,
    ) -> Self {
        let checks = MadeChecks::new(held, files.schema.as_ref(), mending, hive);
        Self::of(stream::unfold(Some((files, checks)), |state| async move {
            let (mut files, mut checks) = state?;
            let file = files.receiver.recv().await?;
            let checked = in_background(move || {
                let checked = checks.next(file);
                Ok((checks, checked))
            });
            match checked.await {
                Ok((checks, Ok(file))) => Some((Ok(file), Some((files, checks)))),
                Ok((_, Err(error))) => Some((Err(error), None)),
                Err(error) => Some((Err(error.into()), None)),
            }
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

//! The files of an upload: those known before it starts, and those that are encoded or rewritten
//! while earlier ones are sent.

use std::pin::Pin;

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, Peekable},
};
use parquet::schema::types::TypePtr;
use tokio::sync::mpsc;

use super::{
    check::check_summary,
    dataset_schema::Held,
    error::UploadError,
    made::{MadeChecks, MadeFile},
    options::{Hive, RewriteOptions},
    outgoing::OutgoingFile,
    recipe::Recipe,
};
use crate::{
    background::in_background,
    config::REWRITES_AHEAD,
    error::{Error, Result},
};

/// The upload's end of a channel of [`MadeFile`]s.
#[derive(Debug)]
pub struct MadeFiles {
    receiver: mpsc::Receiver<MadeFile>,
    /// The schema that all of them must have, if it is known.
    schema: Option<TypePtr>,
    /// The number of files, if it is known.
    pub(super) file_count: Option<usize>,
    /// The schema of the dataset that they are staged for, if it was asked.
    pub(super) held: Option<Held>,
}

impl MadeFiles {
    /// A channel with room for one file. So one file is created while others are sent, and files on
    /// disk stay few.
    #[must_use]
    pub fn channel(
        file_count: Option<usize>,
        schema: Option<TypePtr>,
    ) -> (mpsc::Sender<MadeFile>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self { receiver, schema, file_count, held: None })
    }

    /// The same files, to be staged for a dataset of which this is known.
    #[must_use]
    pub fn staged_for(self, held: Held) -> Self {
        Self { held: Some(held), ..self }
    }
}

impl MadeFiles {
    /// Files that were all created before.
    pub(super) fn of(files: Vec<MadeFile>) -> Self {
        let (sender, receiver) = mpsc::channel(files.len().max(1));
        let file_count = Some(files.len());
        // The channel has room for all of them.
        for file in files {
            drop(sender.try_send(file));
        }
        Self { receiver, schema: None, file_count, held: None }
    }
}

/// The files of an upload, in their order.
pub(super) struct Feed {
    /// Files that are known before the first one is sent.
    pub(super) known: Vec<Recipe>,
    /// Files after them, which arrive while others are sent.
    pub(super) coming: Option<Coming>,
}

pub(super) type Fed = Result<OutgoingFile, UploadError>;

/// Files that are ready to be sent, in order. The first error is the last item.
pub(super) struct Coming {
    files: Pin<Box<Peekable<BoxStream<'static, Fed>>>>,
}

impl Feed {
    pub(super) fn of_known(known: Vec<Recipe>) -> Self {
        Self { known, coming: None }
    }

    pub(super) fn of_coming(coming: Coming) -> Self {
        Self { known: Vec::new(), coming: Some(coming) }
    }

    /// Whether there is certainly nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.coming.is_none()
    }

    /// Splits the files into those that can be sent as they are, and those from the first one on
    /// that must be rewritten. Some are rewritten ahead of time.
    pub(super) fn prepared(self) -> (Vec<OutgoingFile>, Option<Coming>) {
        let Self { mut known, coming } = self;
        let is_made = |file: &Recipe| file.as_is().is_none();
        let to_make = known.split_off(known.iter().position(is_made).unwrap_or(known.len()));
        let ready = known.into_iter().filter_map(Recipe::ready).collect();
        if to_make.is_empty() {
            return (ready, coming);
        }
        let made = stream::iter(to_make)
            .map(|file| async { Ok(file.made().await?) })
            .buffered(REWRITES_AHEAD);
        let coming = stream::iter(coming).flat_map(Coming::into_stream);
        (ready, Some(Coming::of(made.chain(coming))))
    }
}

impl Coming {
    pub(super) fn of(files: impl Stream<Item = Fed> + Send + 'static) -> Self {
        Self { files: Box::pin(files.boxed().peekable()) }
    }

    /// Names and checks files as they arrive, and casts them if this is enabled. The first one is
    /// compared with the summary of the dataset's schema, if only the summary is known.
    pub(super) fn of_made_files(
        files: MadeFiles,
        rewrite: RewriteOptions,
        hive: Hive,
        held: Held,
    ) -> Self {
        let checks = MadeChecks::new(&held, files.schema.as_ref(), rewrite, hive);
        let state = Some((files, checks, held));
        Self::of(stream::unfold(state, |state| async move {
            let (mut files, mut checks, held) = state?;
            let file = files.receiver.recv().await?;
            let made = in_background(move || {
                let recipe = checks.next(file);
                let recipe = recipe.and_then(|recipe| match checks.count() {
                    1 => check_summary(std::slice::from_ref(&recipe), &held).map(|()| recipe),
                    _ => Ok(recipe),
                });
                let made = recipe.map_err(UploadError::from);
                let made = made.and_then(|recipe| Ok(recipe.make()?));
                Ok((made, checks, held))
            });
            match made.await {
                Ok((Ok(file), checks, held)) => Some((Ok(file), Some((files, checks, held)))),
                Ok((Err(error), ..)) => Some((Err(error), None)),
                Err(error) => Some((Err(error.into()), None)),
            }
        }))
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Fed> + Send + 'static {
        self.files
    }

    /// Waits for the first file, without taking it.
    ///
    /// # Errors
    /// The error of the first file, or [`Error::Configuration`] if there is no file.
    pub(super) async fn first(&mut self) -> Result<(), UploadError> {
        match self.files.as_mut().peek().await {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) => match self.next().await {
                Some(Err(error)) => Err(error),
                _ => Ok(()),
            },
            None => Err(Error::configuration(
                "there is nothing to upload: the source yielded no frame".to_owned(),
            )
            .into()),
        }
    }

    /// The next file, without taking it.
    pub(super) async fn peek(&mut self) -> Option<&OutgoingFile> {
        self.files.as_mut().peek().await?.as_ref().ok()
    }

    pub(super) async fn next(&mut self) -> Option<Fed> {
        self.files.next().await
    }
}

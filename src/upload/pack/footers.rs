//! Reads the footers of the sources of a pack.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use parquet::{
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader},
};

use crate::{
    config::FILE_TIMEOUT,
    error::{Error, Result},
    location::Location,
    regular_file::hangs,
    source::Content,
    upload::{
        parallel::{Work, in_threads, threads_for},
        recipe::Part,
    },
};

/// The footers of a few sources.
pub(super) struct Footers(Vec<(Content, ParquetMetaData)>);

impl Footers {
    /// Reads the footer of each source once: those of objects at the same time. May block.
    ///
    /// # Errors
    /// [`Error::Rewrite`] for the first footer that cannot be read; [`Error::FileChanged`];
    /// [`Error::File`].
    pub(super) fn read(parts: &[Part]) -> Result<Self> {
        let mut contents: Vec<Content> = Vec::new();
        for part in parts {
            // Row groups of a source and of a temporary file may alternate.
            if !contents.iter().any(|known| known.is_same(&part.content)) {
                contents.push(part.content.clone());
            }
        }
        let is_remote = |content: &Content| matches!(content.location(), Location::Url(_));
        let read = if contents.iter().any(is_remote) {
            in_threads(&contents, &ReadFooter, threads_for(true), FILE_TIMEOUT)
        } else {
            contents.iter().map(read_footer).collect()
        };
        let footers = contents.into_iter().zip(read);
        footers.map(|(content, footer)| Ok((content, footer?))).collect::<Result<_>>().map(Self)
    }

    /// The footer of a source.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was not among those that were read.
    pub(super) fn of(&self, part: &Part) -> Result<&ParquetMetaData> {
        let found = self.0.iter().find(|(content, _)| content.is_same(&part.content));
        let missing = || Error::Internal(format!("{} was not read", part.content.location()));
        Ok(&found.ok_or_else(missing)?.1)
    }
}

#[derive(Clone)]
struct ReadFooter;

impl Work<Content> for ReadFooter {
    type Found = Result<ParquetMetaData>;

    fn each(&mut self, content: &Content) -> Self::Found {
        read_footer(content)
    }

    fn stuck(&self, content: &Content, limit: Duration) -> Self::Found {
        Err(Error::File { path: content.location().into(), source: hangs(limit) })
    }
}

fn read_footer(content: &Content) -> Result<ParquetMetaData> {
    let failed = |message: String| Error::Rewrite { location: content.location().clone(), message };
    let open = content.open()?;
    // Statistics of encodings, as they are in the file.
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let mut reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
    // The crate panics on some damaged footers.
    let read = catch_unwind(AssertUnwindSafe(|| reader.try_parse(&open)))
        .unwrap_or_else(|_| Err(ParquetError::General("its footer is damaged".to_owned())))
        .and_then(|()| reader.finish());
    read.map_err(|error| of_source(error).unwrap_or_else(failed))
}

/// The error of a source, which came through the parquet crate's reader, or else the crate's
/// message.
fn of_source(error: ParquetError) -> std::result::Result<Error, String> {
    let ParquetError::External(cause) = error else { return Err(error.to_string()) };
    match cause.downcast::<Error>() {
        Ok(error) => Ok(*error),
        Err(cause) => {
            let error = cause.downcast::<io::Error>().map_err(|cause| cause.to_string())?;
            error.downcast::<Error>().map_err(|error| error.to_string())
        }
    }
}

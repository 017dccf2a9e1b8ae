//! Reads the footers of the sources of a pack.

use std::{
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
    upload::{
        parallel::{Work, in_threads, threads_for},
        recipe::Part,
    },
};

/// Reads the footers of the parts, in their order: those of objects at the same time. May block.
pub(super) fn read(parts: &[Part]) -> Vec<Result<ParquetMetaData>> {
    let is_remote = |part: &Part| matches!(part.content.location(), Location::Url(_));
    if parts.iter().any(is_remote) {
        return in_threads(parts, &ReadFooter, threads_for(true), FILE_TIMEOUT);
    }
    parts.iter().map(read_footer).collect()
}

#[derive(Clone)]
struct ReadFooter;

impl Work<Part> for ReadFooter {
    type Found = Result<ParquetMetaData>;

    fn each(&mut self, part: &Part) -> Self::Found {
        read_footer(part)
    }

    fn stuck(&self, part: &Part, limit: Duration) -> Self::Found {
        Err(Error::File { path: part.content.location().into(), source: hangs(limit) })
    }
}

fn read_footer(part: &Part) -> Result<ParquetMetaData> {
    let failed = |message: String| {
        let location = part.content.location().clone();
        Error::Rewrite { location, message }
    };
    let open = part.content.open()?;
    // Statistics of encodings, as they are in the file.
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let mut reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
    // The crate panics on some damaged footers.
    let read = catch_unwind(AssertUnwindSafe(|| reader.try_parse(&open)))
        .unwrap_or_else(|_| Err(ParquetError::General("its footer is damaged".to_owned())))
        .and_then(|()| reader.finish());
    read.map_err(|error| match error {
        ParquetError::External(error) => {
            error.downcast::<Error>().map_or_else(|other| failed(other.to_string()), |own| *own)
        }
        other => failed(other.to_string()),
    })
}

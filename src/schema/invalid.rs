//! Why a file is none that the API takes.

use super::codec::UnsupportedCodec;

/// Why a file is none that the API takes. The message completes "FILE: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParquet {
    /// It has no bytes.
    #[error("is empty")]
    Empty,
    /// It does not begin or end with `PAR1`.
    #[error("is not a parquet file: {0}")]
    NotParquet(&'static str),
    /// It does not begin with `PAR1`, nor as any other kind of file that is known.
    #[error("is not a parquet file: it does not begin with PAR1")]
    Unknown,
    /// Its last bytes name a footer that is not there.
    #[error("is damaged: its footer should have {0} bytes, which the file does not have")]
    FooterOutside(u64),
    /// Its footer is larger than is read.
    #[error("has a footer of {0} bytes, more than 64 MiB")]
    FooterTooLong(u64),
    /// Its footer or a column is encrypted.
    #[error("is encrypted, which the service cannot read; write it without encryption")]
    Encrypted,
    /// A column's codec is not supported.
    #[error(
        "column {column:?} is compressed with {codec}, and the service takes snappy only; write it \
         with compression=\"snappy\""
    )]
    Codec {
        /// Path of the column.
        column: String,
        /// The codec's name.
        codec: String,
    },
    /// A column's pages are not between the file's start and its footer.
    #[error("is damaged: the pages of column {column:?} lie outside of the file")]
    PagesOutside {
        /// Path of the column.
        column: String,
    },
    /// A column's pages are in another file.
    #[error("keeps column {column:?} in another file")]
    ColumnElsewhere {
        /// Path of the column.
        column: String,
    },
    /// Columns within columns, deeper than schemas are read and stored.
    #[error("has columns nested more than 100 deep, which the service does not take; flatten them")]
    SchemaTooDeep,
    /// More columns and groups than a schema may have.
    #[error(
        "has more than 100,000 columns, which the service does not take; write fewer, or lists"
    )]
    TooManyColumns,
    /// Names that are too long, together.
    #[error(
        "has column names of more than 8 MiB together, or paths of more than 64 MiB, which the \
        service does not take; shorten them"
    )]
    NamesTooLong,
    /// The footer is not what the parquet format says.
    #[error("is damaged: its footer cannot be read: {0}")]
    Malformed(String),
}

impl From<&UnsupportedCodec> for InvalidParquet {
    fn from(unsupported: &UnsupportedCodec) -> Self {
        Self::Codec { column: unsupported.column.clone(), codec: unsupported.codec.clone() }
    }
}

//! Why the API does not accept a file.

use super::codec::UnsupportedCodec;

/// Why the API does not accept a file. The message completes "FILE: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParquet {
    /// It has no bytes.
    #[error("is empty")]
    Empty,
    /// It does not begin or end with `PAR1`.
    #[error("is not a Parquet file: {0}")]
    NotParquet(&'static str),
    /// It starts neither with `PAR1` nor like another known format.
    #[error("is not a Parquet file: it does not begin with PAR1")]
    Unknown,
    /// Its last bytes refer to a footer outside the file.
    #[error("is damaged: its footer should have {0} bytes, but the file is shorter")]
    FooterOutside(u64),
    /// Its footer is longer than the limit.
    #[error("has a footer of {0} bytes, more than 64 MiB")]
    FooterTooLong(u64),
    /// Its footer or a column is encrypted.
    #[error("is encrypted, which the server cannot read; write it without encryption")]
    Encrypted,
    /// A column's codec is not supported.
    #[error(
        "column {column:?} is compressed with {codec}, but the server accepts only snappy; write it \
         with compression=\"snappy\""
    )]
    Codec {
        /// Path of the column.
        column: String,
        /// The codec's name.
        codec: String,
    },
    /// A column's pages are not between the file's start and its footer.
    #[error("is damaged: the pages of column {column:?} are outside the file")]
    PagesOutside {
        /// Path of the column.
        column: String,
    },
    /// A column's pages are in another file.
    #[error("stores column {column:?} in another file")]
    ColumnElsewhere {
        /// Path of the column.
        column: String,
    },
    /// Columns are nested deeper than the limit for schemas.
    #[error(
        "has columns nested more than 100 deep, which the server does not accept; flatten them"
    )]
    SchemaTooDeep,
    /// More columns and groups than a schema may have.
    #[error(
        "has more than 100,000 columns, which the server does not accept; write fewer, or lists"
    )]
    TooManyColumns,
    /// All names together are too long.
    #[error(
        "has column names of more than 8 MiB together, or paths of more than 64 MiB, which the \
        server does not accept; shorten them"
    )]
    NamesTooLong,
    /// The footer does not follow the Parquet format.
    #[error("is damaged: its footer cannot be read: {0}")]
    Malformed(String),
}

impl From<&UnsupportedCodec> for InvalidParquet {
    fn from(unsupported: &UnsupportedCodec) -> Self {
        Self::Codec { column: unsupported.column.clone(), codec: unsupported.codec.clone() }
    }
}

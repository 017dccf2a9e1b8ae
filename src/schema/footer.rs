//! A parquet footer, read and checked.

use std::{fmt, fs::File, io, sync::Arc};

use parquet::schema::types::TypePtr;

use super::{AddedColumn, FileSchema, FooterReader, Schema, other_format::resembles};

/// The end of a parquet file, and its beginning.
const MAGIC: [u8; 4] = *b"PAR1";
/// The end of a parquet file whose footer is encrypted.
const ENCRYPTED_MAGIC: [u8; 4] = *b"PARE";
/// Longer footers are refused, so that memory stays bounded.
const MAX_FOOTER_BYTES: u64 = 64 * 1024 * 1024;

/// What the footer of an acceptable parquet file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Footer {
    /// The schema, for comparison.
    pub schema: Arc<Schema>,
    /// The schema as it stands in the file.
    pub parquet_schema: TypePtr,
    /// Rows in the file.
    pub row_count: u64,
    /// Row groups in the file.
    pub row_groups: usize,
    /// Codecs in use, each once.
    pub codecs: Vec<Codec>,
    /// Places of the columns that have no value, as far as the footer tells, among the leaves
    /// of the schema, in rising order.
    pub(crate) without_values: Vec<u32>,
    pub(super) unsupported_codec: Option<UnsupportedCodec>,
    /// Columns at the end of the schema that the file gets on the way only.
    pub(crate) added: Arc<[AddedColumn]>,
}

/// The first column with a codec that the API does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnsupportedCodec {
    pub(super) column: String,
    pub(super) codec: String,
    /// Whether we can read it, so that the file can be rewritten.
    pub(super) is_readable: bool,
}

/// How pages are compressed (`CompressionCodec` in `parquet.thrift`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not compressed.
    Uncompressed,
    /// Snappy.
    Snappy,
    /// Gzip.
    Gzip,
    /// LZO.
    Lzo,
    /// Brotli.
    Brotli,
    /// LZ4 in Hadoop's framing.
    Lz4,
    /// Zstandard.
    Zstd,
    /// LZ4 blocks.
    Lz4Raw,
}

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

impl Footer {
    /// Of a file that is still to be made.
    pub(crate) fn expected(
        parquet_schema: TypePtr,
        row_count: u64,
        without_values: Vec<u32>,
    ) -> Self {
        Self {
            schema: Arc::new(Schema::from_parquet(&parquet_schema)),
            parquet_schema,
            row_count,
            row_groups: 0,
            codecs: Vec::new(),
            without_values,
            unsupported_codec: None,
            added: [].into(),
        }
    }

    /// The schema, for finding one that other files can have, too.
    pub(crate) fn file_schema(&self) -> FileSchema<'_> {
        FileSchema { schema: &self.parquet_schema, without_values: &self.without_values }
    }

    /// Bytes at the end of a file that [`Footer::encoded_len`] needs.
    pub const TRAILER_BYTES: u64 = 8;
    /// Bytes of the smallest file: `PAR1`, an empty footer, its length, `PAR1`.
    const SMALLEST_FILE: u64 = 12;

    /// Length in bytes of the footer's thrift, out of the last 8 bytes of a file of
    /// `file_size` bytes: the length, little endian, and `PAR1`.
    ///
    /// # Errors
    /// [`InvalidParquet`] where the file is no parquet file or the length does not fit.
    pub fn encoded_len(trailer: [u8; 8], file_size: u64) -> Result<u64, InvalidParquet> {
        let [a, b, c, d, magic @ ..] = trailer;
        if magic == ENCRYPTED_MAGIC {
            return Err(InvalidParquet::Encrypted);
        }
        if magic != MAGIC {
            return Err(InvalidParquet::NotParquet("it does not end with PAR1"));
        }
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if file_size < Self::SMALLEST_FILE || length > file_size - Self::SMALLEST_FILE {
            Err(InvalidParquet::FooterOutside(length))
        } else if length > MAX_FOOTER_BYTES {
            Err(InvalidParquet::FooterTooLong(length))
        } else {
            Ok(length)
        }
    }

    /// See [`FooterReader::parse`].
    ///
    /// # Errors
    /// As there.
    pub fn parse(thrift: &[u8], file_size: u64) -> Result<Self, InvalidParquet> {
        FooterReader::default().parse(thrift, file_size)
    }

    /// Checks that the API takes all codecs.
    ///
    /// # Errors
    /// [`InvalidParquet::Codec`] with the first column that has another one.
    pub fn check_codecs(&self) -> Result<(), InvalidParquet> {
        self.unsupported_codec.as_ref().map_or(Ok(()), |unsupported| Err(unsupported.into()))
    }

    /// Checks that all codecs can be read, to be rewritten as snappy.
    ///
    /// # Errors
    /// [`InvalidParquet::Codec`] as above.
    pub fn check_codecs_are_readable(&self) -> Result<(), InvalidParquet> {
        match &self.unsupported_codec {
            Some(unsupported) if !unsupported.is_readable => Err(unsupported.into()),
            _ => Ok(()),
        }
    }

    /// Checks the first bytes of a file, at least four where it has them.
    ///
    /// # Errors
    /// [`InvalidParquet`] where they are not those of a parquet file.
    pub fn check_start(start: &[u8]) -> Result<(), InvalidParquet> {
        match start.get(..MAGIC.len()) {
            _ if start.is_empty() => Err(InvalidParquet::Empty),
            Some(magic) if magic == MAGIC => Ok(()),
            Some(magic) if magic == ENCRYPTED_MAGIC => Err(InvalidParquet::Encrypted),
            _ => Err(resembles(start).map_or(InvalidParquet::Unknown, InvalidParquet::NotParquet)),
        }
    }

    /// See [`FooterReader::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(file: &File, file_size: u64) -> io::Result<Result<Self, InvalidParquet>> {
        FooterReader::default().read(file, file_size)
    }
}

impl From<&UnsupportedCodec> for InvalidParquet {
    fn from(unsupported: &UnsupportedCodec) -> Self {
        Self::Codec { column: unsupported.column.clone(), codec: unsupported.codec.clone() }
    }
}

impl Codec {
    pub(super) fn from_thrift(code: i64) -> Option<Self> {
        Some(match code {
            0 => Self::Uncompressed,
            1 => Self::Snappy,
            2 => Self::Gzip,
            3 => Self::Lzo,
            4 => Self::Brotli,
            5 => Self::Lz4,
            6 => Self::Zstd,
            7 => Self::Lz4Raw,
            _ => return None,
        })
    }

    /// Whether files that use it can be rewritten.
    pub(super) fn is_readable(self) -> bool {
        !matches!(self, Self::Lzo)
    }

    /// Whether the API takes it: snappy is supported, and what is not compressed needs no
    /// codec.
    #[must_use]
    pub fn is_supported(self) -> bool {
        matches!(self, Self::Uncompressed | Self::Snappy)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uncompressed => "uncompressed",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
            Self::Lzo => "lzo",
            Self::Brotli => "brotli",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Lz4Raw => "lz4_raw",
        })
    }
}

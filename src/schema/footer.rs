//! A parquet footer, read and checked.

use std::sync::Arc;

use parquet::schema::types::TypePtr;

use super::{
    added_column::AddedColumn,
    codec::{Codec, UnsupportedCodec},
    common::FileSchema,
    invalid::InvalidParquet,
    other_format::resembles,
    tree::Schema,
};

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

/// What can be done about the codecs of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecSupport {
    /// The API takes them.
    Supported,
    /// The file has to be rewritten: the API does not take one of them.
    Rewritable(InvalidParquet),
    /// It has to be rewritten, and `sutro` cannot read it.
    Unreadable(InvalidParquet),
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

    /// Checks that the API takes all codecs.
    ///
    /// # Errors
    /// [`InvalidParquet::Codec`] with the first column that has another one.
    pub fn check_codecs(&self) -> Result<(), InvalidParquet> {
        self.unsupported_codec.as_ref().map_or(Ok(()), |unsupported| Err(unsupported.into()))
    }

    /// What can be done about the codecs of the file.
    #[must_use]
    pub fn codec_support(&self) -> CodecSupport {
        match &self.unsupported_codec {
            None => CodecSupport::Supported,
            Some(column) if column.is_readable => CodecSupport::Rewritable(column.into()),
            Some(column) => CodecSupport::Unreadable(column.into()),
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
}

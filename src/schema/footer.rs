//! Reads and checks a Parquet footer.

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

/// The first and last bytes of a Parquet file.
const MAGIC: [u8; 4] = *b"PAR1";
/// The last bytes of a Parquet file with an encrypted footer.
const ENCRYPTED_MAGIC: [u8; 4] = *b"PARE";
/// Longer footers are rejected, to bound memory use.
const MAX_FOOTER_BYTES: u64 = 64 * 1024 * 1024;

/// The contents of a valid footer.
#[derive(Clone, Debug, PartialEq)]
pub struct Footer {
    /// The schema, for comparison.
    pub schema: Arc<Schema>,
    /// The schema as stored in the file.
    pub parquet_schema: TypePtr,
    /// Rows in the file.
    pub row_count: u64,
    /// Row groups in the file, in order.
    pub row_groups: Arc<[RowGroup]>,
    /// Codecs in use, each once.
    pub codecs: Vec<Codec>,
    /// Positions of the leaves without values, as far as the footer shows, in ascending order.
    pub(crate) without_values: Vec<u32>,
    pub(super) unsupported_codec: Option<UnsupportedCodec>,
    /// A hash of the encoded footer, which distinguishes files with other values.
    pub(crate) digest: u64,
    /// Columns that are added to the end of the schema during the upload.
    pub(crate) added: Arc<[AddedColumn]>,
}

/// A row group, as the footer describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowGroup {
    /// Rows in it.
    pub row_count: u64,
    /// Compressed size of its pages in bytes.
    pub size_bytes: u64,
}

/// How the codecs of a file are supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecSupport {
    /// The API accepts them.
    Supported,
    /// The file must be rewritten: the API does not accept one of them.
    Rewritable(InvalidParquet),
    /// It must be rewritten, but `sutro` cannot decode it.
    Unreadable(InvalidParquet),
}

impl Footer {
    /// The footer of a file that will be written.
    pub(crate) fn expected(
        parquet_schema: TypePtr,
        row_count: u64,
        without_values: Vec<u32>,
    ) -> Self {
        Self {
            schema: Arc::new(Schema::from_parquet(&parquet_schema)),
            parquet_schema,
            row_count,
            row_groups: [].into(),
            codecs: Vec::new(),
            without_values,
            unsupported_codec: None,
            digest: 0,
            added: [].into(),
        }
    }

    /// The schema, for finding a schema that other files can have too.
    pub(crate) fn file_schema(&self) -> FileSchema<'_> {
        FileSchema { schema: &self.parquet_schema, without_values: &self.without_values }
    }

    /// Number of bytes at the end of a file that [`Footer::encoded_len`] needs.
    pub const TRAILER_BYTES: u64 = 8;
    /// Size of the smallest file: `PAR1`, an empty footer, its length, `PAR1`.
    const SMALLEST_FILE: u64 = 12;

    /// Length of the footer's thrift in bytes, from the last 8 bytes of a file of `file_size`
    /// bytes: the length, little endian, and `PAR1`.
    ///
    /// # Errors
    /// [`InvalidParquet`] if the file is not Parquet or the length does not fit.
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

    /// Checks that the API accepts all codecs.
    ///
    /// # Errors
    /// [`InvalidParquet::Codec`] with the first column that has another codec.
    pub fn check_codecs(&self) -> Result<(), InvalidParquet> {
        self.unsupported_codec.as_ref().map_or(Ok(()), |unsupported| Err(unsupported.into()))
    }

    /// How the codecs of the file are supported.
    #[must_use]
    pub fn codec_support(&self) -> CodecSupport {
        match &self.unsupported_codec {
            None => CodecSupport::Supported,
            Some(column) if column.is_readable => CodecSupport::Rewritable(column.into()),
            Some(column) => CodecSupport::Unreadable(column.into()),
        }
    }

    /// Checks the first bytes of a file, at least four if it has them.
    ///
    /// # Errors
    /// [`InvalidParquet`] if they are not those of a Parquet file.
    pub fn check_start(start: &[u8]) -> Result<(), InvalidParquet> {
        match start.get(..MAGIC.len()) {
            _ if start.is_empty() => Err(InvalidParquet::Empty),
            Some(magic) if magic == MAGIC => Ok(()),
            Some(magic) if magic == ENCRYPTED_MAGIC => Err(InvalidParquet::Encrypted),
            _ => Err(resembles(start).map_or(InvalidParquet::Unknown, InvalidParquet::NotParquet)),
        }
    }
}

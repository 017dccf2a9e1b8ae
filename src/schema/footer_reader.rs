//! Reads the footers of many files in sequence.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use parquet::{file::metadata::ParquetMetaDataReader, schema::types::TypePtr};
use twox_hash::XxHash64;

use super::{
    footer::Footer, footer_bytes::FooterBytes, footer_guard, invalid::InvalidParquet, tree::Schema,
};

/// Why there is no footer.
#[derive(Debug, thiserror::Error)]
pub enum FooterError<E> {
    /// The bytes cannot be read.
    #[error(transparent)]
    Read(E),
    /// The API does not accept the file.
    #[error(transparent)]
    Invalid(#[from] InvalidParquet),
}

/// Reads footers. A file with the same schema as the previous one shares it: most files of a batch
/// do, and decoding schemas is most of the work.
#[derive(Clone, Debug, Default)]
pub struct FooterReader {
    last: Option<DecodedSchema>,
}

#[derive(Clone, Debug)]
struct DecodedSchema {
    encoded: Vec<u8>,
    schema: Arc<Schema>,
    parquet_schema: TypePtr,
}

impl FooterReader {
    /// Reads the footer of a file of `file_size` bytes; `read` returns ranges of its bytes.
    ///
    /// # Errors
    /// [`FooterError`], with the error of `read` or with what is wrong with the file.
    pub fn read<E>(
        &mut self,
        file_size: u64,
        mut read: impl FnMut(Range<u64>) -> Result<Bytes, E>,
    ) -> Result<Footer, FooterError<E>> {
        let mut bytes = FooterBytes::of(file_size);
        while let Some(range) = bytes.needs() {
            bytes.push(read(range).map_err(FooterError::Read)?)?;
        }
        Ok(self.parse(&bytes.into_thrift(), file_size)?)
    }

    /// Reads the footer of a remote file, in one request if it is not very long. The start of a
    /// file is only read to identify a file that is not Parquet.
    ///
    /// # Errors
    /// As [`FooterReader::read`].
    pub fn read_remote<E>(
        &mut self,
        file_size: u64,
        mut read: impl FnMut(Range<u64>) -> Result<Bytes, E>,
    ) -> Result<Footer, FooterError<E>> {
        let mut bytes = FooterBytes::from_end_of(file_size);
        while let Some(range) = bytes.needs() {
            let pushed = bytes.push(read(range).map_err(FooterError::Read)?);
            if let Err(InvalidParquet::NotParquet(_)) = &pushed {
                Footer::check_start(&read(bytes.start()).map_err(FooterError::Read)?)?;
            }
            pushed?;
        }
        Ok(self.parse(&bytes.into_thrift(), file_size)?)
    }

    /// Parses and checks a footer's thrift: the `encoded_len` bytes before the trailer.
    ///
    /// # Errors
    /// [`InvalidParquet`] for problems that rewriting does not fix: malformed thrift, pages outside
    /// the file, encryption.
    pub fn parse(&mut self, thrift: &[u8], file_size: u64) -> Result<Footer, InvalidParquet> {
        let footer_bytes = thrift.len() as u64 + Footer::TRAILER_BYTES;
        let facts = footer_guard::inspect(thrift, file_size.saturating_sub(footer_bytes))?;
        let decoded = match self.last.take() {
            Some(last) if last.encoded == facts.encoded_schema => last,
            _ => DecodedSchema::decode(thrift, facts.encoded_schema)?,
        };
        let decoded = self.last.insert(decoded);
        let empty = (0..).zip(&facts.has_values).filter(|(_, has_value)| !**has_value);
        let without_values = empty.map(|(place, _)| place).collect();
        Ok(Footer {
            schema: Arc::clone(&decoded.schema),
            parquet_schema: Arc::clone(&decoded.parquet_schema),
            row_count: facts.row_count,
            row_groups: facts.row_groups.into(),
            codecs: facts.codecs,
            without_values,
            unsupported_codec: facts.unsupported_codec,
            digest: XxHash64::oneshot(0, thrift),
            added: [].into(),
        })
    }
}

impl DecodedSchema {
    fn decode(thrift: &[u8], encoded: &[u8]) -> Result<Self, InvalidParquet> {
        let schema = ParquetMetaDataReader::decode_schema(thrift)
            .map_err(|error| InvalidParquet::Malformed(error.to_string()))?;
        Ok(Self {
            encoded: encoded.to_owned(),
            schema: Arc::new(Schema::from_parquet(schema.root_schema())),
            parquet_schema: schema.root_schema_ptr(),
        })
    }
}

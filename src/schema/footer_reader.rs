//! Footers of many files, read one after the other.

use std::{fs::File, io, sync::Arc};

use parquet::{file::metadata::ParquetMetaDataReader, schema::types::TypePtr};

use super::{Schema, footer::Footer, footer::InvalidParquet, footer_guard};
use crate::read_at::read_exact_at;

/// Enough of a file's start to tell what else it may be.
const START_BYTES: usize = 64;
/// Read at once from the end of a file: more than most footers have.
const FIRST_READ_BYTES: u64 = 16 * 1024;

/// Reads footers. Files of the same schema as the one before share it: most files of a batch
/// do, and to decode it is most of the work.
#[derive(Clone, Debug, Default)]
pub struct FooterReader {
    last: Option<DecodedSchema>,
    end: Vec<u8>,
}

#[derive(Clone, Debug)]
struct DecodedSchema {
    encoded: Vec<u8>,
    schema: Arc<Schema>,
    parquet_schema: TypePtr,
}

impl FooterReader {
    /// Reads the footer of an open file of `file_size` bytes, with positioned reads.
    ///
    /// # Errors
    /// The outer error where the file cannot be read, the inner one where it is no
    /// acceptable parquet file.
    pub fn read(
        &mut self,
        file: &File,
        file_size: u64,
    ) -> io::Result<Result<Footer, InvalidParquet>> {
        let mut start = [0; START_BYTES];
        let start =
            &mut start[..usize::try_from(file_size).unwrap_or(START_BYTES).min(START_BYTES)];
        read_exact_at(file, start, 0)?;
        let mut end = std::mem::take(&mut self.end);
        read_end(file, file_size, FIRST_READ_BYTES.min(file_size), &mut end)?;
        let length = Footer::check_start(start).and_then(|()| {
            let trailer = end.last_chunk().ok_or(InvalidParquet::FooterOutside(0))?;
            Footer::encoded_len(*trailer, file_size)
        });
        let footer_bytes = match length {
            Ok(length) => length + Footer::TRAILER_BYTES,
            Err(invalid) => return Ok(Err(invalid)),
        };
        if footer_bytes > end.len() as u64 {
            read_end(file, file_size, footer_bytes, &mut end)?;
        }
        let footer =
            usize::try_from(footer_bytes).ok().and_then(|length| end.get(end.len() - length..));
        let thrift = footer.and_then(|footer| footer.split_last_chunk::<8>());
        let footer = match thrift {
            Some((thrift, _trailer)) => self.parse(thrift, file_size),
            None => Err(InvalidParquet::FooterOutside(footer_bytes)),
        };
        self.end = end;
        Ok(footer)
    }

    /// Parses and checks a footer's thrift: the `encoded_len` bytes before the trailer.
    ///
    /// # Errors
    /// [`InvalidParquet`] for what no rewriting mends: malformed thrift, pages outside of the
    /// file, encryption.
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
            row_groups: facts.row_groups,
            codecs: facts.codecs,
            without_values,
            unsupported_codec: facts.unsupported_codec,
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

/// Reads the last `length` bytes of a file of `file_size` bytes.
fn read_end(file: &File, file_size: u64, length: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
    read_exact_at(file, bytes, file_size - length)
}

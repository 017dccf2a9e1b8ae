//! Reads and checks a parquet footer.

use std::{fs::File, io};

use super::Schema;

/// What the footer of an acceptable parquet file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// The schema, for comparison.
    pub schema: Schema,
    /// Rows in the file.
    pub row_count: u64,
    /// Row groups in the file.
    pub row_groups: usize,
}

/// Why bytes are not a parquet file that the API takes. The message completes
/// "FILE: …", e.g. "is not a parquet file: it does not end with PAR1".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParquet {
    /// x
    #[error("is malformed: {0}")]
    Malformed(String),
}

impl Footer {
    /// Bytes at the end of a file that [`Footer::encoded_len`] needs.
    pub const TRAILER_BYTES: u64 = 8;

    /// Length in bytes of the footer's thrift, out of the last 8 bytes of a file of
    /// `file_size` bytes (footer length, little endian, and `PAR1`).
    ///
    /// # Errors
    /// [`InvalidParquet`] where the file is no parquet file or the length does not fit.
    pub fn encoded_len(_trailer: [u8; 8], _file_size: u64) -> Result<u64, InvalidParquet> {
        Err(InvalidParquet::Malformed("todo".into()))
    }

    /// Parses and checks a footer's thrift (the `encoded_len` bytes before the trailer).
    ///
    /// # Errors
    /// [`InvalidParquet`] for everything that the API would refuse: malformed thrift, pages
    /// outside of the file, an unsupported codec, encryption.
    pub fn parse(_thrift: &[u8], _file_size: u64) -> Result<Self, InvalidParquet> {
        Err(InvalidParquet::Malformed("todo".into()))
    }

    /// Reads the footer of an open file of `file_size` bytes, with positioned reads.
    ///
    /// # Errors
    /// The outer error where the file cannot be read, the inner one where it is no
    /// acceptable parquet file.
    pub fn read(_file: &File, _file_size: u64) -> io::Result<Result<Self, InvalidParquet>> {
        Ok(Err(InvalidParquet::Malformed("todo".into())))
    }
}

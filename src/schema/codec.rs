//! How pages are compressed, and which codecs are supported.

use std::fmt;

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

/// The first column with a codec that the API does not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnsupportedCodec {
    pub(super) column: String,
    pub(super) codec: String,
    /// Whether this package can decode it, so that the file can be rewritten.
    pub(super) is_readable: bool,
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

    /// Whether files with this codec can be rewritten.
    pub(super) fn is_readable(self) -> bool {
        !matches!(self, Self::Lzo)
    }

    /// Whether the API accepts it. Snappy is supported; uncompressed data needs no codec.
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

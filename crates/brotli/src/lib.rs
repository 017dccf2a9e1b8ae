//! The part of the `brotli` crate that parquet needs to read pages.
//!
//! Nothing in this package writes Brotli. But parquet refers to the encoder, whose tables and code
//! would add 0.4 MB to the wheel. `[patch.crates-io]` in the package's `Cargo.toml` replaces the
//! crate with this one.

#![forbid(unsafe_code)]

use std::io::{self, Write};

pub use brotli_decompressor::Decompressor;

/// Rejects all bytes.
pub struct CompressorWriter;

impl CompressorWriter {
    /// Takes the arguments of the encoder.
    pub fn new<W: Write>(_: W, _buffer_size: usize, _quality: u32, _window: u32) -> Self {
        Self
    }
}

impl Write for CompressorWriter {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "pages cannot be written with Brotli"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

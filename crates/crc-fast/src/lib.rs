//! The part of the `crc-fast` crate that `object_store` needs for checksums.
//!
//! That crate contains tables for dozens of algorithms, of which `object_store` uses one. They do
//! not compress and would add 0.6 MB to the wheel. `[patch.crates-io]` in the package's
//! `Cargo.toml` replaces the crate with this one.

#![forbid(unsafe_code)]

use crc::{CRC_64_NVME, Crc, Table};

static NVME: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

const _: () = {
    let of_digits = Crc::<u64>::new(&CRC_64_NVME).checksum(b"123456789");
    assert!(of_digits == CRC_64_NVME.check, "the checksum of the catalog's example");
};

/// The supported algorithms.
pub enum CrcAlgorithm {
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// The checksum of bytes that arrive in pieces.
pub struct Digest(crc::Digest<'static, u64, Table<16>>);

impl Digest {
    /// Starts a checksum.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        match algorithm {
            CrcAlgorithm::Crc64Nvme => Self(NVME.digest()),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn finalize(&self) -> u64 {
        self.0.clone().finalize()
    }
}

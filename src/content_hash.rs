//! The identity of a file's content: its SHA-256.

use sha2::{Digest, Sha256};

use crate::wire::digest::Sha256Digest;

/// Hashes a content piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContentHasher(Sha256);

impl ContentHasher {
    /// The hash of `bytes`.
    pub(crate) fn hash_of(bytes: &[u8]) -> Sha256Digest {
        let mut hasher = Self::default();
        hasher.update(bytes);
        hasher.hash()
    }

    /// Adds the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far.
    pub(crate) fn hash(&self) -> Sha256Digest {
        Sha256Digest::from(<[u8; 32]>::from(self.0.clone().finalize()))
    }
}

/// The first eight digits of a hash, which distinguish the files of one upload.
pub(crate) fn fingerprint(hash: &Sha256Digest) -> String {
    let mut digits = hash.to_string();
    digits.truncate(8);
    digits
}

#[cfg(test)]
mod tests {
    use super::{ContentHasher, fingerprint};

    /// The example of FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_content_has_its_sha_256_and_a_fingerprint_of_eight_digits() {
        let mut hasher = ContentHasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.hash().to_string(), ABC);
        assert_eq!(fingerprint(&ContentHasher::hash_of(b"abc")), "ba7816bf");
    }
}

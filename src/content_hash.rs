//! The identity of a file's content: its SHA-256 for servers, and its XXH3 for records of this
//! machine.

use sha2::{Digest, Sha256};

use crate::{
    wire::digest::{ContentHash, HashKind, Sha256Digest},
    xxh3::{Xxh3, Xxh3Hasher},
};

/// Computes the SHA-256 of a content piece by piece.
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

/// Computes a hash of either kind.
pub(crate) enum HasherOfKind {
    Sha256(ContentHasher),
    Xxh3(Xxh3Hasher),
}

impl HasherOfKind {
    pub(crate) fn new(kind: HashKind) -> Self {
        match kind {
            HashKind::Sha256 => Self::Sha256(ContentHasher::default()),
            HashKind::Xxh3 => Self::Xxh3(Xxh3Hasher::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Xxh3(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn hash(&self) -> ContentHash {
        match self {
            Self::Sha256(hasher) => ContentHash::Sha256(hasher.hash()),
            Self::Xxh3(hasher) => ContentHash::Xxh3(hasher.hash()),
        }
    }
}

/// The hashes of a content, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownHashes {
    /// Its SHA-256.
    pub sha256: Option<Sha256Digest>,
    /// Its XXH3.
    pub xxh3: Option<Xxh3>,
}

impl KnownHashes {
    /// The hash of this kind, if it is known.
    pub(crate) fn of_kind(self, kind: HashKind) -> Option<ContentHash> {
        match kind {
            HashKind::Sha256 => self.sha256.map(ContentHash::Sha256),
            HashKind::Xxh3 => self.xxh3.map(ContentHash::Xxh3),
        }
    }
}

impl From<Sha256Digest> for KnownHashes {
    fn from(sha256: Sha256Digest) -> Self {
        Self { sha256: Some(sha256), xxh3: None }
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

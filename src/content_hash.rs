//! The identity of a file's content: its SHA-256.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = ContentHasher::default();
        hasher.update(bytes);
        hasher.hash()
    }

    /// Reads 64 hexadecimal digits, in any case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, place) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// The first eight digits, which tell the files of one upload apart.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.to_string()[..8].to_owned()
    }

    /// The first eight bytes as a number.
    pub(crate) fn prefix(&self) -> u64 {
        self.0[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Sums up a content piece by piece.
#[derive(Clone, Debug, Default)]
pub struct ContentHasher(Sha256);

impl ContentHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of what was taken so far.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        ContentHash(self.0.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::ContentHash;

    /// The example of FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_hash_is_written_and_read_as_hexadecimal_digits() {
        let hash = ContentHash::of(b"abc");
        assert_eq!(hash.to_string(), ABC);
        assert_eq!(hash.fingerprint(), "ba7816bf");
        assert_eq!(ContentHash::parse(ABC), Some(hash));
        assert_eq!(ContentHash::parse(&ABC.to_uppercase()), Some(hash));
    }

    #[test]
    fn what_is_no_hash_is_not_read_as_one() {
        for text in [
            "",
            "abc",
            &ABC[1..],
            &ABC.replace('b', "x"),
            &ABC.replace("ba", "é"),
            &ABC.replace("ba", "+a"),
        ] {
            assert_eq!(ContentHash::parse(text), None, "{text}");
        }
    }
}

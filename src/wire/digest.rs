//! The SHA-256 of a file's bytes, as listings report it, and the hash that a listed file is
//! compared by.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::xxh3::Xxh3;

/// A SHA-256. As text it is 64 hexadecimal digits, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Digest([u8; 32]);

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 in hexadecimal")]
pub struct NotADigest;

impl Sha256Digest {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Sha256Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok());
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(NotADigest);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low): (Option<u8>, Option<u8>) = (digit(*high), digit(*low));
            *byte = high.ok_or(NotADigest)? << 4 | low.ok_or(NotADigest)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A hash that identifies a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentHash {
    /// As servers report it.
    Sha256(Sha256Digest),
    /// As this machine records it.
    Xxh3(Xxh3),
}

/// The kinds of [`ContentHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashKind {
    /// SHA-256.
    Sha256,
    /// XXH3-128.
    Xxh3,
}

impl ContentHash {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> HashKind {
        match self {
            Self::Sha256(_) => HashKind::Sha256,
            Self::Xxh3(_) => HashKind::Xxh3,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NotADigest, Sha256Digest};

    proptest! {
        #[test]
        fn a_digest_round_trips_through_text_in_either_case(bytes: [u8; 32]) {
            let digest = Sha256Digest::from(bytes);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            prop_assert_eq!(digest.to_string().to_uppercase().parse(), Ok(digest));
        }

        #[test]
        fn text_of_another_form_is_not_a_digest(text in "[0-9a-f]{0,63}|[0-9a-f]{65}|[0-9a-f]{63}[g-zé+ -]") {
            prop_assert_eq!(text.parse::<Sha256Digest>(), Err(NotADigest));
        }
    }
}

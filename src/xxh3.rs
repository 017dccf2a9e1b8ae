//! XXH3-128: recognises files that this machine has sent. It is not cryptographic, and much faster
//! than SHA-256.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use twox_hash::xxhash3_128;

/// An XXH3-128. As text it is 32 hexadecimal digits, in lower case.
///
/// Bytes, because a number would be aligned to 16 of them: a long listing has one for each file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Xxh3([u8; 16]);

/// A text that is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an XXH3-128 in hexadecimal")]
pub struct NotAnXxh3;

impl fmt::Display for Xxh3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Xxh3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Xxh3 {
    type Err = NotAnXxh3;

    fn from_str(text: &str) -> Result<Self, NotAnXxh3> {
        let has_digits_only = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).map_err(|_| NotAnXxh3)?;
        let is_one = has_digits_only && text.len() == 32;
        if is_one { Ok(Self(number.to_be_bytes())) } else { Err(NotAnXxh3) }
    }
}

impl Serialize for Xxh3 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Xxh3 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Hashes a content piece by piece.
#[derive(Clone, Default)]
pub(crate) struct Xxh3Hasher(Box<xxhash3_128::Hasher>);

impl Xxh3Hasher {
    /// Adds the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The hash of all bytes so far.
    pub(crate) fn hash(&self) -> Xxh3 {
        Xxh3(self.0.finish_128().to_be_bytes())
    }
}

impl fmt::Debug for Xxh3Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Xxh3Hasher")
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAnXxh3, Xxh3, Xxh3Hasher};

    #[test]
    fn a_content_has_its_xxh3_in_whatever_pieces_it_comes() {
        let mut hasher = Xxh3Hasher::default();
        // The value of the reference implementation for no bytes.
        assert_eq!(hasher.hash().to_string(), "99aa06d3014798d86001c324468d497f");
        let content: Vec<u8> = (0..100_000).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
        let mut whole = Xxh3Hasher::default();
        whole.update(&content);
        content.chunks(777).for_each(|piece| hasher.update(piece));
        assert_eq!(hasher.hash(), whole.hash());
        assert_eq!(whole.hash().to_string().parse(), Ok(whole.hash()));
    }

    #[test]
    fn text_of_another_form_is_not_an_xxh3() {
        for text in [&"0".repeat(31), &"0".repeat(33), &format!("+{}", "0".repeat(31)), "", "é"] {
            assert_eq!(text.parse::<Xxh3>(), Err(NotAnXxh3), "{text}");
        }
    }
}

//! The API key, kept as a secret from the moment it is read.

use secrecy::{ExposeSecret, SecretString};

/// An API key. Neither its `Debug` nor any error shows it, and its memory is wiped.
#[derive(Clone, Debug)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Parses a key. Blanks around it (a pasted line break) are removed.
    ///
    /// Returns `None` for an empty key and for one that a header cannot contain (RFC 9110, section
    /// 5.5: visible ASCII).
    #[must_use]
    pub fn new(key: &str) -> Option<Self> {
        let key = key.trim();
        let fits_a_header = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        fits_a_header.then(|| Self(SecretString::from(key)))
    }

    /// Exposes the key, to send it to the server.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The value of the `Authorization` header: `Key <api key>`.
    #[must_use]
    pub fn header_value(&self) -> String {
        format!("Key {}", self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::ApiKey;

    #[test]
    fn debug_output_does_not_show_the_key() {
        let key = ApiKey::new(" secret-123\n").unwrap();
        assert!(!format!("{key:?}").contains("secret-123"));
        assert_eq!(key.header_value(), "Key secret-123");
    }

    #[test]
    fn a_key_that_does_not_fit_in_a_header_is_rejected() {
        for key in ["", "  ", "a\nb", "schlüssel"] {
            assert!(ApiKey::new(key).is_none(), "{key:?}");
        }
    }
}

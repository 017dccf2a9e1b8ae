//! `s3://BUCKET/PREFIX`, and the options of the store.

use std::fmt;

use object_store::path::Path;

use super::settings::Settings;
use crate::error::{Error, Result};

/// A bucket and a prefix. Shown without the options, which may be secret.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct S3Place {
    pub(super) bucket: String,
    pub(super) prefix: Path,
    pub(super) settings: Settings,
}

impl S3Place {
    /// # Errors
    /// [`Error::Configuration`] if a part of the URL or an option cannot be used.
    pub(in super::super) fn parse(url: &str, options: &[(String, String)]) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::configuration(format!(
                "the place of the files {why}; it must be s3://BUCKET or s3://BUCKET/PREFIX"
            )))
        };
        let Some(place) = url.strip_prefix("s3://") else { return refuse("is not an s3 URL") };
        if place.contains('@') {
            return refuse("contains a user name or a password; set AWS_ACCESS_KEY_ID instead");
        }
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let is_of_a_bucket =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_of_a_bucket) {
            return refuse("has no valid bucket name");
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.contains(['?', '#']) {
            return refuse("has a query or fragment; use options instead");
        }
        let Ok(prefix) = Path::parse(prefix) else { return refuse("has an invalid prefix") };
        let settings = Settings::parse(options)?;
        Ok(Self { bucket: bucket.to_owned(), prefix, settings })
    }
}

impl fmt::Display for S3Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl fmt::Debug for S3Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::S3Place;

    fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_place_is_a_bucket_and_a_prefix() {
        for (url, shown) in [
            ("s3://bucket", "s3://bucket/"),
            ("s3://bucket/", "s3://bucket/"),
            ("s3://my.bucket-1/a/b c/", "s3://my.bucket-1/a/b c"),
        ] {
            assert_eq!(format!("{:?}", S3Place::parse(url, &[]).unwrap()), shown);
        }
    }

    #[test]
    fn a_place_that_cannot_be_used_is_rejected_without_its_secrets() {
        for url in [
            "s3://",
            "s3://ab",
            "s3://key:secret@bucket/a",
            "s3://buck et",
            "s3://bucket?secret=1",
            "s3://bucket/a?secret=1",
            "s3://bucket/a//b",
            "s3://bucket/../b",
        ] {
            let words = S3Place::parse(url, &[]).unwrap_err().to_string();
            assert!(words.contains("s3://BUCKET") && !words.contains("secret"), "{words}");
        }
    }

    #[test]
    fn options_are_checked_and_not_shown() {
        let secrets = options(&[("secret_access_key", "hush"), ("AWS_ACCESS_KEY_ID", "hush")]);
        let place = S3Place::parse("s3://bucket", &secrets).unwrap();
        assert!(!format!("{place:?} {place}").contains("hush"));
        for (option, says) in [
            (("endpont", "hush"), "'endpont' is not known"),
            (("bucket", "hush"), "'bucket' is not known"),
            (("connect_timeout", "hush"), "'connect_timeout' is not known"),
            (("timeout", "hush"), "'timeout' must be a number of seconds"),
            (("timeout", "0"), "'timeout' must be a number of seconds"),
        ] {
            let words = S3Place::parse("s3://bucket", &options(&[option])).unwrap_err().to_string();
            assert!(words.contains(says) && !words.contains("hush"), "{words}");
        }
    }
}

//! URLs of sources.

use crate::error::{Error, Result};

/// The URL of an object, a folder of objects, or a file on the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemoteUrl {
    /// `s3://BUCKET/KEY`: the key is taken literally, and may be a prefix or a glob.
    S3 {
        /// The bucket.
        bucket: String,
        /// The rest, without a slash at its start.
        key: String,
    },
    /// `https://…` or `http://…`, with its query.
    Web(String),
    /// `hf://datasets/ORG/REPO@REVISION/PATH`, without the scheme.
    Hub(String),
}

impl RemoteUrl {
    /// `None` if the scheme is not one of a remote source. `rest` is the URL behind `scheme://`.
    ///
    /// # Errors
    /// [`Error::Configuration`] if it cannot be used; does not repeat what may be secret.
    pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Option<Self>> {
        match scheme.to_ascii_lowercase().as_str() {
            "s3" | "s3a" | "s3n" => Self::of_s3(rest).map(Some),
            web @ ("http" | "https") => {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                if host.contains('@') {
                    return Err(Error::configuration(format!(
                        "the URL {web}://… contains a user name or a password; leave it out"
                    )));
                }
                Ok(Some(Self::Web(format!("{web}://{rest}"))))
            }
            "hf" => Ok(Some(Self::Hub(rest.to_owned()))),
            _ => Ok(None),
        }
    }

    fn of_s3(rest: &str) -> Result<Self> {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_of_a_bucket =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if bucket.contains('@') {
            return Err(Error::configuration(
                "an s3:// URL contains a user name or a password; pass storage_options instead",
            ));
        }
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_of_a_bucket) {
            return Err(Error::configuration(format!(
                "s3://{rest} has no valid name of a bucket; it must be s3://BUCKET/KEY"
            )));
        }
        Ok(Self::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::RemoteUrl;

    #[test]
    fn a_url_of_s3_has_a_bucket_and_a_literal_key() {
        for (rest, bucket, key) in [
            ("bucket", "bucket", ""),
            ("bucket/", "bucket", ""),
            ("bucket/a b%20c/*.parquet", "bucket", "a b%20c/*.parquet"),
        ] {
            let expected = RemoteUrl::S3 { bucket: bucket.into(), key: key.into() };
            assert_eq!(RemoteUrl::parse("s3", rest).unwrap(), Some(expected));
        }
        assert_eq!(RemoteUrl::parse("gs", "bucket/a").unwrap(), None);
    }

    #[test]
    fn a_url_with_a_password_is_rejected_without_it() {
        for (scheme, rest) in [("s3", "key:hush@bucket/a"), ("https", "me:hush@host/a.parquet")] {
            let words = RemoteUrl::parse(scheme, rest).unwrap_err().to_string();
            assert!(words.contains("password") && !words.contains("hush"), "{words}");
        }
        assert!(RemoteUrl::parse("s3", "a/b").unwrap_err().to_string().contains("s3://BUCKET/KEY"));
    }
}

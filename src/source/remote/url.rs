//! URLs of sources.

use std::fmt;

use crate::error::{Error, Result};

/// The URL of an object, a folder of objects, or a file on the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemoteUrl {
    /// `s3://BUCKET/KEY`, …: the key is taken literally, and may be a prefix or a glob.
    Bucket {
        /// The bucket.
        bucket: BucketName,
        /// The rest, without a slash at its start.
        key: String,
    },
    /// `https://…` or `http://…`, with its query.
    Web(String),
}

/// A bucket of a store, such as `s3://BUCKET`, or a repository of the Hugging Face hub.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BucketName {
    pub(super) scheme: Scheme,
    /// For Azure, a container, or `CONTAINER@ACCOUNT.dfs.core.windows.net`; for the hub,
    /// `datasets/ORG/REPO@REVISION`.
    pub(super) name: String,
}

/// A store with buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scheme {
    S3,
    Google,
    Azure,
    Hub,
}

impl Scheme {
    fn parse(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" | "s3a" | "s3n" => Some(Self::S3),
            "gs" | "gcs" => Some(Self::Google),
            "az" | "abfs" | "abfss" => Some(Self::Azure),
            "hf" => Some(Self::Hub),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
            Self::Hub => "hf",
        }
    }

    /// The store's name for a bucket: "bucket", "container", …
    pub(super) fn bucket(self) -> &'static str {
        match self {
            Self::S3 | Self::Google => "bucket",
            Self::Azure => "container",
            Self::Hub => "repository or revision",
        }
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names_account = self.scheme == Scheme::Azure && self.name.contains('@');
        let scheme = if names_account { "abfss" } else { self.scheme.name() };
        write!(f, "{scheme}://{}", self.name)
    }
}

impl RemoteUrl {
    /// `None` if the scheme is not one of a remote source. `rest` is the URL behind `scheme://`.
    ///
    /// # Errors
    /// [`Error::Configuration`] if it cannot be used; does not repeat what may be secret.
    pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Option<Self>> {
        let scheme = scheme.to_ascii_lowercase();
        match Scheme::parse(&scheme) {
            Some(Scheme::Hub) => return Self::in_repository(rest).map(Some),
            Some(scheme) => return Self::in_bucket(scheme, rest).map(Some),
            None => {}
        }
        match scheme.as_str() {
            web @ ("http" | "https") => {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                if host.contains('@') {
                    return Err(Error::configuration(format!(
                        "the URL {web}://… contains a user name or a password; leave it out"
                    )));
                }
                Ok(Some(Self::Web(format!("{web}://{rest}"))))
            }
            _ => Ok(None),
        }
    }

    /// Whether files cannot be written there.
    pub(crate) fn is_read_only(&self) -> bool {
        match self {
            Self::Bucket { bucket, .. } => bucket.scheme == Scheme::Hub,
            Self::Web(_) => true,
        }
    }

    fn in_bucket(scheme: Scheme, rest: &str) -> Result<Self> {
        let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, account) = match name.split_once('@') {
            Some((container, account)) if scheme == Scheme::Azure => (container, Some(account)),
            _ => (name, None),
        };
        let kind = scheme.name();
        let is_secret = |account: &str| account.contains('@') || bucket.contains(':');
        if bucket.contains('@') || account.is_some_and(is_secret) {
            return Err(Error::configuration(format!(
                "the URL {kind}://… contains a user name or a password; pass storage_options \
                 instead"
            )));
        }
        let is_of_a_name =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'$');
        // Buckets of Google with dots in their names may be longer than others.
        if !(3..=222).contains(&bucket.len()) || !bucket.bytes().all(is_of_a_name) {
            let what = scheme.bucket();
            return Err(Error::configuration(format!(
                "{kind}://{rest} has no valid {what} name; it must be {kind}://{}/KEY",
                what.to_uppercase()
            )));
        }
        let bucket = BucketName { scheme, name: name.to_owned() };
        Ok(Self::Bucket { bucket, key: key.to_owned() })
    }

    fn in_repository(rest: &str) -> Result<Self> {
        let parts: Vec<_> = rest.split('/').collect();
        // Revisions of conversions and pull requests: refs/convert/parquet, refs/pr/1.
        let count = if parts.get(2).is_some_and(|name| name.ends_with("@refs")) { 5 } else { 3 };
        let is_named = parts.len() >= count && !parts[..count].contains(&"");
        if !is_named || !matches!(parts[0], "datasets" | "spaces") {
            return Err(Error::configuration(format!(
                "hf://{rest} names no repository; it must be hf://datasets/ORG/REPO/PATH, or \
                 hf://datasets/ORG/REPO@REVISION/PATH"
            )));
        }
        let bucket = BucketName { scheme: Scheme::Hub, name: parts[..count].join("/") };
        Ok(Self::Bucket { bucket, key: parts[count..].join("/") })
    }
}

#[cfg(test)]
mod tests {
    use super::RemoteUrl;

    /// The bucket and the key of a URL.
    fn parsed(scheme: &str, rest: &str) -> (String, String) {
        match RemoteUrl::parse(scheme, rest).unwrap() {
            Some(RemoteUrl::Bucket { bucket, key }) => (bucket.to_string(), key),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_url_of_a_store_has_a_bucket_and_a_literal_key() {
        for (scheme, rest, bucket, key) in [
            ("s3", "bucket", "s3://bucket", ""),
            ("s3a", "bucket/", "s3://bucket", ""),
            ("s3", "bucket/a b%20c/*.parquet", "s3://bucket", "a b%20c/*.parquet"),
            ("gs", "bucket/a", "gs://bucket", "a"),
            ("gcs", "bucket/a", "gs://bucket", "a"),
            ("az", "container/a/b", "az://container", "a/b"),
            ("abfs", "container/a", "az://container", "a"),
            ("hf", "datasets/a/b", "hf://datasets/a/b", ""),
            ("hf", "datasets/a/b@v1/c/*", "hf://datasets/a/b@v1", "c/*"),
            ("hf", "datasets/a/b@refs/pr/1/c", "hf://datasets/a/b@refs/pr/1", "c"),
            ("abfss", "c-1@me.dfs.core.windows.net/a", "abfss://c-1@me.dfs.core.windows.net", "a"),
        ] {
            assert_eq!(parsed(scheme, rest), (bucket.to_owned(), key.to_owned()));
        }
        assert_eq!(RemoteUrl::parse("sftp", "host/a").unwrap(), None);
    }

    #[test]
    fn a_url_with_a_password_is_rejected_without_it() {
        for (scheme, rest) in [
            ("s3", "key:hush@bucket/a"),
            ("gs", "key:hush@bucket/a"),
            ("az", "key:hush@container@me.dfs.core.windows.net/a"),
            ("https", "me:hush@host/a.parquet"),
        ] {
            let words = RemoteUrl::parse(scheme, rest).unwrap_err().to_string();
            assert!(words.contains("password") && !words.contains("hush"), "{words}");
        }
        assert!(RemoteUrl::parse("s3", "a/b").unwrap_err().to_string().contains("s3://BUCKET/KEY"));
        let words = RemoteUrl::parse("az", "a/b").unwrap_err().to_string();
        assert!(words.contains("az://CONTAINER/KEY"), "{words}");
        for rest in ["datasets/a", "datasets//b/c", "models/a/b/c"] {
            let words = RemoteUrl::parse("hf", rest).unwrap_err().to_string();
            assert!(words.contains("names no repository"), "{words}");
        }
    }
}

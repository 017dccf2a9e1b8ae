//! Where a download is written.

use std::path::PathBuf;

use super::{
    remote::{Bucket, Existing, ObjectWriter, RemoteUrl, StorageOptions},
    scheme::{of_file_url, scheme_of},
    staging_place::open,
};
use crate::{
    error::{Error, Result},
    location::Location,
    wire::digest::Sha256Digest,
};

/// A folder on this machine, or a prefix in a bucket.
#[derive(Debug)]
pub(crate) enum OutputPlace {
    Folder(PathBuf),
    Prefix(OutputPrefix),
}

/// A prefix in a bucket, under which files are written as objects.
#[derive(Clone, Debug)]
pub(crate) struct OutputPrefix {
    bucket: Bucket,
    /// Without a slash at its end; empty for the whole bucket.
    prefix: String,
}

impl OutputPlace {
    /// Where a file is written.
    pub(crate) fn location(&self, name: &str) -> Location {
        match self {
            Self::Folder(folder) => folder.join(name).into(),
            Self::Prefix(prefix) => Location::Url(prefix.url(name).into()),
        }
    }

    /// Opens the place that a path or a URL names.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the URL cannot be written, or cannot be opened with these
    /// options.
    pub(crate) async fn open(output: PathBuf, options: StorageOptions) -> Result<Self> {
        let Some((scheme, rest)) = output.to_str().and_then(scheme_of) else {
            return Ok(Self::Folder(output));
        };
        if scheme.eq_ignore_ascii_case("file") {
            return Ok(Self::Folder(of_file_url(rest)));
        }
        let rest = rest.trim_start_matches('/');
        match RemoteUrl::parse(scheme, rest)? {
            Some(url) if url.is_read_only() => Err(cannot_write(scheme, "can only be read")),
            None => Err(cannot_write(scheme, "are not supported")),
            Some(_) => {
                let (bucket, key) = open(format!("{scheme}://{rest}"), options).await?;
                let prefix = key.trim_end_matches('/').to_owned();
                Ok(Self::Prefix(OutputPrefix { bucket, prefix }))
            }
        }
    }
}

fn cannot_write(scheme: &str, why: &str) -> Error {
    Error::configuration(format!(
        "files cannot be written to {scheme}:// URLs, which {why}; write to a folder, or to \
         s3://BUCKET/PREFIX (gs://, az://)"
    ))
}

impl OutputPrefix {
    /// The URL of the object for a file.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{}", self.bucket.url(), self.key(name))
    }

    /// The object for a file, if it exists.
    ///
    /// # Errors
    /// [`Error::File`] if the store rejects the request or does not respond.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Existing>> {
        self.bucket.find(&self.key(name)).await
    }

    /// Starts to write the object for a file, whose size and hash may be known.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the key cannot be used.
    pub(crate) fn writer(
        &self,
        name: &str,
        size: Option<u64>,
        sha256: Option<Sha256Digest>,
    ) -> Result<ObjectWriter> {
        self.bucket.parquet_writer(&self.key(name), size, sha256)
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{OutputPlace, StorageOptions};

    async fn place(output: &str) -> crate::Result<OutputPlace> {
        let key = |name: &str| (name.to_owned(), "x".to_owned());
        let options = [key("aws_access_key_id"), key("aws_secret_access_key")];
        OutputPlace::open(PathBuf::from(output), StorageOptions::new(options)).await
    }

    #[tokio::test]
    async fn an_output_is_a_folder_or_a_prefix_in_a_bucket() {
        for (output, folder) in [("out", "out"), ("file:///out", "/out"), ("C:/out", "C:/out")] {
            let OutputPlace::Folder(found) = place(output).await.unwrap() else { panic!() };
            assert_eq!(found, PathBuf::from(folder));
        }
        for (output, url) in [
            ("s3://bucket", "s3://bucket/a.parquet"),
            ("s3://bucket/", "s3://bucket/a.parquet"),
            ("s3://bucket/x/y/", "s3://bucket/x/y/a.parquet"),
            ("s3://bucket/x y", "s3://bucket/x y/a.parquet"),
        ] {
            let OutputPlace::Prefix(prefix) = place(output).await.unwrap() else { panic!() };
            assert_eq!(prefix.url("a.parquet"), url);
        }
    }

    #[tokio::test]
    async fn a_url_that_can_only_be_read_is_refused_without_what_may_be_secret() {
        for (output, why) in [
            ("https://host/out?sig=hush", "https:// URLs, which can only be read"),
            ("hf://datasets/a/b", "hf:// URLs, which can only be read"),
            ("dbfs:/hush", "dbfs:// URLs, which are not supported"),
        ] {
            let words = place(output).await.unwrap_err().to_string();
            assert!(words.contains(why) && !words.contains("hush"), "{words}");
        }
    }
}

//! Settings of S3: names of options, and variables of the environment.

use object_store::{ClientConfigKey, aws::AmazonS3ConfigKey};

/// The key of an option, as `endpoint`, `aws_endpoint` or `AWS_ENDPOINT`.
pub(crate) fn aws_key(name: &str) -> Option<AmazonS3ConfigKey> {
    use ClientConfigKey::{AllowHttp, Timeout};
    match name.to_ascii_lowercase().parse().ok()? {
        key @ AmazonS3ConfigKey::Client(AllowHttp | Timeout) => Some(key),
        // The URL names the bucket. The others are settings of a client that is not used.
        AmazonS3ConfigKey::Bucket | AmazonS3ConfigKey::Client(_) => None,
        key => Some(key),
    }
}

/// The settings in variables `AWS_…`.
pub(crate) fn of_environment() -> impl Iterator<Item = (AmazonS3ConfigKey, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let key = name.starts_with("AWS_").then(|| aws_key(&name))??;
        // No AWS tool knows variables for its client.
        (!matches!(key, AmazonS3ConfigKey::Client(_))).then_some((key, value))
    })
}

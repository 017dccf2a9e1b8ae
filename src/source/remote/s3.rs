//! Opens buckets of S3 and of stores with its API.

use std::{
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use object_store::{
    BackoffConfig, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Key},
};

use super::{
    error::NO_CREDENTIALS,
    options::{S3Options, StorageOptions},
    store::ListedStore,
};
use crate::{
    error::{Error, Result},
    object_stores::{Connector, Profile, of_environment, words},
};

/// How long the store may take to respond to a request, and how long a request that failed is
/// repeated.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
const METADATA_HOST: &str = "169.254.169.254:80";
/// How long to wait for a service that gives credentials to machines of a cloud.
const METADATA_PATIENCE: Duration = Duration::from_secs(1);

/// Opens a bucket. May block.
///
/// # Errors
/// [`Error::Configuration`] if an option is not known or there are no credentials.
pub(super) fn open(bucket: &str, options: &StorageOptions) -> Result<Arc<dyn ListedStore>> {
    let S3Options { given, profile, timeout } = options.of_s3()?;
    let timeout = timeout.map_or(Ok(TIMEOUT), |time| seconds(&time))?;
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
    for (key, value) in of_environment().chain(given) {
        builder = builder.with_config(key, value);
    }
    if !is_anonymous(&builder) {
        builder = Profile::read(profile)?.complete(builder)?;
        has_credentials(&builder)?;
    }
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(4), ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries: 8, retry_timeout: timeout };
    let store = builder.with_http_connector(Connector::new(timeout)?).with_retry(retry).build();
    let cannot =
        |error| Error::configuration(format!("s3://{bucket} cannot be opened: {}", words(&error)));
    Ok(Arc::new(store.map_err(cannot)?))
}

fn seconds(text: &str) -> Result<Duration> {
    let number = text.trim_end_matches('s').trim().parse().ok();
    let time = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| {
        Error::configuration("the timeout in storage_options must be a number of seconds above 0")
    })
}

fn is_anonymous(builder: &AmazonS3Builder) -> bool {
    builder.get_config_value(&Key::SkipSignature).is_some_and(|value| value == "true")
}

/// Checks that a machine without keys has a service that gives them, before each request waits for
/// it.
fn has_credentials(builder: &AmazonS3Builder) -> Result<()> {
    let is_set = [
        Key::AccessKeyId,
        Key::WebIdentityTokenFile,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
    ]
    .iter()
    .any(|key| builder.get_config_value(key).is_some());
    let endpoint = builder.get_config_value(&Key::MetadataEndpoint);
    if is_set || metadata_responds(endpoint.as_deref()) {
        return Ok(());
    }
    Err(Error::configuration(NO_CREDENTIALS))
}

fn metadata_responds(endpoint: Option<&str>) -> bool {
    let host = endpoint.map_or(METADATA_HOST, |url| {
        url.split_once("://").map_or(url, |(_, host)| host).trim_end_matches('/')
    });
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut addresses = host.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| TcpStream::connect_timeout(&address, METADATA_PATIENCE).is_ok())
}

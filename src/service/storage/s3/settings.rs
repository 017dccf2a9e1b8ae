//! Settings of the store: options, variables of the environment, and AWS profiles.

use std::time::Duration;

use object_store::{
    ClientConfigKey,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum},
};

use crate::{
    error::{Error, Result},
    object_stores::{Profile, aws_key, of_environment},
};

/// How long the store may take to respond to a request, and how long a request that failed is
/// repeated.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The value of `checksum_algorithm` for stores without checksums.
const NO_CHECKSUM: &str = "none";

/// Options that were given. They take precedence over variables, and these over a profile.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Settings {
    options: Vec<(AmazonS3ConfigKey, String)>,
    pub(super) timeout: Duration,
}

impl Settings {
    pub(super) fn parse(options: &[(String, String)]) -> Result<Self> {
        let mut settings = Self { options: Vec::new(), timeout: TIMEOUT };
        for (name, value) in options {
            match aws_key(name) {
                Some(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout)) => {
                    let seconds = value.parse().ok().map(Duration::try_from_secs_f64);
                    let timeout = seconds.and_then(Result::ok).filter(|time| !time.is_zero());
                    settings.timeout = timeout.ok_or_else(|| {
                        Error::configuration(format!(
                            "the option '{name}' must be a number of seconds above 0"
                        ))
                    })?;
                }
                // Otherwise AWS_ENDPOINT_URL_S3 would take precedence.
                Some(AmazonS3ConfigKey::Endpoint) => {
                    settings.options.push((AmazonS3ConfigKey::S3Endpoint, value.clone()));
                }
                Some(key) => settings.options.push((key, value.clone())),
                None => {
                    return Err(Error::configuration(format!(
                        "the option '{name}' is not known; options of s3:// are endpoint, region, \
                         virtual_hosted_style_request, checksum_algorithm, timeout, and what the \
                         variables AWS_… set"
                    )));
                }
            }
        }
        Ok(settings)
    }

    /// # Errors
    /// [`Error::Configuration`] if the profile in `AWS_PROFILE` cannot be used.
    pub(super) fn builder(&self) -> Result<AmazonS3Builder> {
        let given: Vec<_> = of_environment().chain(self.options.iter().cloned()).collect();
        let is_checksum =
            |(key, _): &&(AmazonS3ConfigKey, String)| *key == AmazonS3ConfigKey::Checksum;
        let checksum = given.iter().rfind(is_checksum).map(|(_, value)| value.clone());
        let mut builder = AmazonS3Builder::new();
        for (key, value) in given.iter().filter(|given| !is_checksum(given)) {
            builder = builder.with_config(*key, value);
        }
        builder = match checksum {
            // The store compares each part with it.
            None => builder.with_checksum_algorithm(Checksum::SHA256),
            Some(none) if none.eq_ignore_ascii_case(NO_CHECKSUM) => builder,
            Some(algorithm) => builder.with_config(AmazonS3ConfigKey::Checksum, algorithm),
        };
        Profile::read(None)?.complete(builder)
    }
}

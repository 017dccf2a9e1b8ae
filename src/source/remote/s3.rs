//! Opens buckets of S3 and of stores with its API.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

use super::{
    credentials::{NO_S3, is_on_aws},
    opening::{cannot_open, is_true, retry},
    options::StorageOptions,
    store::ListedStore,
    url::BucketName,
};
use crate::{
    error::{Error, Result},
    object_stores::{Connector, Profile, aws_key, of_environment},
};

/// Names of fsspec, in its `S3FileSystem`.
const ALIASES: [(&str, &str); 6] = [
    ("key", "aws_access_key_id"),
    ("secret", "aws_secret_access_key"),
    ("anon", "aws_skip_signature"),
    ("anonymous", "aws_skip_signature"),
    ("region_name", "aws_region"),
    ("requester_pays", "aws_request_payer"),
];

/// Options that were given.
#[derive(Default)]
struct Given {
    settings: Vec<(Key, String)>,
    profile: Option<String>,
}

impl Given {
    fn take(&mut self, name: &str, value: &str) -> bool {
        if matches!(name, "profile" | "aws_profile") {
            self.profile = Some(value.to_owned());
            return true;
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let key = match aws_key(alias.map_or(name, |(_, name)| name)) {
            // Otherwise AWS_ENDPOINT_URL_S3 would take precedence.
            Some(Key::Endpoint) => Key::S3Endpoint,
            Some(key) => key,
            None => return false,
        };
        self.settings.push((key, value.to_owned()));
        true
    }
}

/// Opens a bucket. May block.
///
/// # Errors
/// [`Error::Configuration`] if an option is not known or there are no credentials.
pub(super) fn open(name: &BucketName, options: &StorageOptions) -> Result<Arc<dyn ListedStore>> {
    let mut given = Given::default();
    let timeout = options.read(name, |name, value| given.take(name, value))?;
    let mut builder = AmazonS3Builder::new().with_bucket_name(&name.name);
    for (key, value) in of_environment().chain(given.settings) {
        builder = builder.with_config(key, value);
    }
    if !is_anonymous(&builder) {
        builder = Profile::read(given.profile)?.complete(builder)?;
        has_credentials(&builder)?;
    }
    let builder = builder.with_http_connector(Connector::new(timeout)?);
    let store = builder.with_retry(retry(timeout)).build();
    Ok(Arc::new(store.map_err(|error| cannot_open(name, &error))?))
}

fn is_anonymous(builder: &AmazonS3Builder) -> bool {
    is_true(builder.get_config_value(&Key::SkipSignature))
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
    if is_set || is_on_aws(endpoint.as_deref()) {
        return Ok(());
    }
    Err(Error::configuration(NO_S3))
}

#[cfg(test)]
mod tests {
    use super::{Given, Key};

    #[test]
    fn names_of_object_store_and_fsspec_are_known() {
        let mut given = Given::default();
        for name in ["aws_access_key_id", "secret", "anon", "endpoint_url", "profile"] {
            assert!(given.take(name, "value"), "{name}");
        }
        let keys: Vec<_> = given.settings.iter().map(|(key, _)| *key).collect();
        let expected =
            [Key::AccessKeyId, Key::SecretAccessKey, Key::SkipSignature, Key::S3Endpoint];
        assert_eq!(keys, expected);
        assert_eq!(given.profile.as_deref(), Some("value"));
        for name in ["aws_acces_key_id", "bucket", "account_key"] {
            assert!(!given.take(name, "value"), "{name}");
        }
    }
}

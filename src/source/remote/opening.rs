//! Code that all stores use when they are opened.

use std::{ffi::OsString, time::Duration};

use object_store::{BackoffConfig, RetryConfig};

use super::url::BucketName;
use crate::{error::Error, object_stores::words};

/// Whether the value of a setting means yes, as for `object_store`.
pub(super) fn is_true(value: Option<String>) -> bool {
    let value = value.map(|value| value.to_ascii_lowercase());
    matches!(value.as_deref(), Some("1" | "true" | "on" | "yes" | "y"))
}

/// The variables of the environment that are text.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text)
}

/// The settings of the environment, and after them those that are given. Credentials that are given
/// replace all of the environment, which may be of another kind.
pub(super) fn settings<K: Copy>(
    environment: impl IntoIterator<Item = (K, String)>,
    given: Vec<(K, String)>,
    is_of_credentials: fn(K) -> bool,
) -> impl Iterator<Item = (K, String)> {
    let has_own = given.iter().any(|(key, _)| is_of_credentials(*key));
    let environment = environment.into_iter();
    environment.filter(move |(key, _)| !(has_own && is_of_credentials(*key))).chain(given)
}

/// How a store repeats a request that failed.
pub(super) fn retry(timeout: Duration) -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(4), ..BackoffConfig::default() };
    RetryConfig { backoff, max_retries: 8, retry_timeout: timeout }
}

pub(super) fn cannot_open(bucket: &BucketName, error: &object_store::Error) -> Error {
    Error::configuration(format!("{bucket} cannot be opened: {}", words(error)))
}

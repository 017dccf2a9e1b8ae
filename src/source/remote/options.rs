//! Options of stores, which may be secret.

use std::{fmt, time::Duration};

use super::url::{BucketName, Scheme};
use crate::error::{Error, Result};

/// How long the store may take to respond to a request, and how long a request that failed is
/// repeated.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Names and values, as polars, delta-rs and fsspec know them. Shown without the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(Vec<(String, String)>);

impl StorageOptions {
    /// Options with these names and values.
    #[must_use]
    pub fn new(options: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect())
    }

    /// Passes each option to `take`, which returns false if its name is not known. Returns the
    /// timeout. Names that begin with that of another store are passed over: sources of several
    /// stores share their options.
    ///
    /// # Errors
    /// [`Error::Configuration`] for a name that is not known, a timeout that is no time, and the
    /// name of another bucket.
    pub(super) fn read(
        &self,
        BucketName { scheme, name: bucket }: &BucketName,
        mut take: impl FnMut(&str, &str) -> bool,
    ) -> Result<Duration> {
        let (scheme, mut timeout) = (*scheme, TIMEOUT);
        for (name, value) in &self.0 {
            if matches!(name.as_str(), "timeout" | "aws_timeout") {
                timeout = seconds(value)?;
            } else if matches!(name.as_str(), "bucket" | "container_name") {
                // Stores of obstore name it.
                if bucket.split('@').next() != Some(value) {
                    return Err(Error::configuration(format!(
                        "storage_options are for {value}, and a source is in {bucket}"
                    )));
                }
            } else if !is_of_another(name, scheme) && !take(name, value) {
                return Err(unknown(name, scheme));
            }
        }
        Ok(timeout)
    }
}

fn is_of_another(name: &str, scheme: Scheme) -> bool {
    let owner = match name.split_once('_') {
        Some(("aws", _)) => Some(Scheme::S3),
        Some(("google", _)) => Some(Scheme::Google),
        Some(("azure", _)) => Some(Scheme::Azure),
        Some(("hf", _)) => Some(Scheme::Hub),
        _ => return false,
    };
    owner != Some(scheme)
}

fn unknown(name: &str, scheme: Scheme) -> Error {
    let known = match scheme {
        Scheme::S3 => {
            "aws_access_key_id, aws_secret_access_key, aws_session_token, aws_region, \
             aws_endpoint_url, aws_profile, aws_skip_signature, aws_request_payer"
        }
        Scheme::Google => {
            "google_service_account, google_service_account_key, google_application_credentials, \
             google_bearer_token, google_base_url, google_skip_signature, token"
        }
        Scheme::Azure => {
            "azure_storage_account_name, azure_storage_account_key, azure_storage_sas_token, \
             azure_storage_connection_string, azure_storage_endpoint, azure_tenant_id, \
             azure_client_id, azure_client_secret, azure_use_azure_cli, azure_skip_signature"
        }
        Scheme::Hub => "hf_token",
    };
    let others = if scheme == Scheme::Hub { "" } else { ", and others of object_store" };
    Error::configuration(format!(
        "storage_options has {name:?}, which is not known; options of {}:// are {known}, \
         timeout{others}",
        scheme.name()
    ))
}

fn seconds(text: &str) -> Result<Duration> {
    let number = text.trim_end_matches('s').trim().parse().ok();
    let time = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| {
        Error::configuration("the timeout in storage_options must be a number of seconds above 0")
    })
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BucketName, Scheme, StorageOptions};

    fn options(options: &[(&str, &str)]) -> StorageOptions {
        let owned = options.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        StorageOptions::new(owned)
    }

    fn bucket(scheme: Scheme) -> BucketName {
        BucketName { scheme, name: "bucket".to_owned() }
    }

    #[test]
    fn names_are_known_in_any_case_and_values_are_never_shown() {
        let given = options(&[("AWS_Region", "hush"), ("TIMEOUT", "1.5")]);
        assert!(!format!("{given:?}").contains("hush"));
        let mut names = Vec::new();
        let timeout = given.read(&bucket(Scheme::S3), |name, _| {
            names.push(name.to_owned());
            true
        });
        assert_eq!(timeout.unwrap(), Duration::from_millis(1_500));
        assert_eq!(names, ["aws_region"]);
    }

    #[test]
    fn names_that_begin_with_another_store_are_for_it_and_others_are_errors_without_values() {
        let shared = options(&[("aws_region", "x"), ("google_base_url", "x"), ("hf_token", "x")]);
        assert!(shared.read(&bucket(Scheme::Azure), |_, _| false).is_ok());
        for scheme in [Scheme::S3, Scheme::Google, Scheme::Azure, Scheme::Hub] {
            let given = options(&[("acount", "hush")]);
            let words = given.read(&bucket(scheme), |_, _| false).unwrap_err().to_string();
            assert!(words.contains("acount") && !words.contains("hush"), "{words}");
            assert!(words.contains(&format!("options of {}://", scheme.name())), "{words}");
        }
        let words = options(&[("timeout", "0")]).read(&bucket(Scheme::S3), |_, _| true);
        assert!(words.unwrap_err().to_string().contains("seconds above 0"));
        for (name, is_known) in [("bucket", true), ("another", false)] {
            let read = options(&[("bucket", name)]).read(&bucket(Scheme::S3), |_, _| false);
            assert_eq!(read.is_ok(), is_known, "{name}");
        }
    }
}

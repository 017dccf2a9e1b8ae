//! Options of stores, which may be secret.

use std::fmt;

use object_store::{ClientConfigKey, aws::AmazonS3ConfigKey};

use crate::{
    error::{Error, Result},
    object_stores::aws_key,
};

/// Names and values, as polars, delta-rs and fsspec know them. Shown without the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(Vec<(String, String)>);

/// Names of fsspec, in its `S3FileSystem`, for options of S3.
const ALIASES: [(&str, &str); 5] = [
    ("key", "aws_access_key_id"),
    ("secret", "aws_secret_access_key"),
    ("anon", "aws_skip_signature"),
    ("anonymous", "aws_skip_signature"),
    ("requester_pays", "aws_request_payer"),
];

/// Options of S3.
pub(super) struct S3Options {
    pub(super) given: Vec<(AmazonS3ConfigKey, String)>,
    pub(super) profile: Option<String>,
    pub(super) timeout: Option<String>,
}

impl StorageOptions {
    /// Options with these names and values.
    #[must_use]
    pub fn new(options: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect())
    }

    /// # Errors
    /// [`Error::Configuration`] for a name that is not known.
    pub(super) fn of_s3(&self) -> Result<S3Options> {
        let mut options = S3Options { given: Vec::new(), profile: None, timeout: None };
        for (name, value) in &self.0 {
            if matches!(name.as_str(), "profile" | "aws_profile") {
                options.profile = Some(value.clone());
                continue;
            }
            let alias = ALIASES.iter().find(|(alias, _)| alias == name);
            match aws_key(alias.map_or(name, |(_, name)| name)) {
                Some(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout)) => {
                    options.timeout = Some(value.clone());
                }
                // Otherwise AWS_ENDPOINT_URL_S3 would take precedence.
                Some(AmazonS3ConfigKey::Endpoint) => {
                    options.given.push((AmazonS3ConfigKey::S3Endpoint, value.clone()));
                }
                Some(key) => options.given.push((key, value.clone())),
                None if name == "hf_token" => {}
                None => {
                    return Err(Error::configuration(format!(
                        "storage_options has {name:?}, which is not known; options of s3:// are \
                         aws_access_key_id, aws_secret_access_key, aws_session_token, aws_region, \
                         aws_endpoint_url, aws_profile, aws_skip_signature, aws_request_payer, \
                         timeout, and others of object_store"
                    )));
                }
            }
        }
        Ok(options)
    }

    /// The token for the Hugging Face hub.
    pub(super) fn hub_token(&self) -> Option<String> {
        let given = |name| self.0.iter().find(|(known, _)| known == name);
        let given = given("hf_token").or_else(|| given("token"));
        let given = given.map(|(_, value)| value.clone());
        given.or_else(|| std::env::var("HF_TOKEN").ok()).filter(|token| !token.is_empty())
    }
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use object_store::aws::AmazonS3ConfigKey as Key;

    use super::StorageOptions;

    fn options(options: &[(&str, &str)]) -> StorageOptions {
        let owned = options.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        StorageOptions::new(owned)
    }

    #[test]
    fn names_of_object_store_and_fsspec_are_known_in_any_case_and_values_are_never_shown() {
        let given = options(&[
            ("AWS_Access_Key_Id", "hush"),
            ("secret", "hush"),
            ("anon", "true"),
            ("endpoint_url", "http://h"),
            ("profile", "work"),
        ]);
        assert!(!format!("{given:?}").contains("hush"));
        let parsed = given.of_s3().unwrap();
        let keys: Vec<_> = parsed.given.iter().map(|(key, _)| *key).collect();
        let expected =
            [Key::AccessKeyId, Key::SecretAccessKey, Key::SkipSignature, Key::S3Endpoint];
        assert_eq!(keys, expected);
        assert_eq!(parsed.profile.as_deref(), Some("work"));
    }

    #[test]
    fn a_name_that_is_not_known_is_an_error_without_its_value() {
        for name in ["aws_acces_key_id", "bucket", "account_key"] {
            let words = options(&[(name, "hush")]).of_s3().err().unwrap().to_string();
            assert!(words.contains(name) && !words.contains("hush"), "{words}");
        }
    }
}

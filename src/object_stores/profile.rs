//! Profiles of AWS tools: `~/.aws/credentials` and `~/.aws/config`.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use crate::error::{Error, Result};

/// Settings of one profile. Empty if there is none.
pub(crate) struct Profile {
    /// Its name, if it is named.
    chosen: Option<String>,
    values: HashMap<String, String>,
}

impl Profile {
    /// Reads the profile of this name, or else that of `AWS_PROFILE`, or else the default one.
    ///
    /// # Errors
    /// [`Error::Configuration`] if a named profile does not exist.
    pub(crate) fn read(chosen: Option<String>) -> Result<Self> {
        let of_environment = || env::var("AWS_PROFILE").ok();
        let chosen = chosen.or_else(of_environment).filter(|name| !name.is_empty());
        let name = chosen.as_deref().unwrap_or("default");
        let mut values = HashMap::new();
        // Values of the first file take precedence.
        for (variable, file, section) in [
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name.to_owned()),
            ("AWS_CONFIG_FILE", "config", section_of_config(name)),
        ] {
            let text = location(variable, file).map(|path| text(&path)).transpose()?;
            for (key, value) in section_values(&text.unwrap_or_default(), &section) {
                values.entry(key).or_insert(value);
            }
        }
        match &chosen {
            Some(name) if values.is_empty() => Err(Error::configuration(format!(
                "the AWS profile {name} is neither in ~/.aws/credentials nor in \
                 ~/.aws/config, or is empty"
            ))),
            _ => Ok(Self { chosen, values }),
        }
    }

    /// Adds what the builder does not have yet.
    ///
    /// # Errors
    /// [`Error::Configuration`] if a named profile has no keys and the builder has none.
    pub(crate) fn complete(mut self, mut builder: AmazonS3Builder) -> Result<AmazonS3Builder> {
        use AmazonS3ConfigKey as Key;
        let has = |builder: &AmazonS3Builder, key| builder.get_config_value(&key).is_some();
        if !has(&builder, Key::Region)
            && let Some(region) = self.values.remove("region")
        {
            builder = builder.with_region(region);
        }
        if !has(&builder, Key::Endpoint)
            && !has(&builder, Key::S3Endpoint)
            && let Some(endpoint) = self.values.remove("endpoint_url")
        {
            builder = builder.with_endpoint(endpoint);
        }
        let has_credentials = [
            Key::AccessKeyId,
            Key::WebIdentityTokenFile,
            Key::ContainerCredentialsRelativeUri,
            Key::ContainerCredentialsFullUri,
        ]
        .into_iter()
        .any(|key| has(&builder, key));
        if has_credentials && self.chosen.is_none() || has(&builder, Key::AccessKeyId) {
            return Ok(builder);
        }
        let mut take = |key| self.values.remove(key);
        match (take("aws_access_key_id"), take("aws_secret_access_key"), &self.chosen) {
            (Some(id), Some(secret), _) => {
                builder = builder.with_access_key_id(id).with_secret_access_key(secret);
                Ok(match self.values.remove("aws_session_token") {
                    Some(token) => builder.with_token(token),
                    None => builder,
                })
            }
            (_, _, Some(name)) => Err(Error::configuration(format!(
                "the profile {name} has no aws_access_key_id and aws_secret_access_key; for other \
                 kinds of credentials, run: eval \"$(aws configure export-credentials --profile \
                 {name} --format env)\""
            ))),
            (_, _, None) => Ok(builder),
        }
    }
}

fn section_of_config(name: &str) -> String {
    if name == "default" { name.to_owned() } else { format!("profile {name}") }
}

fn location(variable: &str, file: &str) -> Option<PathBuf> {
    match env::var_os(variable) {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => Some(env::home_dir()?.join(".aws").join(file)),
    }
}

/// Empty if there is no such file.
fn text(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(Error::in_file(path)),
    }
}

/// The values of one section. Nested values are left out.
fn section_values<'a>(
    text: &'a str,
    section: &str,
) -> impl Iterator<Item = (String, String)> + use<'a> {
    let section = section.to_owned();
    let mut is_inside = false;
    text.lines().filter_map(move |line| {
        if let Some(name) = line.trim().strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            is_inside = name.split_whitespace().eq(section.split_whitespace());
            return None;
        }
        let is_value = is_inside && !line.starts_with([' ', '\t', '#', ';']);
        let (key, value) = line.split_once('=').filter(|_| is_value)?;
        Some((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::{AmazonS3Builder, AmazonS3ConfigKey, HashMap, Profile, section_values};

    const FILE: &str = "\
        # keys\n\
        [default]\n\
        aws_access_key_id = one\n\
        aws_secret_access_key=a=b\n\
        [ profile  work ]\n\
        region = eu-west-1\n\
        s3 =\n\
        \x20 max_concurrent_requests = 7\n\
        [profile workers]\n\
        region = us-west-2\n";

    fn profile(chosen: Option<&str>, values: &[(&str, &str)]) -> Profile {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Profile { chosen: chosen.map(str::to_owned), values: values.collect() }
    }

    fn access_key(builder: &AmazonS3Builder) -> Option<String> {
        builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId)
    }

    #[test]
    fn a_section_has_its_own_values_only() {
        let values = |section| section_values(FILE, section).collect::<HashMap<_, _>>();
        let default = values("default");
        assert_eq!(default.len(), 2);
        assert_eq!(default["aws_secret_access_key"], "a=b");
        assert_eq!(values("profile work")["region"], "eu-west-1");
        assert!(!values("profile work").contains_key("max_concurrent_requests"));
        assert!(values("work").is_empty());
    }

    #[test]
    fn a_profile_gives_what_is_missing() {
        let keys = [
            ("aws_access_key_id", "of-profile"),
            ("aws_secret_access_key", "secret"),
            ("region", "eu-west-1"),
        ];
        let builder = profile(None, &keys).complete(AmazonS3Builder::new()).unwrap();
        assert_eq!(access_key(&builder).as_deref(), Some("of-profile"));
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
        assert_eq!(region.as_deref(), Some("eu-west-1"));
        let given = AmazonS3Builder::new().with_access_key_id("given").with_region("here");
        let builder = profile(Some("work"), &keys).complete(given).unwrap();
        assert_eq!(access_key(&builder).as_deref(), Some("given"));
    }

    #[test]
    fn a_chosen_profile_without_keys_is_an_error_and_the_default_one_is_not() {
        let sso = [("sso_session", "corp")];
        let words = profile(Some("work"), &sso).complete(AmazonS3Builder::new()).unwrap_err();
        assert!(words.to_string().contains("aws configure export-credentials --profile work"));
        assert!(profile(None, &sso).complete(AmazonS3Builder::new()).is_ok());
    }
}

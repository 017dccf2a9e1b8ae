//! Opens buckets of Google Cloud Storage.

use std::{env, path::Path, sync::Arc};

use object_store::{
    ClientConfigKey::AllowHttp,
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Key},
};

use super::{
    credentials::{NO_GOOGLE, is_on_google},
    opening::{cannot_open, is_true, retry, settings, variables},
    options::StorageOptions,
    store::ListedStore,
    url::BucketName,
};
use crate::{
    error::{Error, Result},
    object_stores::Connector,
};

const CREDENTIALS_FILE: &str = if cfg!(windows) {
    "gcloud/application_default_credentials.json"
} else {
    ".config/gcloud/application_default_credentials.json"
};

/// Takes an option. Returns false if its name is not known.
fn take(settings: &mut Vec<(Key, String)>, name: &str, value: &str) -> bool {
    let setting = match name {
        // It is needed only for billing and to create buckets.
        "project" => return true,
        "token" => of_token(value),
        "anon" | "anonymous" => Some((Key::SkipSignature, value)),
        "endpoint" | "endpoint_url" | "google_endpoint_url" => Some((Key::BaseUrl, value)),
        name => match key(name) {
            Some(key) => Some((key, value)),
            None => return false,
        },
    };
    settings.extend(setting.map(|(key, value)| match key {
        // Otherwise the error about a missing file would show it.
        Key::ServiceAccount | Key::ApplicationCredentials if value.starts_with('{') => {
            (Key::ServiceAccountKey, value.to_owned())
        }
        Key::BaseUrl => (key, value.trim_end_matches('/').to_owned()),
        key => (key, value.to_owned()),
    }));
    true
}

/// The meanings of `token` in gcsfs: a keyword, the path of a file, its content, or a token.
fn of_token(value: &str) -> Option<(Key, &str)> {
    match value {
        "anon" => Some((Key::SkipSignature, "true")),
        "" | "google_default" | "cloud" => None,
        json if json.starts_with('{') => Some((Key::ServiceAccountKey, json)),
        file if Path::new(file).exists() => Some((Key::ApplicationCredentials, file)),
        token => Some((Key::BearerToken, token)),
    }
}

fn key(name: &str) -> Option<Key> {
    match name.parse().ok()? {
        // The URL names the bucket. Settings of a client are those of one that is not used.
        Key::Bucket => None,
        Key::Client(client) if client != AllowHttp => None,
        key => Some(key),
    }
}

/// The settings in variables `GOOGLE_…`.
fn of_environment() -> impl Iterator<Item = (Key, String)> {
    variables().filter_map(|(name, value)| {
        let key = name.starts_with("GOOGLE_").then(|| key(&name.to_ascii_lowercase()))??;
        (!matches!(key, Key::Client(_))).then_some((key, value))
    })
}

/// Opens a bucket. May block.
///
/// # Errors
/// [`Error::Configuration`] if an option is not known or there are no credentials.
pub(super) fn open(name: &BucketName, options: &StorageOptions) -> Result<Arc<dyn ListedStore>> {
    let mut given = Vec::new();
    let timeout = options.read(name, |name, value| take(&mut given, name, value))?;
    let mut builder = GoogleCloudStorageBuilder::new().with_bucket_name(&name.name);
    for (key, value) in settings(of_environment(), given, is_of_credentials) {
        builder = builder.with_config(key, value);
    }
    if is_true(builder.get_config_value(&Key::SkipSignature)) {
        // With a token, the files of gcloud are not read.
        builder = builder.with_bearer_token("");
    } else {
        has_credentials(&builder)?;
    }
    let builder = builder.with_http_connector(Connector::new(timeout)?);
    let store = builder.with_retry(retry(timeout)).build();
    Ok(Arc::new(store.map_err(|error| cannot(name, &error))?))
}

/// Whether a setting says who makes requests. Those that are given replace those of the
/// environment.
fn is_of_credentials(key: Key) -> bool {
    !matches!(key, Key::BaseUrl | Key::Client(_))
}

/// Checks that a machine without credentials has a service that gives them, before each request
/// waits for it.
fn has_credentials(builder: &GoogleCloudStorageBuilder) -> Result<()> {
    let is_set = [
        Key::ServiceAccount,
        Key::ServiceAccountKey,
        Key::ApplicationCredentials,
        Key::BearerToken,
    ]
    .iter()
    .any(|key| builder.get_config_value(key).is_some());
    let home = env::var_os(if cfg!(windows) { "APPDATA" } else { "HOME" });
    let has_file = home.is_some_and(|home| Path::new(&home).join(CREDENTIALS_FILE).exists());
    if is_set || has_file || is_on_google() {
        return Ok(());
    }
    Err(Error::configuration(NO_GOOGLE))
}

/// Errors about a JSON may quote it.
fn cannot(name: &BucketName, error: &object_store::Error) -> Error {
    let cannot = cannot_open(name, error);
    if !cannot.to_string().contains("Unable to decode service account") {
        return cannot;
    }
    Error::configuration(format!(
        "{name} cannot be opened: the credentials must be the JSON of a service account \
         (private_key, private_key_id, client_email) or of `gcloud auth application-default login`"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Key, take};

    fn taken(name: &str, value: &str) -> Vec<(Key, String)> {
        let mut settings = Vec::new();
        assert!(take(&mut settings, name, value), "{name}");
        settings
    }

    #[test]
    fn names_of_object_store_and_gcsfs_are_known() {
        for (name, value, key) in [
            ("google_service_account", "/a.json", Key::ServiceAccount),
            ("service_account_key", "{}", Key::ServiceAccountKey),
            ("token", "/dev/null", Key::ApplicationCredentials),
            ("token", "ya29.abc", Key::BearerToken),
            ("token", "{\"type\": 1}", Key::ServiceAccountKey),
            ("google_service_account", "{\"private_key\": 1}", Key::ServiceAccountKey),
            ("anon", "true", Key::SkipSignature),
            ("token", "anon", Key::SkipSignature),
            ("endpoint_url", "http://h/", Key::BaseUrl),
        ] {
            assert_eq!(taken(name, value)[0].0, key, "{name}={value}");
        }
        assert_eq!(taken("endpoint_url", "http://h/"), [(Key::BaseUrl, "http://h".to_owned())]);
        for (name, value) in [("project", "me"), ("token", "google_default"), ("token", "cloud")] {
            assert!(taken(name, value).is_empty());
        }
        for name in ["google_servce_account", "bucket", "account_key", "proxy_url"] {
            assert!(!take(&mut Vec::new(), name, "value"), "{name}");
        }
    }
}

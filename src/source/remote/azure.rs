//! Opens containers of Azure Blob Storage.

use std::{env, sync::Arc};

use object_store::{
    ClientConfigKey::AllowHttp,
    azure::{AzureConfigKey as Key, MicrosoftAzureBuilder},
};

use super::{
    credentials::{NO_AZURE, is_on_azure},
    opening::{cannot_open, is_true, retry, settings, variables},
    options::StorageOptions,
    store::ListedStore,
    url::BucketName,
};
use crate::{
    error::{Error, Result},
    object_stores::Connector,
};

/// Takes an option. Returns false if its name is not known.
fn take(settings: &mut Vec<(Key, String)>, name: &str, value: &str) -> bool {
    let key = match name {
        "connection_string" | "azure_storage_connection_string" => {
            settings.extend(of_connection_string(value));
            return true;
        }
        "anon" | "anonymous" => Key::SkipSignature,
        "endpoint_url" | "azure_endpoint_url" => Key::Endpoint,
        name => match key(name) {
            Some(key) => key,
            None => return false,
        },
    };
    settings.push((key, value.to_owned()));
    true
}

fn key(name: &str) -> Option<Key> {
    match name.parse().ok()? {
        // The URL names the container. Settings of a client are those of one that is not used.
        Key::ContainerName => None,
        Key::Client(client) if client != AllowHttp => None,
        key => Some(key),
    }
}

/// The settings in `AccountName=…;AccountKey=…;EndpointSuffix=…`.
fn of_connection_string(text: &str) -> Vec<(Key, String)> {
    let part = |name: &str| {
        let mut parts = text.split(';').filter_map(|part| part.trim().split_once('='));
        parts.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let (account, endpoint) = (part("AccountName"), part("BlobEndpoint"));
    let of_suffix = || {
        let protocol = part("DefaultEndpointsProtocol").unwrap_or_else(|| "https".to_owned());
        Some(format!("{protocol}://{}.blob.{}", account.as_deref()?, part("EndpointSuffix")?))
    };
    // Connection strings with a signature do not name an account.
    let of_host = || {
        let (_, host) = endpoint.as_deref()?.split_once("://")?;
        host.split_once('.').map(|(account, _)| account.to_owned())
    };
    let settings = [
        (Key::Endpoint, endpoint.clone().or_else(of_suffix)),
        (Key::AccountName, account.clone().or_else(of_host)),
        (Key::AccessKey, part("AccountKey")),
        (Key::SasKey, part("SharedAccessSignature")),
        (Key::UseEmulator, part("UseDevelopmentStorage")),
    ];
    settings.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// The settings in variables `AZURE_…`.
fn of_environment() -> Vec<(Key, String)> {
    let mut settings = Vec::new();
    if let Ok(text) = env::var("AZURE_STORAGE_CONNECTION_STRING") {
        settings.extend(of_connection_string(&text));
    }
    settings.extend(variables().filter_map(|(name, value)| {
        let is_known = name.starts_with("AZURE_") || name == "IDENTITY_ENDPOINT";
        let key = is_known.then(|| key(&name.to_ascii_lowercase()))??;
        (!matches!(key, Key::Client(_))).then_some((key, value))
    }));
    settings
}

/// Opens a container, or `CONTAINER@ACCOUNT.dfs.core.windows.net`. May block.
///
/// # Errors
/// [`Error::Configuration`] if an option is not known, or if there is no account or no credentials.
pub(super) fn open(name: &BucketName, options: &StorageOptions) -> Result<Arc<dyn ListedStore>> {
    let container = &name.name;
    let mut given = Vec::new();
    let timeout = options.read(name, |name, value| take(&mut given, name, value))?;
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in settings(of_environment(), given, is_of_credentials) {
        builder = builder.with_config(key, value);
    }
    builder = if container.contains('@') {
        builder.with_url(format!("abfss://{container}"))
    } else {
        has_account(&builder, container)?;
        builder.with_container_name(container)
    };
    has_credentials(&builder)?;
    let builder = builder.with_http_connector(Connector::new(timeout)?);
    let store = builder.with_retry(retry(timeout)).build();
    Ok(Arc::new(store.map_err(|error| cannot_open(name, &error))?))
}

/// Whether a setting says who makes requests. Those that are given replace those of the
/// environment.
fn is_of_credentials(key: Key) -> bool {
    matches!(
        key,
        Key::AccessKey
            | Key::SasKey
            | Key::Token
            | Key::ClientSecret
            | Key::FederatedTokenFile
            | Key::UseAzureCli
            | Key::SkipSignature
            | Key::CredentialType
    )
}

fn has_account(builder: &MicrosoftAzureBuilder, container: &str) -> Result<()> {
    let is_named = builder.get_config_value(&Key::AccountName).is_some();
    if is_named || is_true(builder.get_config_value(&Key::UseEmulator)) {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "az://{container} does not name a storage account; set the option account_name or the \
         variable AZURE_STORAGE_ACCOUNT_NAME, or use \
         abfss://{container}@ACCOUNT.dfs.core.windows.net/KEY"
    )))
}

/// Checks that a machine without credentials has a service that gives them, before each request
/// waits for it.
fn has_credentials(builder: &MicrosoftAzureBuilder) -> Result<()> {
    let is_set = [
        Key::AccessKey,
        Key::SasKey,
        Key::Token,
        Key::ClientSecret,
        Key::FederatedTokenFile,
        Key::MsiEndpoint,
        Key::FabricSessionToken,
        Key::CredentialType,
    ]
    .iter()
    .any(|key| builder.get_config_value(key).is_some());
    let is_on = |key| is_true(builder.get_config_value(&key));
    let is_set = is_set || is_on(Key::SkipSignature) || is_on(Key::UseAzureCli);
    if is_set || is_on(Key::UseEmulator) || is_on_azure() {
        return Ok(());
    }
    Err(Error::configuration(NO_AZURE))
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
    fn names_of_object_store_and_adlfs_are_known() {
        for (name, key) in [
            ("azure_storage_account_name", Key::AccountName),
            ("account_name", Key::AccountName),
            ("account_key", Key::AccessKey),
            ("sas_token", Key::SasKey),
            ("anon", Key::SkipSignature),
            ("client_secret", Key::ClientSecret),
            ("endpoint_url", Key::Endpoint),
        ] {
            assert_eq!(taken(name, "value"), [(key, "value".to_owned())]);
        }
        for name in ["azure_storage_acount_name", "container_name", "secret", "proxy_url"] {
            assert!(!take(&mut Vec::new(), name, "value"), "{name}");
        }
    }

    #[test]
    fn a_connection_string_has_settings() {
        let settings = |text| taken("connection_string", text);
        assert_eq!(
            settings(
                "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a==;EndpointSuffix=x.y"
            ),
            [
                (Key::Endpoint, "https://me.blob.x.y".to_owned()),
                (Key::AccountName, "me".to_owned()),
                (Key::AccessKey, "a==".to_owned()),
            ]
        );
        assert_eq!(
            settings("BlobEndpoint=https://me.blob.core.windows.net;SharedAccessSignature=a=b&c=d"),
            [
                (Key::Endpoint, "https://me.blob.core.windows.net".to_owned()),
                (Key::AccountName, "me".to_owned()),
                (Key::SasKey, "a=b&c=d".to_owned()),
            ]
        );
    }
}

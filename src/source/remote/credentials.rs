//! Error messages for machines without credentials, and whether a machine is one of a cloud.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

pub(super) const NO_S3: &str = "no credentials for s3:// were found in storage_options \
     (aws_access_key_id, aws_secret_access_key), in the environment (AWS_ACCESS_KEY_ID, \
     AWS_SECRET_ACCESS_KEY), in the profile (AWS_PROFILE, ~/.aws/credentials), or in the metadata \
     service of an AWS machine; for a public bucket, set the option aws_skip_signature to true";

pub(super) const NO_GOOGLE: &str = "no credentials for gs:// were found in storage_options \
     (google_service_account, token), in the environment (GOOGLE_SERVICE_ACCOUNT, \
     GOOGLE_APPLICATION_CREDENTIALS), in ~/.config/gcloud (gcloud auth application-default login), \
     or in the metadata service of a Google Cloud machine; for a public bucket, set the \
     option anon to true";

pub(super) const NO_AZURE: &str = "no credentials for az:// were found in storage_options \
     (account_key, sas_token, client_secret), in the environment (AZURE_STORAGE_ACCOUNT_KEY, \
     AZURE_STORAGE_SAS_TOKEN, AZURE_CLIENT_SECRET), or in the metadata service of an Azure \
     machine; to use those of `az login`, set the option azure_use_azure_cli to true; for a \
     public container, set the option anon to true";

/// The service that gives credentials to machines of a cloud.
const METADATA: &str = "169.254.169.254";
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether a service listens at the address of AWS, or at `endpoint`.
pub(super) fn is_on_aws(endpoint: Option<&str>) -> bool {
    let mut addresses = addresses(endpoint.unwrap_or(METADATA));
    addresses.any(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
}

/// Whether this is a machine of Google Cloud. Other clouds use the same address.
pub(super) fn is_on_google() -> bool {
    let variable = |name| std::env::var(name).ok().filter(|host| !host.is_empty());
    let host = variable("GCE_METADATA_HOST").or_else(|| variable("GCE_METADATA_IP"));
    let head = response(host.as_deref().unwrap_or(METADATA), "/", "Metadata-Flavor: Google");
    head.is_some_and(|head| head.to_ascii_lowercase().contains("metadata-flavor: google"))
}

/// Whether this is a machine of Azure.
pub(super) fn is_on_azure() -> bool {
    let path = "/metadata/instance?api-version=2021-02-01";
    response(METADATA, path, "Metadata: true")
        .and_then(|head| head.split_whitespace().nth(1).map(|status| status == "200"))
        .unwrap_or(false)
}

/// The beginning of the response to a request with a header.
fn response(host: &str, path: &str, header: &str) -> Option<String> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n{header}\r\n\r\n");
    let asked = |address: SocketAddr| -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
    };
    addresses(host).find_map(|address| asked(address).ok())
}

fn addresses(url: &str) -> impl Iterator<Item = SocketAddr> {
    let host = url.split_once("://").map_or(url, |(_, host)| host).trim_end_matches('/');
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    host.to_socket_addrs().into_iter().flatten()
}

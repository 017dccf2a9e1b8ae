//! Repositories of the Hugging Face hub.

use std::{collections::BTreeSet, env, fs, io, path::PathBuf};

use http::header;
use object_store::path::Path;
use percent_encoding::percent_decode_str;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    contents::Contents,
    error::ReadError,
    identity::Identity,
    options::StorageOptions,
    url::BucketName,
    wait::Attempts,
    web::{WebFile, broken},
};
use crate::error::{Error, Result};

const HUB: &str = "https://huggingface.co";

/// A repository in the state of one commit, which never changes.
pub(super) struct Repository {
    client: Client,
    endpoint: Url,
    /// `datasets`, the owner and the name.
    parts: [String; 3],
    commit: String,
    token: Option<SecretString>,
}

/// An entry of a tree.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
struct Revision {
    sha: String,
}

/// The token for the hub: of the options, the environment, or the file of its tools.
///
/// # Errors
/// [`Error::Configuration`] for an option that is not known.
pub(super) fn token(name: &BucketName, options: &StorageOptions) -> Result<Option<SecretString>> {
    let mut token = None;
    options.read(name, |name, value| {
        let is_known = matches!(name, "hf_token" | "token");
        if is_known && (name == "hf_token" || token.is_none()) {
            token = Some(value.to_owned());
        }
        is_known
    })?;
    let token = token.or_else(|| variable("HF_TOKEN")).or_else(token_of_file);
    Ok(token.filter(|token| !token.is_empty()).map(SecretString::from))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn token_of_file() -> Option<String> {
    let home = || match variable("HF_HOME") {
        Some(home) => Some(PathBuf::from(home)),
        None => Some(env::home_dir()?.join(".cache").join("huggingface")),
    };
    let file = variable("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(home()?.join("token")));
    Some(fs::read_to_string(file?).ok()?.trim().to_owned())
}

/// The address of the hub.
///
/// # Errors
/// [`Error::Configuration`] if `HF_ENDPOINT` is no URL.
pub(super) fn endpoint() -> Result<Url> {
    let url = variable("HF_ENDPOINT");
    let url = Url::parse(url.as_deref().unwrap_or(HUB)).ok().filter(|url| !url.cannot_be_a_base());
    url.ok_or_else(|| Error::configuration("HF_ENDPOINT must be a URL, such as https://HOST"))
}

impl Repository {
    /// Finds the commit of a revision: `datasets/ORG/REPO@REVISION`.
    pub(super) async fn open(
        client: Client,
        endpoint: Url,
        name: String,
        token: Option<SecretString>,
    ) -> Result<Self, ReadError> {
        let (name, revision) = name.split_once('@').unwrap_or((&name, "main"));
        let mut parts = name.splitn(3, '/').map(str::to_owned);
        let parts = [(); 3].map(|()| parts.next().unwrap_or_default());
        let mut repository = Self { client, endpoint, parts, commit: String::new(), token };
        let revision = percent_decode_str(revision).decode_utf8_lossy();
        let revision = revision.replace("~parquet", "refs/convert/parquet");
        let url = repository.url(&["api"], &["revision", &revision])?;
        let (_, Revision { sha }) = repository.json(url).await?;
        repository.commit = sha;
        Ok(repository)
    }

    /// A URL of the repository. Slashes in parts are encoded.
    fn url(&self, before: &[&str], behind: &[&str]) -> Result<Url, ReadError> {
        let mut url = self.endpoint.clone();
        let parts = self.parts.iter().map(String::as_str);
        let parts = before.iter().copied().chain(parts).chain(behind.iter().copied());
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend(parts),
            Err(()) => return Err(ReadError::Missing),
        };
        Ok(url)
    }

    /// A file of the repository.
    pub(super) fn file(&self, key: &str) -> Result<WebFile> {
        let path: Vec<_> = ["resolve", &self.commit].into_iter().chain(key.split('/')).collect();
        let url =
            self.url(&[], &path).map_err(|_| Error::configuration("HF_ENDPOINT is no URL"))?;
        WebFile::new(self.client.clone(), url.as_str(), self.token.clone())
    }

    /// The contents of a folder; empty if it does not exist.
    pub(super) async fn list(
        &self,
        folder: &str,
        is_recursive: bool,
    ) -> Result<Contents, ReadError> {
        let folders = folder.split('/').filter(|part| !part.is_empty());
        let path: Vec<_> = ["tree", &self.commit].into_iter().chain(folders).collect();
        let mut url = self.url(&["api"], &path)?;
        if is_recursive {
            url.set_query(Some("recursive=true"));
        }
        let mut contents = Contents::default();
        loop {
            let (next, entries): (_, Vec<Entry>) = match self.json(url.clone()).await {
                Err(ReadError::Missing) => return Ok(contents),
                page => page?,
            };
            for Entry { kind, path, size } in entries {
                match kind.as_str() {
                    "file" => {
                        let path = Path::parse(&path).map_err(|error| unreadable(&path, &error))?;
                        contents.files.push((path, Identity::new(size, None, None)));
                    }
                    "directory" => contents.folders.push(path),
                    _ => {}
                }
            }
            match next {
                // A page that links to itself would be read forever.
                Some(query) if url.query() != Some(&query) => url.set_query(Some(&query)),
                _ => return Ok(contents),
            }
        }
    }

    /// Whether anything is in these folders. One request for all that are side by side.
    pub(super) async fn have_entries(&self, folders: &[Path]) -> Vec<bool> {
        let parent = |folder: &Path| {
            folder.as_ref().rsplit_once('/').map_or("", |(parent, _)| parent).to_owned()
        };
        let parents: BTreeSet<_> = folders.iter().map(parent).collect();
        let mut known = BTreeSet::new();
        for parent in parents {
            known.extend(self.list(&parent, false).await.unwrap_or_default().folders);
        }
        folders.iter().map(|folder| known.contains(folder.as_ref())).collect()
    }

    /// A response, and the query of its next page.
    async fn json<T: DeserializeOwned>(&self, url: Url) -> Result<(Option<String>, T), ReadError> {
        let mut attempts = Attempts::default();
        loop {
            match self.get(url.clone()).await {
                Ok(response) => {
                    let next = next_page(&response);
                    match response.json().await.map_err(broken) {
                        Ok(read) => return Ok((next, read)),
                        Err(error) => attempts.pause_after(error).await?,
                    }
                }
                Err(error) => attempts.pause_after(error).await?,
            }
        }
    }

    async fn get(&self, url: Url) -> Result<Response, ReadError> {
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let failed = |kind, words: &str| {
            Err(ReadError::Failed(kind, format!("{words} (HTTP {})", status.as_u16())))
        };
        match status {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(ReadError::Missing),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failed(
                io::ErrorKind::PermissionDenied,
                "there is no such repository, or it is not public; set HF_TOKEN, or the option \
                 hf_token",
            ),
            StatusCode::TOO_MANY_REQUESTS => Err(ReadError::Broken("HTTP 429".to_owned())),
            _ if status.is_server_error() => {
                Err(ReadError::Broken(format!("HTTP {}", status.as_u16())))
            }
            _ => failed(io::ErrorKind::Other, "the hub did not list the repository"),
        }
    }
}

fn unreadable(path: &str, error: &object_store::path::Error) -> ReadError {
    ReadError::Failed(io::ErrorKind::InvalidData, format!("the hub lists {path:?}: {error}"))
}

/// The query of the URL in `Link: <URL>; rel="next"`. Only the query: the token is for the hub.
fn next_page(response: &Response) -> Option<String> {
    let links = response.headers().get(header::LINK)?.to_str().ok()?;
    links.split(',').find_map(|link| {
        let (url, relation) = link.split_once('>')?;
        let url = Url::parse(url.trim().strip_prefix('<')?).ok()?;
        relation.contains("rel=\"next\"").then(|| url.query().map(str::to_owned))?
    })
}

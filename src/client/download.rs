//! Downloads files to a folder: streams them to disk under a temporary name, and renames complete
//! ones.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Component, Path, PathBuf},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tempfile::NamedTempFile;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::{answer::Subject, http::ApiClient, retry::Since};
use crate::{
    background::in_background,
    error::{Error, Result},
    location::Location,
    regular_file::{hangs, open_regular},
    source::{Content, OutputPlace, Source, StorageOptions},
    temporary_file::{in_temporary_folder, temporary_file},
    wire::{
        digest::{ContentHash, HashKind},
        messages::{DatasetFile, DownloadFromDataset},
        places::Places,
    },
};

/// What to download, and where to.
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    /// Names in the dataset; `None` downloads all files.
    pub files: Option<Vec<String>>,
    /// The target: a folder, which is created if needed, or the URL of a prefix in a bucket.
    pub output: PathBuf,
    /// Options of the store of a URL.
    pub storage_options: StorageOptions,
    /// The number of files downloaded at the same time.
    pub concurrency: usize,
    /// Replace files with the same name and other content.
    pub overwrite: bool,
}

/// A file of the dataset, and its path on this machine.
struct Download {
    file: DatasetFile,
    target: PathBuf,
}

impl ApiClient {
    /// Downloads files of a dataset to a folder or a bucket. Returns the paths or URLs in the order
    /// of the names.
    ///
    /// Existing files with the same content stay as they are. If a file has other content, nothing
    /// is written, unless overwriting is enabled: then complete downloads replace files atomically.
    ///
    /// # Errors
    /// [`Error::OtherContent`] if files would be overwritten, [`Error::File`] if the target cannot
    /// be written, [`Error::Configuration`] if a name would lead out of the folder, or if the store
    /// cannot be opened, [`Error::DatasetNotFound`], [`Error::NoSuchFile`].
    pub async fn download_from_dataset(
        &self,
        dataset_id: &str,
        options: DownloadOptions,
    ) -> Result<Vec<Location>> {
        let DownloadOptions { files, output, storage_options, concurrency, overwrite } = options;
        let place = OutputPlace::open(output, storage_options).await?;
        let listing = self.list_dataset_files(dataset_id).await?;
        let mut files = wanted(dataset_id, listing, files)?;
        let locations = files.iter().map(|file| place.location(&file.file_name)).collect();
        let mut known = HashSet::new();
        files.retain(|file| known.insert(file.file_name.clone()));
        match place {
            OutputPlace::Folder(folder) => {
                self.download_to_folder(dataset_id, files, &folder, concurrency, overwrite).await?;
            }
            OutputPlace::Prefix(prefix) => {
                self.download_to_prefix(dataset_id, files, &prefix, concurrency, overwrite).await?;
            }
        }
        Ok(locations)
    }

    async fn download_to_folder(
        &self,
        dataset_id: &str,
        files: Vec<DatasetFile>,
        folder: &Path,
        concurrency: usize,
        overwrite: bool,
    ) -> Result<()> {
        let made = self.in_time(tokio::fs::create_dir_all(folder)).await;
        made.map_err(Error::in_file(folder))?;
        let download = |file: DatasetFile| Download { target: folder.join(&file.file_name), file };
        let downloads = files.into_iter().map(download).collect();
        let missing = if overwrite {
            downloads
        } else {
            self.without_those_here(dataset_id, downloads, concurrency).await?
        };
        let work = missing.into_iter().map(|Download { file, target }| async move {
            self.download(dataset_id, &file.file_name, target, overwrite).await
        });
        stream::iter(work).buffered(concurrency.max(1)).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    /// Returns the files that are not on this machine.
    ///
    /// # Errors
    /// [`Error::OtherContent`] with all files that exist with other content.
    async fn without_those_here(
        &self,
        dataset_id: &str,
        downloads: Vec<Download>,
        concurrency: usize,
    ) -> Result<Vec<Download>> {
        let work = downloads.into_iter().map(|download| async move {
            let here = self.is_here(dataset_id, &download).await?;
            Ok::<_, Error>((download, here))
        });
        let judged: Vec<_> = stream::iter(work).buffered(concurrency.max(1)).try_collect().await?;
        let (mut missing, mut others) = (Vec::new(), Vec::new());
        for (download, here) in judged {
            match here {
                Here::Missing => missing.push(download),
                Here::Same => {}
                Here::OtherContent => others.push(download.target),
            }
        }
        if others.is_empty() { Ok(missing) } else { Err(Error::OtherContent { paths: others }) }
    }

    /// Compares a file with the one at its target: by size, then by content. Downloads the content
    /// only if the server does not report its hash.
    async fn is_here(&self, dataset_id: &str, download: &Download) -> Result<Here> {
        let Download { file, target } = download;
        let Ok(metadata) = tokio::fs::symlink_metadata(target).await else {
            return Ok(Here::Missing);
        };
        let is_same_size = file.size_bytes.is_none_or(|size| size == metadata.len());
        let is_file = tokio::fs::metadata(target).await.is_ok_and(|target| target.is_file());
        if !is_file || (metadata.is_file() && !is_same_size) {
            return Ok(Here::OtherContent);
        }
        let target = target.clone();
        let is_same = if let Some(hash) = file.sha256 {
            let hash_here = move || {
                Content::from(Source::pin(&target)?).read_hash(HashKind::Sha256, |_| Ok(()))
            };
            in_background(hash_here).await? == ContentHash::Sha256(hash)
        } else {
            let downloaded = self.download_temporary(dataset_id, &file.file_name).await?;
            let compare = move || {
                let here = open_regular(&target);
                let same = here.and_then(|(here, _)| have_same_bytes(here, downloaded));
                same.map_err(Error::in_file(&target))
            };
            in_background(compare).await?
        };
        Ok(if is_same { Here::Same } else { Here::OtherContent })
    }

    async fn download(
        &self,
        dataset_id: &str,
        name: &str,
        target: PathBuf,
        overwrite: bool,
    ) -> Result<()> {
        let target = &target;
        self.retrying(Since::FirstFailure, || async {
            let beside = target.clone();
            let partial = in_background(move || partial_file(&beside)).await?;
            let in_partial = |source| Error::File { path: partial.path().to_owned(), source };
            let file = partial.as_file().try_clone().map_err(in_partial)?;
            let mut file = tokio::fs::File::from_std(file);
            self.receive(dataset_id, name, &mut file, in_partial).await?;
            self.in_time(file.sync_all()).await.map_err(in_partial)?;
            let target = target.clone();
            in_background(move || named(partial, &target, overwrite)).await
        })
        .await
    }

    /// Downloads one file of a dataset to a temporary file, positioned at its start.
    ///
    /// # Errors
    /// The errors of [`ApiClient::download_from_dataset`].
    pub(crate) async fn download_temporary(&self, dataset_id: &str, name: &str) -> Result<File> {
        self.retrying(Since::FirstFailure, || async {
            let mut file = tokio::fs::File::from_std(temporary_file()?);
            self.receive(dataset_id, name, &mut file, in_temporary_folder).await?;
            file.rewind().await.map_err(in_temporary_folder)?;
            Ok(file.into_std().await)
        })
        .await
    }

    /// One attempt to receive a file; `not_written` maps errors of the disk.
    async fn receive(
        &self,
        dataset_id: &str,
        name: &str,
        file: &mut tokio::fs::File,
        not_written: impl Fn(io::Error) -> Error,
    ) -> Result<()> {
        let subject =
            Subject { file_name: Some(name.to_owned()), ..self.subject(Some(dataset_id)) };
        let request = self.post("download-from-dataset").json(&DownloadFromDataset {
            dataset_id: dataset_id.to_owned(),
            file_name: name.to_owned(),
        });
        let send = subject.send(request);
        let mut answer =
            subject.within(self.options().answer_timeout, "did not respond", send).await?;
        if !answer.status().is_success() {
            return Err(subject.error_of(answer).await);
        }
        loop {
            let next = async { answer.chunk().await.map_err(|error| subject.broken(&error)) };
            let next = subject.within(self.options().progress_timeout, "sent no bytes", next);
            let Some(chunk) = next.await? else { break };
            self.in_time(file.write_all(&chunk)).await.map_err(&not_written)?;
        }
        self.in_time(file.flush()).await.map_err(&not_written)
    }

    /// Limits the time of work on a disk or on a mount that may hang.
    async fn in_time<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let limit = self.options().progress_timeout;
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(hangs(limit)))
    }
}

/// Names from the server are data: they must not lead out of the folder.
fn check_name(name: &str) -> Result<()> {
    let mut components = Path::new(name).components();
    let is_plain = matches!(components.next(), Some(Component::Normal(part)) if part == name)
        && components.next().is_none()
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control);
    if is_plain {
        Ok(())
    } else {
        Err(Error::configuration(format!(
            "the dataset contains a file named {name:?}, which is not a valid file name on this \
             machine; pass the names of the files to download"
        )))
    }
}

/// What exists at a target path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    Missing,
    Same,
    OtherContent,
}

/// The files to download, in the order of the requested names.
fn wanted(
    dataset_id: &str,
    listing: Vec<DatasetFile>,
    names: Option<Vec<String>>,
) -> Result<Vec<DatasetFile>> {
    let wanted: Vec<_> = match names {
        None => listing,
        Some(names) => {
            let places = Places::of(names.iter().map(String::as_str), &listing);
            let find = |name: &String| {
                let found = places.get(name).map(|place| listing[place].clone());
                found.ok_or_else(|| Error::NoSuchFile {
                    dataset_id: dataset_id.to_owned(),
                    file_name: name.clone(),
                })
            };
            names.iter().map(find).collect::<Result<_>>()?
        }
    };
    wanted.iter().try_for_each(|file| check_name(&file.file_name))?;
    Ok(wanted)
}

/// A temporary file next to its target. It is removed unless it is renamed.
fn partial_file(target: &Path) -> Result<NamedTempFile> {
    let folder = target.parent().unwrap_or(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    // With the mode of any new file, not private to its owner.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(Error::in_file(folder))
}

/// Renames a complete file, without replacing a file that was created meanwhile.
fn named(partial: NamedTempFile, target: &Path, overwrite: bool) -> Result<()> {
    let persisted =
        if overwrite { partial.persist(target) } else { partial.persist_noclobber(target) };
    persisted.map(drop).map_err(|error| {
        if error.error.kind() == io::ErrorKind::AlreadyExists && !overwrite {
            Error::OtherContent { paths: vec![target.to_owned()] }
        } else {
            Error::in_file(target)(error.error)
        }
    })
}

fn have_same_bytes(left: File, right: File) -> io::Result<bool> {
    let (mut left, mut right) = (BufReader::new(left), BufReader::new(right));
    loop {
        let (of_left, of_right) = (left.fill_buf()?, right.fill_buf()?);
        let length = of_left.len().min(of_right.len());
        if length == 0 {
            return Ok(of_left.is_empty() && of_right.is_empty());
        }
        if of_left[..length] != of_right[..length] {
            return Ok(false);
        }
        left.consume(length);
        right.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_name_from_the_server_cannot_escape_the_folder() {
        for name in ["../x.parquet", "/etc/x", "a/b", "..", ".", "", "a\\b", "a\0b", "./a"] {
            let error = check_name(name).unwrap_err().to_string();
            assert!(error.contains(&format!("a file named {name:?}, which")), "{error}");
        }
        assert!(check_name("a b.parquet").is_ok());
    }
}

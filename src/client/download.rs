//! Downloads: streamed to disk under a temporary name, renamed when whole.

use std::{
    fs::File,
    io,
    path::{Component, Path, PathBuf},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use uuid::Uuid;

use super::{answer::Subject, http::ApiClient, source::in_file};
use crate::{
    error::{Error, Result},
    temporary_file::{in_temporary_folder, temporary_file},
    wire::messages::DownloadFromDataset,
};

impl ApiClient {
    /// Downloads `files` of a dataset, all of them where none are named, into `folder`, at
    /// most `concurrency` at a time. Returns the paths in the order of the names.
    ///
    /// A file of the same name in the folder is replaced, at once and as a whole.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be written or a name would lead out of it,
    /// [`Error::DatasetNotFound`], [`Error::Refused`] for an unknown file.
    pub async fn download_from_dataset(
        &self,
        dataset_id: &str,
        files: Option<Vec<String>>,
        folder: &Path,
        concurrency: usize,
    ) -> Result<Vec<PathBuf>> {
        let listing = self.list_dataset_files(dataset_id).await?;
        let listed: Vec<_> = listing.into_iter().map(|file| file.file_name).collect();
        let unknown = files.iter().flatten().find(|name| !listed.contains(name));
        if let Some(unknown) = unknown {
            // As the service would, but before anything is written.
            return Err(Error::Refused {
                file_name: Some(unknown.clone()),
                status: 404,
                message: "File not found in dataset".to_owned(),
            });
        }
        let names = files.unwrap_or(listed);
        let targets =
            names.iter().map(|name| target_path(folder, name)).collect::<Result<Vec<_>>>()?;
        tokio::fs::create_dir_all(folder).await.map_err(in_file(folder))?;
        let downloads = names
            .into_iter()
            .zip(targets)
            .map(|(name, target)| async move { self.download(dataset_id, &name, target).await });
        stream::iter(downloads).buffered(concurrency.max(1)).try_collect().await
    }

    async fn download(&self, dataset_id: &str, name: &str, target: PathBuf) -> Result<PathBuf> {
        self.retrying(|| async {
            let partial = PartialFile::beside(&target);
            let in_partial = |source| Error::File { path: partial.0.clone(), source };
            let mut file = tokio::fs::File::create(&partial.0).await.map_err(in_partial)?;
            self.receive(dataset_id, name, &mut file, in_partial).await?;
            file.sync_all().await.map_err(in_partial)?;
            tokio::fs::rename(&partial.0, &target).await.map_err(in_file(&target))
        })
        .await?;
        Ok(target)
    }

    /// Downloads one file of a dataset into a temporary one, which stands at its start.
    ///
    /// # Errors
    /// As [`ApiClient::download_from_dataset`].
    pub(crate) async fn download_temporary(&self, dataset_id: &str, name: &str) -> Result<File> {
        self.retrying(|| async {
            let mut file = tokio::fs::File::from_std(temporary_file()?);
            self.receive(dataset_id, name, &mut file, in_temporary_folder).await?;
            file.rewind().await.map_err(in_temporary_folder)?;
            Ok(file.into_std().await)
        })
        .await
    }

    /// One attempt to receive a file; `not_written` is told what the disk says.
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
            subject.within(self.options().answer_timeout, "did not answer", send).await?;
        if !answer.status().is_success() {
            return Err(subject.error_of(answer).await);
        }
        loop {
            let next = async { answer.chunk().await.map_err(|error| subject.broken(&error)) };
            let next = subject.within(self.options().progress_timeout, "sent no bytes", next);
            let Some(chunk) = next.await? else { break };
            file.write_all(&chunk).await.map_err(&not_written)?;
        }
        file.flush().await.map_err(&not_written)
    }
}

/// A name from the service is data: it must not lead out of the folder.
fn target_path(folder: &Path, name: &str) -> Result<PathBuf> {
    let mut components = Path::new(name).components();
    let is_plain = matches!(components.next(), Some(Component::Normal(part)) if part == name)
        && components.next().is_none()
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control);
    if is_plain {
        Ok(folder.join(name))
    } else {
        Err(Error::Configuration(format!(
            "the dataset holds a file named {name:?}, which cannot be a file name here; name the \
             files to download"
        )))
    }
}

/// A temporary file that is removed unless it was renamed.
struct PartialFile(PathBuf);

impl PartialFile {
    fn beside(target: &Path) -> Self {
        Self(target.with_file_name(format!(".{}.part", Uuid::new_v4().simple())))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // Missing after the rename.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::target_path;

    #[test]
    fn a_name_from_the_service_never_leads_out_of_the_folder() {
        for name in ["../x.parquet", "/etc/x", "a/b", "..", ".", "", "a\\b", "a\0b", "./a"] {
            assert!(target_path(Path::new("/tmp"), name).is_err(), "{name:?}");
        }
        assert!(target_path(Path::new("/tmp"), "a b.parquet").is_ok());
    }
}

//! Downloads: streamed to disk under a temporary name, renamed when whole.

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Response;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{answer::Subject, http::ApiClient, source::in_file};
use crate::{
    error::{Error, Result},
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
        let names = if let Some(names) = files {
            names
        } else {
            let listing = self.list_dataset_files(dataset_id).await?;
            listing.into_iter().map(|file| file.file_name).collect()
        };
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
        let subject =
            Subject { file_name: Some(name.to_owned()), ..self.subject(Some(dataset_id)) };
        self.retrying(|| async {
            let request = self.post("download-from-dataset").json(&DownloadFromDataset {
                dataset_id: dataset_id.to_owned(),
                file_name: name.to_owned(),
            });
            let send = subject.send(request);
            let answer =
                subject.within(self.options().answer_timeout, "did not answer", send).await?;
            if !answer.status().is_success() {
                return Err(subject.error_of(answer).await);
            }
            let partial = PartialFile::beside(&target);
            subject.save(answer, &partial.0, self.options().progress_timeout).await?;
            tokio::fs::rename(&partial.0, &target).await.map_err(in_file(&target))
        })
        .await?;
        Ok(target)
    }
}

impl Subject {
    async fn save(
        &self,
        mut answer: Response,
        path: &Path,
        progress_timeout: Duration,
    ) -> Result<()> {
        let mut file = tokio::fs::File::create(path).await.map_err(in_file(path))?;
        loop {
            let next = async { answer.chunk().await.map_err(|error| self.broken(&error)) };
            let Some(chunk) = self.within(progress_timeout, "sent no bytes", next).await? else {
                break;
            };
            file.write_all(&chunk).await.map_err(in_file(path))?;
        }
        file.sync_all().await.map_err(in_file(path))
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

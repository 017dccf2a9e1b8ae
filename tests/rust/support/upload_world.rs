//! A folder of files, a server, and uploads from one to the other.

use std::{fs, path::PathBuf, sync::Arc};

use axum::Router;
use sutro::{
    client::ApiClient,
    credentials::ApiKey,
    service::{Keys, Limits, Place, Service},
    upload::{
        FileStatus, Paths, Source, Staging, UploadError, UploadOptions, UploadReport, upload,
    },
};
use tempfile::TempDir;

use super::{parquet_files::int64_file, server::client};

pub(crate) const KEY: &str = "test-key";

/// A folder of files to upload, and a server. Uploads are staged if the server does that.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) service: Service,
    pub(crate) api: ApiClient,
}

impl World {
    /// A server that stages no files.
    pub(crate) async fn with(change: impl FnOnce(Router) -> Router) -> Self {
        Self::with_limits(Limits { max_staged_files: 0, ..Limits::default() }, change).await
    }

    /// A server that stages files.
    pub(crate) async fn staging(change: impl FnOnce(Router) -> Router) -> Self {
        Self::with_limits(Limits::default(), change).await
    }

    pub(crate) async fn with_limits(limits: Limits, change: impl FnOnce(Router) -> Router) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = ApiKey::new(KEY).unwrap();
        let (keys, at) = (Keys::shared(&key), folder.path().join("service"));
        let service = Service::open(&Place::folder(&at), keys, limits).await.unwrap();
        Self::of(folder, service, change).await
    }

    /// The same files and the same data, with a server that nothing disturbs.
    pub(crate) async fn without_layer(self) -> Self {
        Self::of(self.folder, self.service, |router| router).await
    }

    async fn of(folder: TempDir, service: Service, change: impl FnOnce(Router) -> Router) -> Self {
        let key = ApiKey::new(KEY).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = change(service.router());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder, service, api: client(&url, &key) }
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.files()).unwrap();
        fs::write(self.files().join(name), bytes).unwrap();
    }

    pub(crate) fn write_some(&self, count: usize) {
        (0..count).for_each(|index| self.write(&name(index), &int64_file(&["id"], index + 1)));
    }

    pub(crate) fn source(&self) -> Source {
        let paths = vec![self.files().display().to_string()];
        Source::Files(Paths { paths, ..Paths::default() }.find().unwrap())
    }

    pub(crate) async fn upload(&self, options: UploadOptions) -> Result<UploadReport, UploadError> {
        let is_default = options.staging == Staging::default();
        let staging = if is_default { Staging::IfAnnounced } else { options.staging };
        let options = UploadOptions { staging, ..options };
        upload(&self.api, self.source(), options, Arc::default()).await
    }

    pub(crate) async fn names(&self, dataset_id: &str) -> Vec<String> {
        let files = self.api.list_dataset_files(dataset_id).await.unwrap();
        files.into_iter().map(|file| file.file_name).collect()
    }
}

pub(crate) fn name(index: usize) -> String {
    format!("part-{index}.parquet")
}

pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(name).collect()
}

pub(crate) fn into(dataset_id: &str) -> UploadOptions {
    UploadOptions { dataset_id: Some(dataset_id.to_owned()), ..UploadOptions::default() }
}

pub(crate) fn statuses(report: &UploadReport) -> Vec<FileStatus> {
    report.files.iter().map(|file| file.status).collect()
}

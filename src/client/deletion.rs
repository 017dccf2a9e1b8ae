//! The calls of the deletion extension.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    answer::{Subject, announces},
    calls::checked_id,
    http::ApiClient,
    retry::Since,
};
use crate::{
    config::MAX_ANSWER_BYTES,
    error::{Error, Result},
    wire::deletion::{
        DELETE_DATASET, DELETE_FILE, DELETION, DeleteDataset, DeleteFile, DeletedDataset,
        DeletedFile, DeletionRefusal,
    },
};

impl ApiClient {
    /// Deletes a dataset with all of its files.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`] if there is no such dataset, [`Error::Configuration`] if the
    /// server does not delete datasets; the errors of every call.
    pub async fn delete_dataset(&self, dataset_id: &str) -> Result<()> {
        checked_id(dataset_id)?;
        let subject = self.subject(Some(dataset_id));
        let body = DeleteDataset { dataset_id: dataset_id.to_owned() };
        self.deleting::<DeletedDataset>(&subject, || self.post(path(DELETE_DATASET)).json(&body))
            .await
    }

    /// Deletes a file of a dataset. The other files keep their order.
    ///
    /// # Errors
    /// [`Error::DatasetNotFound`] if there is no such dataset, [`Error::Refused`] if the dataset
    /// has no such file, [`Error::Configuration`] if the server does not delete files; the errors
    /// of every call.
    pub async fn delete_dataset_file(&self, dataset_id: &str, file_name: &str) -> Result<()> {
        checked_id(dataset_id)?;
        let subject = self.subject(Some(dataset_id));
        let body =
            DeleteFile { dataset_id: dataset_id.to_owned(), file_name: file_name.to_owned() };
        self.deleting::<DeletedFile>(&subject, || self.post(path(DELETE_FILE)).json(&body)).await
    }

    /// If the response to an earlier attempt was lost, a dataset or file that is unknown was deleted
    /// by that attempt.
    async fn deleting<T: DeserializeOwned>(
        &self,
        subject: &Subject,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<()> {
        let may_be_done = AtomicBool::new(false);
        self.retrying(Since::Start, || async {
            let call = self.deletion::<T>(subject, request());
            let limit = self.options().answer_timeout;
            match subject.within(limit, "did not respond", call).await {
                Err(error) if may_be_done.load(Ordering::Relaxed) && is_unknown(&error) => Ok(()),
                Err(error) => {
                    may_be_done.fetch_or(!is_rejected_unseen(&error), Ordering::Relaxed);
                    Err(error)
                }
                Ok(()) => Ok(()),
            }
        })
        .await
    }

    async fn deletion<T: DeserializeOwned>(
        &self,
        subject: &Subject,
        request: RequestBuilder,
    ) -> Result<()> {
        let answer = subject.send(request).await?;
        let status = answer.status();
        if is_missing_call(status) && !announces(&answer, DELETION) {
            return Err(Error::configuration(format!(
                "the server at {} cannot delete datasets or files: it does not announce deletion",
                self.host()
            )));
        }
        if status != StatusCode::NOT_FOUND {
            return subject.read::<T>(answer, MAX_ANSWER_BYTES).await.map(drop);
        }
        let body = subject.collect(answer, MAX_ANSWER_BYTES).await?;
        let refusal: DeletionRefusal = serde_json::from_slice(&body).unwrap_or_default();
        let subject = Subject { file_name: refusal.file_name, ..subject.clone() };
        Err(subject.refusal(status, &body, None))
    }
}

fn path(call: &str) -> &str {
    call.trim_start_matches('/')
}

/// How servers respond to a call that they do not have.
fn is_missing_call(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    )
}

fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::DatasetNotFound { .. } | Error::Refused { status: 404, .. })
}

/// Whether the server has rejected the request without looking at it.
fn is_rejected_unseen(error: &Error) -> bool {
    matches!(error, Error::Unavailable { status: 429 | 503, .. })
}

//! The calls of the dataset API.

use std::{sync::Arc, time::Duration};

use reqwest::{Body, RequestBuilder, header};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{
    answer::Subject,
    body::{BodyState, ControlledEnd, Framing, GatedBody},
    http::ApiClient,
    options::ClientOptions,
    retry::Since,
};
use crate::{
    config::{ENCRYPTED_READ_BYTES, MAX_ANSWER_BYTES, MAX_DATASETS_BYTES, READ_BYTES},
    error::{Error, Result},
    message::{ECHOED_CHARS, cut},
    regular_file::hangs,
    source::{Content, ContentReader, ReadAhead},
    wire::id::is_id,
    wire::messages::{Authentication, CreatedDataset, DatasetInfo, DatasetList, UploadedFile},
};

/// One attempt to upload a file.
pub(crate) struct UploadAttempt {
    pub(crate) dataset_id: String,
    pub(crate) file_name: String,
    pub(crate) content: Content,
    /// The complete content, if it is read elsewhere.
    pub(crate) read_ahead: Option<ReadAhead>,
    /// Hash the content as it is sent.
    pub(crate) is_to_be_hashed: bool,
    pub(crate) end: ControlledEnd,
}

impl ApiClient {
    /// Checks whether the server accepts the key.
    ///
    /// # Errors
    /// [`Error::Authentication`] if it does not; connection and server errors.
    pub async fn try_authentication(&self) -> Result<()> {
        let subject = self.subject(None);
        self.retrying(Since::Start, || async {
            let request = self.get("try-authentication");
            let _: Authentication = self.call(&subject, request, MAX_ANSWER_BYTES).await?;
            Ok(())
        })
        .await
    }

    /// Creates an empty dataset and returns its id.
    ///
    /// # Errors
    /// The errors of every call: [`Error::Authentication`], connection and server errors.
    pub async fn create_dataset(&self) -> Result<String> {
        self.create_named_dataset(None).await
    }

    /// Creates an empty dataset, optionally with a human-readable name, and returns its id.
    ///
    /// # Errors
    /// The errors of every call: [`Error::Authentication`], connection and server errors.
    pub async fn create_named_dataset(&self, name: Option<&str>) -> Result<String> {
        let subject = self.subject(None);
        // If the response is lost, an empty dataset remains, which does no harm.
        self.retrying(Since::Start, || async {
            let name = name.map(|name| ("name", name));
            let request = self.get_with("create-dataset", name.as_slice());
            let created: CreatedDataset = self.call(&subject, request, MAX_ANSWER_BYTES).await?;
            if is_id(&created.dataset_id) {
                Ok(created.dataset_id)
            } else {
                let id = subject.peer.quoted(&cut(&created.dataset_id, ECHOED_CHARS));
                Err(subject.not_the_api(format!("an invalid dataset id, {id:?}")))
            }
        })
        .await
    }

    /// All datasets of the key, newest first.
    ///
    /// # Errors
    /// The errors of every call.
    pub async fn list_datasets(&self) -> Result<Vec<DatasetInfo>> {
        let subject = self.subject(None);
        self.retrying(Since::Start, || async {
            let request = self.post("list-datasets");
            let list: DatasetList = self.call(&subject, request, MAX_DATASETS_BYTES).await?;
            Ok(list.datasets)
        })
        .await
    }

    /// Sends one file and returns its id. Does not retry: only the caller knows whether a retry is
    /// safe.
    pub(crate) async fn upload_to_dataset(&self, attempt: UploadAttempt) -> Result<String> {
        let request = self.post_upload("upload-to-dataset");
        let (subject, uploaded): (Subject, UploadedFile) = self.send_file(request, attempt).await?;
        if uploaded.file_id.is_empty() {
            return Err(subject.not_the_api("an upload response without file_id".to_owned()));
        }
        Ok(uploaded.file_id)
    }

    /// Sends a file with `request` and reads the response.
    pub(super) async fn send_file<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        attempt: UploadAttempt,
    ) -> Result<(Subject, T)> {
        checked_id(&attempt.dataset_id)?;
        let subject = Subject {
            file_name: Some(attempt.file_name.clone()),
            size_bytes: Some(attempt.content.size()),
            ..self.subject(Some(&attempt.dataset_id))
        };
        let framing = Framing::new(&attempt.dataset_id, &attempt.file_name);
        let state = Arc::clone(attempt.end.state());
        let request = request
            .header(header::CONTENT_TYPE, framing.content_type())
            .header(header::CONTENT_LENGTH, framing.content_length(attempt.content.size()));
        let read_bytes = if self.is_encrypted() { ENCRYPTED_READ_BYTES } else { READ_BYTES };
        let content = ContentReader::new(attempt.content, attempt.is_to_be_hashed);
        let content = content.ahead(attempt.read_ahead).in_parts_of(read_bytes);
        let body = GatedBody::new(content, framing, attempt.end);
        let send = async {
            let request = request.body(Body::wrap_stream(body.into_stream()));
            if let Some(kept) = &self.kept {
                return subject.exchange(kept, request, MAX_ANSWER_BYTES).await;
            }
            let answer = subject.send(request).await?;
            subject.read(answer, MAX_ANSWER_BYTES).await
        };
        let outcome = tokio::select! {
            answered = send => answered,
            timeout = stalled(&state, &subject, self.options()) => Err(timeout),
        };
        // The body knows the cause better than the connection.
        match outcome {
            Ok(answer) => Ok((subject, answer)),
            Err(error) => Err(state.take_failure().unwrap_or(error)),
        }
    }

    pub(super) fn subject(&self, dataset_id: Option<&str>) -> Subject {
        let (peer, dataset_id) = (Arc::clone(&self.peer), dataset_id.map(str::to_owned));
        Subject { peer, dataset_id, file_name: None, size_bytes: None }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        subject: &Subject,
        request: RequestBuilder,
        limit: usize,
    ) -> Result<T> {
        let call = async {
            let answer = subject.send(request).await?;
            subject.read(answer, limit).await
        };
        subject.within(self.options().answer_timeout, "did not respond", call).await
    }
}

impl Subject {
    /// Limits the time of `work`.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        what: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(self.timeout(what, limit)))
    }

    fn timeout(&self, what: &'static str, waited: Duration) -> Error {
        let (host, file_name) = (self.peer.host.clone(), self.file_name.clone());
        Error::Timeout { host, file_name, what, waited }
    }
}

/// Rejects malformed ids: no dataset has one, and no request could contain it.
pub(super) fn checked_id(dataset_id: &str) -> Result<()> {
    if is_id(dataset_id) {
        return Ok(());
    }
    Err(Error::DatasetNotFound {
        dataset_id: dataset_id.to_owned(),
        message: "an id has up to 128 letters, digits, and - _ . :".to_owned(),
    })
}

/// How often a body is checked for progress.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Returns when a body that is not held has made no progress for too long, or its response is
/// overdue. The duration of a complete upload is not limited.
async fn stalled(state: &BodyState, subject: &Subject, options: &ClientOptions) -> Error {
    // A slow source is no reason to give up.
    let progress = || (state.sent(), state.arrivals());
    let mut last = progress();
    let mut last_move = Instant::now();
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let (what, limit) = if state.is_complete() {
            ("did not respond", options.answer_timeout)
        } else {
            ("accepted no bytes", options.progress_timeout)
        };
        if state.is_held() || progress() != last {
            last = progress();
            last_move = Instant::now();
        } else if last_move.elapsed() >= limit {
            if let Some(location) = state.reading() {
                return Error::File { path: (&location).into(), source: hangs(limit) };
            }
            return subject.timeout(what, limit);
        }
    }
}

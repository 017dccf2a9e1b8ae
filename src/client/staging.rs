//! The calls of the staging extension, for servers that announce it.

use reqwest::StatusCode;

use super::{
    answer::Subject,
    calls::{UploadAttempt, checked_id},
    http::ApiClient,
    retry::Since,
};
use crate::{
    config::{MAX_ANSWER_BYTES, MAX_COMMIT_ANSWER_BYTES},
    error::{Error, Result},
    wire::staging::{
        COMMIT_FILES, CommitAnswer, CommitRefusal, CommitRequest, PREFER_HEADER, RETURN_MINIMAL,
        STAGE_FILE, StagedFile,
    },
};

/// How a commit of staged files ended.
#[derive(Debug)]
pub(crate) enum CommitOutcome {
    /// All of them are in the dataset.
    Committed(CommitAnswer),
    /// The dataset does not have the number of files that the request expected.
    CountDiffers(Error),
    /// A staged file is unknown to the server, or has expired.
    Gone { staged_id: String, error: Error },
    /// A name is in use, or a schema differs.
    Refused { file_name: Option<String>, error: Error },
}

impl ApiClient {
    /// Stages one file: the server checks and stores it, but adds it to no dataset. Does not
    /// retry.
    pub(crate) async fn stage_file(&self, attempt: UploadAttempt) -> Result<StagedFile> {
        // A staged file is never held, so its connection can serve the next file.
        let request = self.post(STAGE_FILE.trim_start_matches('/'));
        let (subject, staged): (Subject, StagedFile) = self.send_file(request, attempt).await?;
        if staged.staged_id.is_empty() {
            return Err(subject.not_the_api("a response without staged_id".to_owned()));
        }
        Ok(staged)
    }

    /// Appends staged files to their dataset, all or none. The same request may be repeated. Does
    /// not retry. The response need not name the files: their ids are the staged ids.
    ///
    /// # Errors
    /// The errors of every call. What the server says about the files is an outcome, not an error.
    pub(crate) async fn commit_files(&self, commit: &CommitRequest) -> Result<CommitOutcome> {
        checked_id(&commit.dataset_id)?;
        let subject = self.subject(Some(&commit.dataset_id));
        let request = self.post(COMMIT_FILES.trim_start_matches('/'));
        let request = request.header(PREFER_HEADER, RETURN_MINIMAL).json(commit);
        let call = async {
            let answer = subject.send(request).await?;
            let status = answer.status();
            if !is_about_files(status) {
                let answer = subject.read(answer, MAX_COMMIT_ANSWER_BYTES).await?;
                return Ok(CommitOutcome::Committed(answer));
            }
            let body = subject.collect(answer, MAX_ANSWER_BYTES).await?;
            outcome(&subject, status, &body)
        };
        subject.within(self.options().answer_timeout, "did not respond", call).await
    }

    /// Whether a commit of files, some of which are in their dataset, went through before. Commits
    /// nothing.
    ///
    /// # Errors
    /// The errors of every call.
    pub(crate) async fn has_committed(&self, commit: &CommitRequest) -> Result<bool> {
        let outcome = self.retrying(Since::Start, || self.commit_files(commit)).await?;
        Ok(matches!(outcome, CommitOutcome::Committed(_)))
    }
}

fn is_about_files(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::UNPROCESSABLE_ENTITY
    )
}

fn outcome(subject: &Subject, status: StatusCode, body: &[u8]) -> Result<CommitOutcome> {
    let refusal: CommitRefusal = serde_json::from_slice(body).unwrap_or_default();
    let file_name = refusal.file_name;
    let subject = Subject { file_name: file_name.clone(), ..subject.clone() };
    let error = subject.refusal(status, body, None);
    match (status, refusal.staged_id) {
        // The dataset is unknown, or the response is not from the API.
        (StatusCode::NOT_FOUND, None) => Err(error),
        (StatusCode::NOT_FOUND, Some(staged_id)) => {
            let (status, message) = (status.as_u16(), subject.peer.quoted(&refusal.error));
            let error = Error::Refused { file_name: None, status, message };
            Ok(CommitOutcome::Gone { staged_id, error })
        }
        (StatusCode::PRECONDITION_FAILED, _) => Ok(CommitOutcome::CountDiffers(error)),
        _ => Ok(CommitOutcome::Refused { file_name, error }),
    }
}

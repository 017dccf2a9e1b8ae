//! Why an upload did not complete.

use std::fmt;

use super::{
    mismatch::CheckError,
    report::{FileStatus, UploadReport},
};
use crate::{
    error::Error,
    hint::{Hint, NEUTRAL, Words},
    message::bounded,
};

/// Why an upload did not complete.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Rejected before anything was sent or created.
    Check(#[from] CheckError),
    /// Failed before this run had committed any file.
    Failed(#[from] Error),
    /// Failed after some files were committed; in an ordered upload, these are a prefix of the
    /// plan.
    Incomplete {
        /// The report so far.
        report: Box<UploadReport>,
        /// What failed.
        call: Call,
        /// The cause.
        source: Box<UploadError>,
    },
}

/// A call that commits files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Files are uploaded.
    Upload {
        /// Whether the upload keeps the order of the plan.
        ordered: bool,
    },
    /// Files are committed that were staged before.
    Commit,
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(NEUTRAL))
    }
}

impl UploadError {
    /// The message, with hints worded by `words`.
    #[must_use]
    pub fn in_words(&self, words: Words<'_>) -> String {
        match self {
            Self::Check(error) => error.in_words(words),
            Self::Failed(error) => error.in_words(words),
            Self::Incomplete { report, call, source } => incomplete(report, *call, source, words),
        }
    }

    /// The message without advice about this upload.
    fn reason(&self, words: Words<'_>) -> String {
        match self {
            Self::Failed(error) => error.reason(words),
            error => error.in_words(words),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Check(_) => Remedy::Change,
            Self::Failed(error) => match error {
                Error::Configuration(_)
                | Error::Frame { .. }
                | Error::Rewrite { .. }
                | Error::NamesTaken { .. }
                | Error::NoSuchFile { .. }
                | Error::Refused { .. }
                | Error::NameTaken { .. }
                | Error::Intermediary { .. }
                | Error::Authentication { .. } => Remedy::Change,
                Error::ForeignWriter { .. } => Remedy::Unknown,
                _ => Remedy::Again,
            },
            Self::Incomplete { source, .. } => source.remedy(),
        }
    }
}

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// Run the same upload again.
    Again,
    /// Use another source, dataset or key.
    Change,
    /// The dataset changed during the upload; whether it can be resumed depends on its content.
    Unknown,
}

fn incomplete(report: &UploadReport, call: Call, source: &UploadError, words: Words<'_>) -> String {
    let done = report.files.iter().filter(|file| file.status != FileStatus::Pending).count();
    let (all, dataset_id, remedy) = (report.files.len(), &report.dataset_id, source.remedy());
    let ordered = call != Call::Upload { ordered: false };
    let done = match (done, all) {
        // The number of further files of a generator is unknown.
        (1, 1) if ordered => "the first file is".to_owned(),
        (1, 1) => "1 file is".to_owned(),
        (done, all) if done == all && ordered => format!("the first {done} files are"),
        (done, all) if done == all => format!("{done} files are"),
        (done, all) => format!("{done} of {all} files are"),
    };
    let in_order = if ordered && remedy != Remedy::Unknown { ", in order" } else { "" };
    let advice = advice(call, remedy, dataset_id, words);
    let reason = source.reason(words);
    let reason = reason.trim_end_matches('.');
    bounded(format_args!("{done} in {dataset_id}{in_order}; then: {reason}. {advice}"))
}

fn advice(call: Call, remedy: Remedy, dataset_id: &str, words: Words<'_>) -> String {
    let dataset_id = dataset_id.to_owned();
    let again = match call {
        Call::Upload { ordered: true } => words(&Hint::SameDataset { dataset_id }),
        Call::Upload { ordered: false } => words(&Hint::SameDatasetUnordered { dataset_id }),
        Call::Commit => {
            let again =
                "commit all of the files again: those already in the dataset are recognised";
            return match remedy {
                Remedy::Change => format!("Fix this, then {again}"),
                Remedy::Again | Remedy::Unknown => format!("To complete this, {again}"),
            };
        }
    };
    match remedy {
        Remedy::Again => format!("Run the same upload again with {again} to resume"),
        Remedy::Change => {
            format!("Fix this, then run the upload again with {again} to resume")
        }
        Remedy::Unknown => format!(
            "Run the same upload again with {again}: it resumes if the dataset still matches, and \
             sends nothing otherwise"
        ),
    }
}

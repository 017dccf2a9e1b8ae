//! Why an upload did not complete.

use super::{
    mismatch::CheckError,
    report::{FileStatus, UploadReport},
};
use crate::{
    error::{Error, FINDS_OUT},
    message::bounded,
};

/// Why an upload did not complete.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Refused before anything was sent or created.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Failed before this run had committed a file.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Failed after some files were committed: those of an ordered upload are a prefix of the plan.
    #[error("{}", incomplete(.report, *.ordered, .source))]
    Incomplete {
        /// What is done.
        report: Box<UploadReport>,
        /// Whether the dataset was to have the order of the plan.
        ordered: bool,
        /// What went wrong.
        source: Box<UploadError>,
    },
}

impl UploadError {
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

/// What helps after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// The same call.
    Again,
    /// Another source, dataset or key.
    Change,
    /// The dataset changed under way: whether the same call can go on depends on what it holds.
    Unknown,
}

fn incomplete(report: &UploadReport, ordered: bool, source: &UploadError) -> String {
    let done = report.files.iter().filter(|file| file.status != FileStatus::Pending).count();
    let (all, dataset_id, remedy) = (report.files.len(), &report.dataset_id, source.remedy());
    let done = match (done, all) {
        // How many more a generator has, nobody knows.
        (1, 1) if ordered => "the first file is".to_owned(),
        (1, 1) => "1 file is".to_owned(),
        (done, all) if done == all && ordered => format!("the first {done} files are"),
        (done, all) if done == all => format!("{done} files are"),
        (done, all) => format!("{done} of {all} files are"),
    };
    let in_order = if ordered && remedy != Remedy::Unknown { ", in order" } else { "" };
    let with = if ordered { "this dataset id" } else { "this dataset id and ordered=False" };
    let advice = match remedy {
        Remedy::Again => format!("Run the same upload again with {with} to resume"),
        Remedy::Change => {
            format!("Fix this, then run the upload again with {with} to resume")
        }
        Remedy::Unknown => format!(
            "Run the same upload again with {with}: it resumes if the dataset still matches, and \
             sends nothing otherwise"
        ),
    };
    let reason = source.to_string();
    let reason = reason.strip_suffix(FINDS_OUT).unwrap_or(&reason).trim_end_matches('.');
    bounded(format_args!("{done} in {dataset_id}{in_order}; then: {reason}. {advice}"))
}

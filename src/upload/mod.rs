//! The upload: sources, plan, check, transfer through the commit gate, report.
//!
//! ```text
//! sources ──> plan ──> check ──> resume ──> transfer (gate) ──> verify ──> report
//! ```

mod already_there;
mod check;
mod check_report;
pub mod commit;
mod commit_staged;
mod common_metadata;
mod compare;
mod dataset;
mod dataset_schema;
mod deadline;
mod error;
mod feed;
mod files;
mod frame_files;
mod frame_writer;
pub mod frames;
mod hive;
mod hive_values;
mod identify;
mod ledger;
mod limited_files;
#[cfg(test)]
mod limited_files_tests;
mod made;
mod make;
mod mismatch;
mod options;
mod order;
mod outcome;
mod outgoing;
mod pack;
pub mod pandas_index;
mod parallel;
mod plan;
mod preflight;
mod problem;
mod progress;
mod recipe;
mod report;
mod resume;
mod rewrite;
mod run;
mod runs;
mod sent_record;
pub mod settle;
mod sources;
mod staging;
mod storage;
mod stored_values;
mod temporary;
mod transfer;
mod verdict;
mod verify;

pub use check_report::{CheckReport, Checker, FileFacts, check_files};
pub use commit_staged::commit_staged;
pub use dataset_schema::Held;
pub use error::{Call, UploadError};
pub use feed::MadeFiles;
pub use ledger::Tracker;
pub use made::MadeFile;
pub use mismatch::{Cast, CheckError, CheckErrorKind, Outliers};
pub use options::{Hive, RewriteOptions, Staging, UploadOptions};
#[cfg(fuzzing)]
pub use pack::{Packed, damaged, pack_and_compare};
pub use plan::check_names;
pub use preflight::{Preflight, check_schemas, leaves_to_look_at};
pub use problem::Problem;
pub use progress::{Progress, UploadPhase};
pub use report::{Change, FileStatus, UploadReport, UploadedFile};
pub use run::{Source, stage, upload};
pub use sources::{
    Found, FoundFile, Partition, Paths, natural_order, note_on_open_file, partition_of_open_file,
};
pub use staging::stages;
pub use temporary::Spool;

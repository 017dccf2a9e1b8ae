//! The Python bindings: they translate, and decide nothing.
//!
//! Every call starts a [`job::Job`] on the package's own runtime and returns at once; the
//! calling Python thread waits for it in short steps, so that Ctrl-C works, and no Rust
//! thread ever calls into Python: before 3.14 that ends a process that is about to exit.
// Arguments come from Python by value.
#![allow(clippy::needless_pass_by_value)]

mod check;
mod client;
mod convert;
mod dataset_stream;
mod errors;
mod files;
mod frames;
mod job;
mod local_server;
mod log_records;
mod per_process;
mod report_table;
mod runtime;

#[pyo3::pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::{
        check::{FrameChecker, check_files, check_names},
        client::{Client, FileCursor},
        errors::Cancelled,
        files::{FoundFiles, find_files},
        frames::{
            BytesSpool, FrameEncoder, FrameOutline, FrameSchema, TemporaryParquet, check_frames,
            differing_leaves, is_in_natural_order,
        },
        job::Job,
        local_server::LocalServer,
        log_records::take_log_records,
        report_table::{check_report_stream, upload_report_stream},
    };

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python programs look for")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

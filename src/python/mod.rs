//! The Python bindings: they translate, and decide nothing.
//!
//! Every call starts a [`job::Job`] on the package's own runtime and returns at once. A calling
//! thread waits for it in short steps, so that Ctrl-C works. A Rust thread calls into Python for
//! one thing only: to wake an event loop that awaits a job. As Python before 3.14 ends a process
//! where that meets the end of the interpreter, the runtime is shut down before.
// Arguments come from Python by value.
#![allow(clippy::needless_pass_by_value)]

mod arrow_stream;
mod check;
mod classes;
mod client;
mod convert;
mod dataset_stream;
mod errors;
mod event_loop;
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
    use pyo3::{prelude::*, wrap_pyfunction};

    #[pymodule_export]
    use super::{
        check::{FrameChecker, check_files, check_names},
        client::Client,
        convert::FileCursor,
        errors::Cancelled,
        files::{FoundFiles, find_files},
        frames::{
            BytesSpool, FrameEncoder, FrameOutline, FrameSchema, TemporaryParquet, check_frames,
            differing_leaves, in_natural_order,
        },
        job::Job,
        local_server::LocalServer,
        log_records::take_log_records,
        report_table::{check_report_stream, upload_report_stream},
    };

    /// What was registered last is called first: programs still have the core in theirs.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let shut_down = wrap_pyfunction!(super::runtime::shut_down, module)?;
        module.py().import("atexit")?.call_method1("register", (shut_down,))?;
        Ok(())
    }

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python programs look for")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

//! The Python bindings: they only translate.
//!
//! Every call starts a [`job::Job`] on the package's own runtime and returns at once. The calling
//! thread waits for it in short steps, so that Ctrl-C works. Rust threads call into Python only to
//! wake an event loop that awaits a job. Before Python 3.14, such a call during the exit of the
//! interpreter ends the process, so the runtime is shut down first.
// Arguments come from Python by value.
#![allow(clippy::needless_pass_by_value)]

mod arguments;
mod arrow_stream;
mod check;
mod classes;
mod client;
mod convert;
mod dataset_stream;
mod defaults;
mod errors;
mod event_loop;
mod files;
mod frames;
mod hints;
mod job;
mod keys;
mod local_server;
mod log_records;
mod objects;
mod per_process;
mod preflight;
mod report_table;
mod runtime;
mod verify;

#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::{prelude::*, wrap_pyfunction};

    #[pymodule_export]
    use super::{
        check::{FrameChecker, check_files, check_names},
        client::Client,
        convert::FileCursor,
        defaults::defaults,
        errors::Cancelled,
        files::{FoundFiles, find_files, note_on_open_file},
        frames::{
            BytesSpool, FrameEncoder, FrameOutline, FrameSchema, OpenStream, TemporaryParquet,
            in_natural_order,
        },
        job::Job,
        keys::{add_key, list_keys, revoke_keys},
        local_server::LocalServer,
        log_records::{queue_log_records, take_log_records},
        objects::{delete_objects, put_object},
        preflight::{Preflight, check_frames, differing_leaves},
        report_table::{check_report_stream, upload_report_stream},
        verify::verify,
    };

    /// Functions registered last run first, so programs can still use the core in theirs.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let shut_down = wrap_pyfunction!(super::runtime::shut_down, module)?;
        module.py().import("atexit")?.call_method1("register", (shut_down,))?;
        Ok(())
    }

    #[pymodule_export]
    const LOCAL_PREFIX: &str = super::client::LOCAL_PREFIX;

    #[pymodule_export]
    const MAX_COMMIT_FILES: usize = crate::wire::staging::MAX_COMMIT_FILES;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python programs look for")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

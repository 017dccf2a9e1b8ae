//! One tokio runtime per process.

use std::{
    io,
    panic::catch_unwind,
    thread::{self, available_parallelism},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{errors::IntoPyErr, per_process::PerProcess};
use crate::{
    background::Cleanup,
    error::{Error, Result},
    lock::Lock,
};

static RUNTIME: PerProcess<Running> = PerProcess::new();

struct Running {
    handle: Handle,
    /// `None` after the shutdown.
    runtime: Lock<Option<Runtime>>,
}

/// Time for running work when the interpreter exits.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(1);

/// Time for the removal of what calls that were cancelled have left in stores.
const CLEANUP_PATIENCE: Duration = Duration::from_secs(5);

/// Threads for blocking work never end: tokio panics if it needs its first one and the operating
/// system does not start more.
const BLOCKING_THREAD_KEEP_ALIVE: Duration = Duration::from_hours(365 * 24);

/// The runtime of this process, started on first use.
///
/// # Errors
/// `sutro.ConfigurationError` if the process cannot start the threads that it needs, and
/// `RuntimeError` while the interpreter exits.
pub(super) fn handle() -> PyResult<Handle> {
    let running = RUNTIME.get_or_try(start);
    let running = running.map_err(|error| Python::attach(|py| error.into_py_err(py)))?;
    let Running { handle, runtime } = &running.value;
    if runtime.lock().is_none() {
        return Err(PyRuntimeError::new_err("cannot start a call while the interpreter exits"));
    }
    Ok(handle.clone())
}

/// The runtime of this process, even after the shutdown; `None` if it was never started.
pub(super) fn kept_handle() -> Option<Handle> {
    RUNTIME.get().map(|running| running.value.handle.clone())
}

/// Ends the threads of the runtime. This runs before the interpreter exits: in Python before 3.14,
/// a thread that wakes an event loop later would end the process with an error.
#[pyfunction]
pub(super) fn shut_down(py: Python<'_>) {
    let Some(running) = RUNTIME.get() else { return };
    py.detach(|| Cleanup::wait_for_all(CLEANUP_PATIENCE));
    let runtime = running.value.runtime.take();
    // Releases the GIL for threads that wait for it.
    py.detach(|| runtime.map(|runtime| runtime.shutdown_timeout(SHUTDOWN_PATIENCE)));
}

fn start() -> Result<Running> {
    let workers = available_parallelism().map_or(1, usize::from);
    can_start_threads(workers + 1).map_err(|error| Error::no_more_threads(&error))?;
    // Threads of another process of this user may have started meanwhile.
    let started = catch_unwind(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .thread_name("sutro")
            .thread_keep_alive(BLOCKING_THREAD_KEEP_ALIVE)
            .build()?;
        drop(runtime.spawn_blocking(|| ()));
        let handle = runtime.handle().clone();
        Ok(Running { handle, runtime: Lock::new(Some(runtime)) })
    });
    let started = started.unwrap_or_else(|_panic| Err(io::ErrorKind::WouldBlock.into()));
    started.map_err(|error| Error::no_more_threads(&error))
}

/// Starts this many threads at the same time.
fn can_start_threads(count: usize) -> io::Result<()> {
    let spawn = |_| thread::Builder::new().spawn(thread::park);
    let (started, refused): (Vec<_>, Vec<_>) =
        (0..count).map(spawn).partition(std::result::Result::is_ok);
    for thread in started.into_iter().flatten() {
        thread.thread().unpark();
        // The closure does nothing, so it cannot panic.
        let _ = thread.join();
    }
    refused.into_iter().next().map_or(Ok(()), |refused| refused.map(drop))
}

//! One tokio runtime for each process.

use std::{
    io,
    panic::catch_unwind,
    thread::{self, available_parallelism},
    time::Duration,
};

use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use super::{errors::IntoPyErr, per_process::PerProcess};
use crate::error::{Error, Result};

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

/// A thread for blocking work is never given back: tokio panics where it needs the first one
/// and the operating system starts no more.
const BLOCKING_THREAD_KEEP_ALIVE: Duration = Duration::from_hours(365 * 24);

/// The runtime of this process, started on first use.
///
/// # Errors
/// `sutro.ConfigurationError` where the process may not start the threads that it needs.
pub(super) fn handle() -> PyResult<Handle> {
    let runtime = RUNTIME.get_or_try(start);
    let runtime = runtime.map_err(|error| Python::attach(|py| error.into_py_err(py)))?;
    Ok(runtime.value.handle().clone())
}

fn start() -> Result<Runtime> {
    let workers = available_parallelism().map_or(1, usize::from);
    can_start_threads(workers + 1).map_err(|error| Error::no_more_threads(&error))?;
    // The threads of another process of this user may have come in between.
    let started = catch_unwind(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .thread_name("sutro")
            .thread_keep_alive(BLOCKING_THREAD_KEEP_ALIVE)
            .build()?;
        drop(runtime.spawn_blocking(|| ()));
        Ok(runtime)
    });
    let started = started.unwrap_or_else(|_panic| Err(io::ErrorKind::WouldBlock.into()));
    started.map_err(|error| Error::no_more_threads(&error))
}

/// Starts as many threads at the same time.
fn can_start_threads(count: usize) -> io::Result<()> {
    let spawn = |_| thread::Builder::new().spawn(thread::park);
    let (started, refused): (Vec<_>, Vec<_>) =
        (0..count).map(spawn).partition(std::result::Result::is_ok);
    for thread in started.into_iter().flatten() {
        thread.thread().unpark();
        // It does nothing that could panic.
        let _ = thread.join();
    }
    refused.into_iter().next().map_or(Ok(()), |refused| refused.map(drop))
}

//! One tokio runtime for each process.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use super::per_process::PerProcess;

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

/// The runtime of this process, started on first use.
pub(super) fn handle() -> io::Result<Handle> {
    let start = || Builder::new_multi_thread().enable_all().thread_name("sutro").build();
    Ok(RUNTIME.get_or_try(start)?.value.handle().clone())
}

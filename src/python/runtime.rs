//! One tokio runtime for each process.

use std::{io, sync::Arc};

use arc_swap::ArcSwapOption;
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime does not survive `fork`: its threads stay in the parent. So it is kept with
/// the id of its process, without a lock that a fork could leave locked.
static RUNTIME: ArcSwapOption<ProcessRuntime> = ArcSwapOption::const_empty();

struct ProcessRuntime {
    process_id: u32,
    runtime: Runtime,
}

/// The runtime of this process, started on first use.
pub(super) fn handle() -> io::Result<Handle> {
    let process_id = std::process::id();
    if let Some(started) = &*RUNTIME.load()
        && started.process_id == process_id
    {
        return Ok(started.runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread().enable_all().thread_name("sutro").build()?;
    let handle = runtime.handle().clone();
    let previous = RUNTIME.swap(Some(Arc::new(ProcessRuntime { process_id, runtime })));
    // Dropping a parent's runtime would wait for threads that do not exist here.
    std::mem::forget(previous);
    Ok(handle)
}

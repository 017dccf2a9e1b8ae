//! One tokio runtime for each process.

use std::{future::Future, io, pin::Pin, sync::Arc};

use arc_swap::ArcSwapOption;
use pyo3_async_runtimes::{TaskLocals, generic};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{JoinError, JoinHandle},
};

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

/// Our runtime as `pyo3-async-runtimes` wants it. Its own is global and cannot be rebuilt
/// after a fork.
pub(super) struct Bridge;

tokio::task_local! {
    static TASK_LOCALS: TaskLocals;
}

impl generic::Runtime for Bridge {
    type JoinError = JoinError;
    type JoinHandle = JoinHandle<()>;

    fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> JoinHandle<()> {
        // Called from inside of a job only, so the runtime is there.
        Handle::current().spawn(future)
    }

    fn spawn_blocking<F: FnOnce() + Send + 'static>(work: F) -> JoinHandle<()> {
        Handle::current().spawn_blocking(work)
    }
}

impl generic::ContextExt for Bridge {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(TASK_LOCALS.scope(locals, future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        TASK_LOCALS.try_with(Clone::clone).ok()
    }
}

//! Lets a Python event loop await work of the core.

use std::{any::Any, future::ready, pin::Pin};

use futures_util::TryFutureExt;
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyTuple},
};
use pyo3_async_runtimes::{
    TaskLocals,
    generic::{self, ContextExt, JoinError, Runtime},
};
use tokio::task;

use super::runtime;

/// An `asyncio.Future` of the running loop that completes when `work` does.
pub(super) fn future<F>(py: Python<'_>, work: F) -> PyResult<Bound<'_, PyAny>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let running = pyo3_async_runtimes::get_running_loop(py)?.unbind();
    let locals = TaskLocals::new(Bound::new(py, ClosableLoop(running))?.into_any());
    generic::future_into_py_with_locals::<CoreRuntime, _, _>(py, locals, async {
        work.await;
        Ok(())
    })
}

/// The running loop, which a task may wake after it was closed.
///
/// A loop can be closed after a task has seen that its future is not cancelled, and before the
/// task wakes the loop. Nobody waits for that future.
#[pyclass(frozen)]
struct ClosableLoop(Py<PyAny>);

#[pymethods]
impl ClosableLoop {
    fn create_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(py).call_method0(intern!(py, "create_future"))
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn call_soon_threadsafe(
        &self,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let py = args.py();
        let own = self.0.bind(py);
        match own.call_method(intern!(py, "call_soon_threadsafe"), args, kwargs) {
            Err(_) if own.call_method0(intern!(py, "is_closed"))?.is_truthy()? => Ok(()),
            woken => woken.map(|_| ()),
        }
    }
}

/// The runtime of this process, in the form that the crate expects.
struct CoreRuntime;

/// Why a task has no result.
enum EndedEarly {
    Task(task::JoinError),
    /// The runtime of this process was never started.
    NotStarted,
}

impl JoinError for EndedEarly {
    fn is_panic(&self) -> bool {
        matches!(self, Self::Task(error) if error.is_panic())
    }

    fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self {
            Self::Task(error) => error.into_panic(),
            Self::NotStarted => Box::new("the runtime was never started"),
        }
    }
}

type JoinHandle = Pin<Box<dyn Future<Output = Result<(), EndedEarly>> + Send>>;

fn joined(task: Option<task::JoinHandle<()>>) -> JoinHandle {
    match task {
        Some(task) => Box::pin(task.map_err(EndedEarly::Task)),
        None => Box::pin(ready(Err(EndedEarly::NotStarted))),
    }
}

/// After the shutdown, the runtime accepts tasks but drops them, so no thread wakes an interpreter
/// that exits.
impl Runtime for CoreRuntime {
    type JoinError = EndedEarly;
    type JoinHandle = JoinHandle;

    fn spawn<F>(work: F) -> Self::JoinHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        joined(runtime::kept_handle().map(|handle| handle.spawn(work)))
    }

    fn spawn_blocking<F>(work: F) -> Self::JoinHandle
    where
        F: FnOnce() + Send + 'static,
    {
        joined(runtime::kept_handle().map(|handle| handle.spawn_blocking(work)))
    }
}

/// No task calls back into Python, so none needs its loop.
impl ContextExt for CoreRuntime {
    fn scope<F, R>(_: TaskLocals, work: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(work)
    }

    fn get_task_locals() -> Option<TaskLocals> {
        None
    }
}

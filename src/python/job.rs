//! A running call.

use std::{
    future::Future,
    sync::{Arc, Condvar, PoisonError},
    time::Duration,
};

use pyo3::prelude::*;
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task::{AbortHandle, JoinError},
};

use super::{
    convert,
    errors::{self, Cancelled, internal_error},
    event_loop,
    frames::TemporaryParquet,
    log_records, runtime,
};
use crate::{
    lock::Lock,
    upload::{MadeFile, Tracker},
};

/// Creates the Python value of a call's outcome, with the GIL held.
type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// The result of a call. Threads wait for it without the runtime, which may be shut down meanwhile.
#[derive(Default)]
struct Completion {
    state: Lock<CallState>,
    changed: Condvar,
}

#[derive(Default)]
struct CallState {
    is_over: bool,
    /// Can be taken once.
    outcome: Option<Outcome>,
}

impl Completion {
    fn end_with(&self, outcome: Outcome) {
        let mut state = self.state.lock();
        *state = CallState { is_over: true, outcome: Some(outcome) };
        self.changed.notify_all();
    }

    /// Whether the result arrived within the time.
    fn wait(&self, time: Duration) -> bool {
        let state = self.state.lock();
        let waited = self.changed.wait_timeout_while(state, time, |state| !state.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_over
    }

    fn take_outcome(&self) -> Option<Outcome> {
        self.state.lock().outcome.take()
    }
}

/// One running call. The work continues in Rust threads; the caller waits for it in steps.
#[pyclass(frozen, module = "sutro._core")]
pub(super) struct Job {
    process_id: u32,
    runtime: Handle,
    task: AbortHandle,
    completion: Arc<Completion>,
    is_over: watch::Receiver<bool>,
    tracker: Option<Arc<Tracker>>,
    feed: Lock<Option<mpsc::Sender<MadeFile>>>,
}

impl Job {
    /// Starts `work`; `translate` converts its value to Python.
    pub(super) fn start<T, E, W, F>(
        work: W,
        tracker: Option<Arc<Tracker>>,
        translate: F,
    ) -> PyResult<Self>
    where
        T: Send + 'static,
        E: errors::IntoPyErr + Send + 'static,
        W: Future<Output = Result<T, E>> + Send + 'static,
        F: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    {
        log_records::collect();
        let runtime = runtime::handle()?;
        let (over, is_over) = watch::channel(false);
        let completion = Arc::<Completion>::default();
        let work = runtime.spawn(work);
        let task = work.abort_handle();
        let ends = Arc::clone(&completion);
        runtime.spawn(async move {
            let result = work.await;
            ends.end_with(Box::new(move |py| match result {
                Ok(Ok(value)) => translate(py, value),
                Ok(Err(error)) => Err(error.into_py_err(py)),
                Err(error) => Err(ended_early(&error)),
            }));
            // Fails if nobody waits any more.
            let _ = over.send(true);
        });
        let process_id = std::process::id();
        let feed = Lock::new(None);
        Ok(Self { process_id, runtime, task, completion, is_over, tracker, feed })
    }

    /// The same job, which accepts files from [`Job::feed`].
    pub(super) fn fed_by(self, feed: mpsc::Sender<MadeFile>) -> Self {
        Self { feed: Lock::new(Some(feed)), ..self }
    }

    fn ensure_own_process(&self) -> PyResult<()> {
        if self.process_id == std::process::id() {
            return Ok(());
        }
        Err(internal_error(
            "this call was started in the parent process; start it again in this process",
        ))
    }
}

fn ended_early(error: &JoinError) -> PyErr {
    if error.is_cancelled() {
        Cancelled::new_err("the call was cancelled")
    } else {
        internal_error(&error.to_string())
    }
}

#[pymethods]
impl Job {
    /// Waits for the end, at most `timeout` seconds; returns whether the job has finished.
    fn wait(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        self.ensure_own_process()?;
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX);
        Ok(py.detach(|| self.completion.wait(timeout)))
    }

    /// An `asyncio.Future` of the running loop that completes when the call does.
    fn finished<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.ensure_own_process()?;
        let mut is_over = self.is_over.clone();
        event_loop::future(py, async move {
            // Returns an error if the call is gone, which is just as good.
            let _ = is_over.wait_for(|is_over| *is_over).await;
        })
    }

    /// Passes a file to the upload, with its name in the dataset or None to generate one, if there
    /// is room within `timeout` seconds. Returns whether the file was accepted. A finished job
    /// accepts all files.
    fn feed(
        &self,
        py: Python<'_>,
        name: Option<String>,
        file: &TemporaryParquet,
        timeout: f64,
    ) -> PyResult<bool> {
        self.ensure_own_process()?;
        let sender = self.feed.lock().clone();
        let Some(sender) = sender else { return Ok(true) };
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX);
        let wait = async move { tokio::time::timeout(timeout, sender.reserve_owned()).await };
        match py.detach(|| self.runtime.block_on(wait)) {
            Ok(Ok(room)) => {
                room.send(file.take(name)?);
                Ok(true)
            }
            Ok(Err(_over)) => Ok(true),
            Err(_timeout) => Ok(false),
        }
    }

    /// No more files will follow.
    fn end_feed(&self) {
        self.feed.take();
    }

    /// Ends the call: connections are closed, and no further file is committed.
    fn cancel(&self) {
        self.task.abort();
    }

    /// The progress of an upload; None for other calls.
    fn progress(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.tracker.as_ref().map(|tracker| convert::progress(py, tracker.progress())).transpose()
    }

    /// The partial report of an upload; None for other calls.
    fn partial_report(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.tracker
            .as_ref()
            .map(|tracker| convert::upload_report(py, tracker.report()))
            .transpose()
    }

    /// The value of a finished call; raises its error if it failed. Can be taken once.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.completion.take_outcome() {
            Some(outcome) => outcome(py),
            None => {
                Err(internal_error("the call has not finished, or its result was already taken"))
            }
        }
    }
}

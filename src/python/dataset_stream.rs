//! A dataset's rows as an Arrow stream for Python.

use std::{
    io, mem, process,
    sync::Arc,
    thread::{self, ThreadId},
    time::Duration,
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::{IntoPyObjectExt, exceptions::PyKeyboardInterrupt, prelude::*};

use super::arrow_stream::ArrowStream;
use crate::{
    dataset_reader::{DatasetReader, Next},
    error::Error,
    service::LocalServer,
};

/// Time between two checks for signals.
const STEP: Duration = Duration::from_millis(100);

/// An object with `__arrow_c_stream__`, for one use.
pub(super) fn to_python(
    py: Python<'_>,
    reader: DatasetReader,
    local: Option<Arc<LocalServer>>,
) -> PyResult<Py<PyAny>> {
    let downloads = reader.downloads();
    let stream = DatasetStream {
        schema: reader.schema(),
        reader: Some((reader, local)),
        process_id: process::id(),
        thread: thread::current().id(),
    };
    ArrowStream::new(Box::new(stream)).made_by(downloads).into_py_any(py)
}

/// Batches for a consumer on any thread, with or without the GIL.
struct DatasetStream {
    schema: SchemaRef,
    /// Keeps the embedded server that it reads from alive, if this process runs it.
    reader: Option<(DatasetReader, Option<Arc<LocalServer>>)>,
    process_id: u32,
    /// The Python thread that requested the stream.
    thread: ThreadId,
}

impl Drop for DatasetStream {
    fn drop(&mut self) {
        // A forked child has no threads of its parent, and cannot end them.
        if self.process_id != process::id() {
            mem::forget(self.reader.take());
        }
    }
}

impl DatasetStream {
    /// Waits for a moment: without the GIL and with a check for signals, if possible.
    fn step(&mut self) -> Result<Next, ArrowError> {
        let of_parent = self.process_id != process::id();
        let Some((reader, _)) = self.reader.as_mut().filter(|_| !of_parent) else {
            let message = "the stream was opened in the parent process; read the dataset again in this process";
            return Err(ArrowError::ComputeError(message.to_owned()));
        };
        // A thread of the consumer must not wait for the GIL, because the thread that holds it may
        // be waiting for this one.
        if thread::current().id() != self.thread {
            return reader.next_within(STEP).map_err(to_arrow);
        }
        Python::try_attach(|py| {
            py.check_signals().map_err(|interrupt| interrupted(py, &interrupt))?;
            py.detach(|| reader.next_within(STEP)).map_err(to_arrow)
        })
        .unwrap_or_else(|| Err(ArrowError::ComputeError("the interpreter is gone".to_owned())))
    }
}

impl Iterator for DatasetStream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Next::Batch(batch)) => return Some(Ok(batch)),
                Ok(Next::Waiting) => {}
                Ok(Next::End) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl RecordBatchReader for DatasetStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Consumers only understand errors of Arrow, and show their message.
fn to_arrow(error: Error) -> ArrowError {
    ArrowError::IoError(error.to_string(), io::Error::other(error))
}

/// A consumer creates its own error from this one, so Ctrl-C is set again. Python raises it as soon
/// as the consumer returns.
fn interrupted(py: Python<'_>, interrupt: &PyErr) -> ArrowError {
    let message = interrupt.to_string();
    if interrupt.is_instance_of::<PyKeyboardInterrupt>(py) {
        // If this fails, only the consumer's error remains.
        let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
    }
    ArrowError::ComputeError(message)
}

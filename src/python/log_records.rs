//! Passes `tracing` events to Python's `logging`.
//!
//! Rust threads put events into a bounded queue and never touch Python. The thread that waits for a
//! job takes them out.

use std::{
    collections::VecDeque,
    fmt::Debug,
    sync::{
        Once,
        atomic::{AtomicU8, Ordering},
    },
};

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

use super::per_process::PerProcess;
use crate::lock::Lock;

/// Pending records; when the queue is full, the oldest are dropped.
const MOST_RECORDS: usize = 1000;

/// A fork may happen while a thread of the parent holds the lock.
static RECORDS: PerProcess<Lock<VecDeque<Record>>> = PerProcess::new();

/// Whoever passes records on knows which ones are wanted.
static LOWEST_LEVEL: AtomicU8 = AtomicU8::new(0);

/// Level of Python's `logging`, logger, event, and the fields of the event.
type Record = (u8, String, String, Fields);

/// Starts to collect the events of this package, once. If the process already has a subscriber, it
/// stays in place.
pub(super) fn collect() {
    static COLLECTING: Once = Once::new();
    COLLECTING.call_once(|| {
        let _ = tracing::subscriber::set_global_default(Registry::default().with(Collector));
    });
}

/// Queues only records of at least this level of Python's `logging` from now on.
#[pyfunction]
pub(super) fn queue_log_records(level: u8) {
    LOWEST_LEVEL.store(level, Ordering::Relaxed);
}

/// Takes the records since the last call, oldest first.
#[pyfunction]
pub(super) fn take_log_records() -> Vec<Record> {
    std::mem::take(&mut *RECORDS.get_or(Lock::default).value.lock()).into()
}

struct Collector;

impl<S: Subscriber> Layer<S> for Collector {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with("sutro")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => 40,
            Level::WARN => 30,
            Level::INFO => 20,
            Level::DEBUG | Level::TRACE => 10,
        };
        if level < LOWEST_LEVEL.load(Ordering::Relaxed) {
            return;
        }
        let mut parts = Parts::default();
        event.record(&mut parts);
        let logger = event.metadata().target().replace("::", ".");
        let of_this_process = RECORDS.get_or(Lock::default);
        let mut records = of_this_process.value.lock();
        if records.len() == MOST_RECORDS {
            records.pop_front();
        }
        records.push_back((level, logger, parts.event, parts.fields));
    }
}

#[derive(Default)]
struct Parts {
    event: String,
    fields: Fields,
}

/// Names and values, as a `dict` of Python.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

#[derive(IntoPyObject)]
enum Value {
    Signed(i64),
    Unsigned(u64),
    Text(String),
}

impl<'py> IntoPyObject<'py> for Fields {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        self.0.into_py_dict(py)
    }
}

impl Parts {
    fn add(&mut self, field: &Field, value: Value) {
        self.fields.0.push((field.name(), value));
    }
}

impl Visit for Parts {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Unsigned(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        // Milliseconds.
        self.record_u64(field, u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.event = text;
        } else {
            self.add(field, Value::Text(text));
        }
    }
}

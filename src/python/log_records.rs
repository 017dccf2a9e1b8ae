//! Passes `tracing` events to Python's `logging`.
//!
//! Rust threads put events into a bounded queue and never touch Python. The thread that waits for a
//! job takes them out.

use std::{
    collections::VecDeque,
    fmt::{Debug, Write},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use pyo3::prelude::*;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

use super::per_process::PerProcess;

/// Pending records; when the queue is full, the oldest are dropped.
const MOST_RECORDS: usize = 1000;

/// A fork may happen while a thread of the parent holds the lock.
static RECORDS: PerProcess<Mutex<VecDeque<Record>>> = PerProcess::new();

/// Level of Python's `logging`, logger, message.
type Record = (u8, String, String);

/// Starts to collect the events of this package, once. If the process already has a subscriber, it
/// stays in place.
pub(super) fn collect() {
    static COLLECTING: Once = Once::new();
    COLLECTING.call_once(|| {
        let _ = tracing::subscriber::set_global_default(Registry::default().with(Collector));
    });
}

/// Takes the records since the last call, oldest first.
#[pyfunction]
pub(super) fn take_log_records() -> Vec<Record> {
    std::mem::take(&mut *lock(&RECORDS.get_or(Mutex::default).value)).into()
}

fn lock(records: &Mutex<VecDeque<Record>>) -> MutexGuard<'_, VecDeque<Record>> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut text = Text::default();
        event.record(&mut text);
        let logger = event.metadata().target().replace("::", ".");
        let of_this_process = RECORDS.get_or(Mutex::default);
        let mut records = lock(&of_this_process.value);
        if records.len() == MOST_RECORDS {
            records.pop_front();
        }
        records.push_back((level, logger, text.message + &text.fields));
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

//! Metrics for Prometheus.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry, Unit},
};

use super::storage::{ConnectionCounts, StagedTotals};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    call: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    call: String,
}

/// What a server has done since it was opened.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Called, Histogram>,
    committed_files: Counter,
    committed_bytes: Counter,
    commit_files: Histogram,
    staged_files: Gauge,
    staged_bytes: Gauge,
    uploads_in_progress: Gauge,
    catalog_writable: Gauge,
    catalog_connections: Gauge,
    catalog_connections_idle: Gauge,
    blobs_reachable: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("sutro");
        let to = &mut registry;
        // From a listing to an upload of a big file.
        let seconds: fn() -> Histogram = || Histogram::new([0.005, 0.05, 0.5, 5.0, 50.0, 500.0]);
        // From one file to as many as a request may have.
        let files = Histogram::new([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0]);
        Self {
            requests: added(to, "requests", "Requests that got a response"),
            request_seconds: {
                let seconds = Family::new_with_constructor(seconds);
                let help = "Time from the head of a request to the head of its response";
                to.register_with_unit("request", help, Unit::Seconds, seconds.clone());
                seconds
            },
            committed_files: added(to, "committed_files", "Files that became part of a dataset"),
            committed_bytes: added_bytes(
                to,
                "committed",
                "Size of the files that became part of a dataset",
            ),
            commit_files: {
                let help = "Number of files per commit of staged files";
                to.register("commit_files", help, files.clone());
                files
            },
            staged_files: added(to, "staged_files", "Staged files"),
            staged_bytes: added_bytes(to, "staged", "Size of all staged files"),
            uploads_in_progress: added(to, "uploads_in_progress", "Uploads in progress"),
            catalog_writable: added(
                to,
                "catalog_writable",
                "0 while the catalog does not respond, or until it was checked after a failed write",
            ),
            catalog_connections: added(
                to,
                "catalog_connections",
                "Connections to the database server of the catalog, if there is one",
            ),
            catalog_connections_idle: added(
                to,
                "catalog_connections_idle",
                "Idle connections to the database server of the catalog",
            ),
            blobs_reachable: added(
                to,
                "blobs_reachable",
                "0 while the file store does not respond",
            ),
            registry,
        }
    }

    pub(super) fn answered(&self, call: &str, status: u16, time: Duration) {
        let call = call.to_owned();
        self.request_seconds
            .get_or_create(&Called { call: call.clone() })
            .observe(time.as_secs_f64());
        self.requests.get_or_create(&Answered { call, status }).inc();
    }

    pub(super) fn committed(&self, files: u64, bytes: u64) {
        self.committed_files.inc_by(files);
        self.committed_bytes.inc_by(bytes);
    }

    /// Files that were staged.
    pub(super) fn committed_together(&self, files: u32, bytes: u64) {
        self.committed(u64::from(files), bytes);
        self.commit_files.observe(f64::from(files));
    }

    pub(super) fn note_staged(&self, staged: StagedTotals) {
        self.staged_files.set(i64::try_from(staged.files).unwrap_or(i64::MAX));
        self.staged_bytes.set(i64::try_from(staged.bytes).unwrap_or(i64::MAX));
    }

    pub(super) fn note_connections(&self, counts: ConnectionCounts) {
        self.catalog_connections.set(counts.open.into());
        self.catalog_connections_idle.set(counts.idle.into());
    }

    pub(super) fn note_blobs(&self, is_reachable: bool) {
        self.blobs_reachable.set(i64::from(is_reachable));
    }

    /// In the text format (`OpenMetrics` 1.0.0), which Prometheus reads.
    pub(super) fn text(&self, uploads_in_progress: usize, is_catalog_writable: bool) -> String {
        self.catalog_writable.set(i64::from(is_catalog_writable));
        self.uploads_in_progress.set(i64::try_from(uploads_in_progress).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A new metric.
fn added<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

/// A new metric in bytes.
fn added_bytes<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register_with_unit(name, help, Unit::Bytes, metric.clone());
    metric
}

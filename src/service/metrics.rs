//! Metrics for Prometheus.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
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
        let requests = Family::default();
        registry.register("requests", "Requests that got a response", requests.clone());
        // From a listing to an upload of a big file.
        let buckets: fn() -> Histogram = || Histogram::new([0.005, 0.05, 0.5, 5.0, 50.0, 500.0]);
        let request_seconds = Family::new_with_constructor(buckets);
        let help = "Time from the head of a request to the head of its response";
        registry.register_with_unit("request", help, Unit::Seconds, request_seconds.clone());
        let committed_files = Counter::default();
        registry.register(
            "committed_files",
            "Files that became part of a dataset",
            committed_files.clone(),
        );
        let committed_bytes = Counter::default();
        registry.register_with_unit(
            "committed",
            "Size of the files that became part of a dataset",
            Unit::Bytes,
            committed_bytes.clone(),
        );
        // From one file to as many as a request may have.
        let commit_files = Histogram::new([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0]);
        let help = "Number of files per commit of staged files";
        registry.register("commit_files", help, commit_files.clone());
        let staged_files = Gauge::default();
        registry.register("staged_files", "Staged files", staged_files.clone());
        let staged_bytes = Gauge::default();
        registry.register_with_unit(
            "staged",
            "Size of all staged files",
            Unit::Bytes,
            staged_bytes.clone(),
        );
        let uploads_in_progress = Gauge::default();
        registry.register(
            "uploads_in_progress",
            "Uploads in progress",
            uploads_in_progress.clone(),
        );
        let catalog_writable = Gauge::default();
        registry.register(
            "catalog_writable",
            "0 while the catalog does not respond, or until it was checked after a failed write",
            catalog_writable.clone(),
        );
        let catalog_connections = Gauge::default();
        registry.register(
            "catalog_connections",
            "Connections to the database server of the catalog, if there is one",
            catalog_connections.clone(),
        );
        let catalog_connections_idle = Gauge::default();
        registry.register(
            "catalog_connections_idle",
            "Idle connections to the database server of the catalog",
            catalog_connections_idle.clone(),
        );
        let blobs_reachable = Gauge::default();
        registry.register(
            "blobs_reachable",
            "0 while the file store does not respond",
            blobs_reachable.clone(),
        );
        Self {
            registry,
            requests,
            request_seconds,
            committed_files,
            committed_bytes,
            commit_files,
            staged_files,
            staged_bytes,
            uploads_in_progress,
            catalog_writable,
            catalog_connections,
            catalog_connections_idle,
            blobs_reachable,
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

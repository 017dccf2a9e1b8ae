//! The embedded server: the dataset API on a folder.
//!
//! ```text
//! local, serve ──> embedded ──> router ──> calls ──> receive ──> admission ──> storage
//!  connections,     open,        guard,     JSON      multipart,  parquet,      catalog: now
//!  start, stop      close        keys                 streamed    schema, name  the file exists
//! ```

mod admission;
mod app_state;
mod calls;
mod catalog_keys;
mod clock;
mod connections;
mod embedded;
mod guard;
mod hosts;
mod in_progress;
#[cfg(test)]
mod kept_schemas;
mod keys;
mod limits;
mod local;
mod metrics;
mod openapi;
mod receive;
mod refusal;
mod router;
mod serve;
mod storage;

pub use embedded::Service;
pub use keys::Keys;
pub use limits::Limits;
pub use local::{LocalServer, ServerConfig, shared};
pub use storage::{
    Finding, FindingKind, KeyCatalog, KeyInfo, Place, UploadRecord, Verification, verify,
};

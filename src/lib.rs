//! Upload Parquet files to a dataset of the Sutro API: concurrently, in order, exactly once.
//!
//! ```text
//! sources ──> plan ──> check ──> transfer ──> commit, in order ──> report
//! ```
//!
//! Data flows in one direction, and modules import downwards only: [`schema`] and [`wire`] see
//! [`config`], [`credentials`] and [`error`]; [`client`] sees those; [`upload`] and
//! [`dataset_reader`], which reads a dataset, see [`client`]. [`service`] is the embedded server
//! for the same API. It shares `schema` and `wire` with the client, so that the two cannot
//! disagree. The Python bindings (feature `python`) sit on top and only translate.

mod array_layout;
mod background;
pub mod config;
mod content_hash;
pub mod credentials;
pub mod error;
pub mod hint;
pub mod location;
mod lock;
mod message;
mod object_stores;
mod read_at;
mod regular_file;
mod temporary_file;

pub mod schema;
pub mod wire;
pub mod xxh3;

pub mod source;

pub mod client;
pub mod dataset_reader;
pub mod upload;

pub mod service;

#[cfg(feature = "python")]
mod python;

pub use error::{Error, Result};

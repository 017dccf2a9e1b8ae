//! What the tests share.

pub(crate) mod fault_proxy;
pub(crate) mod parquet_files;
pub(crate) mod raw_client;
pub(crate) mod server;
pub(crate) mod upload_world;

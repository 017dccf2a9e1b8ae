//! What the tests share.

pub(crate) mod fault_proxy;
pub(crate) mod parquet_files;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod raw_client;
pub(crate) mod s3;
pub(crate) mod server;
pub(crate) mod upload_world;

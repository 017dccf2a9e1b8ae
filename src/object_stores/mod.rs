//! Access to object stores, for sources of uploads and for a server that keeps its files there:
//! settings, HTTP, and what errors say.

mod aws;
mod http;
mod profile;
mod words;

pub(crate) use aws::{aws_key, of_environment};
pub(crate) use http::{Connector, is_local, web_client};
pub(crate) use profile::Profile;
pub(crate) use words::{status, words};

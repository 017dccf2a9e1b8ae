//! All integration tests, in one binary: it is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod architecture;
mod catalog_keys;
mod client_faults;
mod contents;
mod deletion;
mod fault_pages;
mod file_ranges;
mod footers;
mod late_listings;
mod malformed_requests;
mod many_staged_files;
mod module_circles;
mod module_graph;
mod neutral_words;
mod packed_uploads;
mod refusals;
mod rust_paths;
mod schema_agreement;
mod service_contract;
mod service_faults;
mod service_guards;
mod staged_files;
mod staged_uploads;
mod staging;
mod support;
mod unstaged_uploads;
mod upload_faults;
mod uploads;

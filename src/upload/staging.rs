//! Whether a server can do what an upload needs of staging.

use crate::{
    client::ApiClient,
    error::{Error, Result},
    wire::staging::MAX_COMMIT_FILES,
};

/// # Errors
/// [`Error::Configuration`] if the server's responses do not announce staging.
pub(super) fn must_stage(client: &ApiClient, what_for: &str) -> Result<()> {
    if client.stages() {
        return Ok(());
    }
    let host = client.host();
    Err(Error::configuration(format!(
        "{host} cannot {what_for}: its responses do not announce staging"
    )))
}

/// The error of an atomic upload with too many files.
pub(super) fn too_many_for_one_commit() -> Error {
    Error::configuration(format!(
        "an atomic upload has at most {MAX_COMMIT_FILES} files, because one transaction commits them"
    ))
}

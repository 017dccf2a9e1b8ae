//! Whether a server can do what an upload needs of staging, and why not.

use crate::{
    client::ApiClient,
    error::{Error, Result},
    hint::{Hint, Message},
    wire::staging::MAX_COMMIT_FILES,
};

/// Whether the server stages files for a dataset; asked by a request that does not grow with it.
///
/// # Errors
/// [`Error::DatasetNotFound`], and the errors of every call.
pub async fn stages(client: &ApiClient, dataset_id: &str) -> Result<bool> {
    client.list_first(dataset_id).await?;
    Ok(client.stages())
}

/// The operations that need a server that stages files.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    Stage,
    Commit,
    Atomic,
}

/// # Errors
/// [`Error::Configuration`] if the server did not say that it stages files.
pub(super) fn must_stage(client: &ApiClient, needs: Needs) -> Result<()> {
    if client.stages() {
        return Ok(());
    }
    let (what, hint) = match needs {
        Needs::Stage => ("stage files", Some(Hint::UploadAtOnce)),
        Needs::Commit => ("commit staged files", None),
        Needs::Atomic => ("upload atomically", Some(Hint::NotAtomic)),
    };
    let host = client.host();
    let message = Message::from(format!(
        "the server at {host} cannot {what}: it does not announce that it stages files"
    ));
    Err(Error::configuration(hint.into_iter().fold(message, Message::hint)))
}

/// The error of an atomic upload of too many files, which are known or come one by one.
pub(super) fn too_many_for_one_commit(known_files: Option<usize>) -> Error {
    let message = format!("an atomic upload can have at most {MAX_COMMIT_FILES} files");
    Error::configuration(match known_files {
        Some(count) => Message::from(format!("{message}, not {count}")).hint(Hint::PackFiles),
        None => Message::from(message + ": the source yields more").hint(Hint::NotAtomic),
    })
}

/// The error of an atomic upload without order.
pub(super) fn atomic_is_ordered() -> Error {
    let message = "an atomic upload commits all files together, in the order of the source";
    Error::configuration(Message::from(message).hint(Hint::InOrder))
}

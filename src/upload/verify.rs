//! Checks after the last commit that the dataset lists all uploaded files.

use tokio::time::sleep;

use super::{
    commit::Order,
    outcome::listing_stays_behind,
    outgoing::OutgoingFile,
    settle::{Standing, standing},
};
use crate::{
    client::ApiClient,
    config::MAX_STALE_LISTINGS,
    error::{Error, Result},
    hint::{Hint, Message},
    wire::{file_name::folded, messages::DatasetFile},
};

/// The files that an upload has committed to a dataset.
pub(super) struct Sent<'a> {
    pub(super) dataset_id: &'a str,
    /// Names in the dataset before the upload.
    pub(super) before: &'a [String],
    /// All of them are committed.
    pub(super) files: &'a [OutgoingFile],
    pub(super) ordered: bool,
}

impl Sent<'_> {
    /// Lists the dataset until the listing has all files, and returns it.
    ///
    /// # Errors
    /// [`Error::ForeignWriter`] if the listing contradicts the upload, [`Error::OutcomeUnknown`] if
    /// it stays stale, and the errors of the call.
    pub(super) async fn verify(&self, client: &ApiClient) -> Result<Vec<DatasetFile>> {
        let mut stale_listings = 0;
        loop {
            let listing = client.list_dataset_files(self.dataset_id).await?;
            let Some(name) = self.first_missing(&listing)? else { return Ok(listing) };
            if stale_listings == MAX_STALE_LISTINGS {
                return Err(listing_stays_behind(name.to_owned(), None));
            }
            stale_listings += 1;
            tracing::debug!("the listing lacks files that the server had acknowledged");
            sleep(client.options().grace).await;
        }
    }

    /// Returns the first file that a stale listing lacks.
    fn first_missing(&self, listing: &[DatasetFile]) -> Result<Option<&str>> {
        if self.files.is_empty() {
            return Ok(None);
        }
        match standing(Order::of(self.ordered), self.names(), listing) {
            Standing::Current([]) => Ok(None),
            Standing::Stale(name) => Ok(Some(name)),
            Standing::Current(_) | Standing::Foreign => Err(self.contradicted_by(listing)),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let sent = self.files.iter().map(|file| file.name.as_str());
        self.before.iter().map(String::as_str).chain(sent)
    }

    fn contradicted_by(&self, listing: &[DatasetFile]) -> Error {
        let mut listed: Vec<_> = listing.iter().map(|listed| folded(&listed.file_name)).collect();
        let mut known: Vec<_> = self.names().map(folded).collect();
        listed.sort_unstable();
        known.sort_unstable();
        let message = if listed == known {
            let message = "all files are there, but in another order: this server does not keep the \
                           order in which uploads finish";
            Message::from(message).hint(Hint::OneAtATime)
        } else {
            "its list of files shows other files".into()
        };
        Error::ForeignWriter { dataset_id: self.dataset_id.to_owned(), message }
    }
}

//! The contents of a listing.

use object_store::path::Path;

use super::identity::Identity;

/// The contents of a folder.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) files: Vec<(Path, Identity)>,
    /// Without a slash at their end. Only of listings that are not recursive.
    pub(super) folders: Vec<String>,
}

//! A local folder: its lock, its file modes, and the blobs in it.

mod blobs;
mod errors;
mod lock;
pub(super) mod private_files;
mod sync;
mod used_folders;

pub(crate) use self::private_files::create_folder;
pub(super) use self::{blobs::FolderBlobs, used_folders::UsedFolders};

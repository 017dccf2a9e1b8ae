//! What a caller can do about an error. A hint is a value: Python code, the command and Rust code
//! each have their own text for it.

use std::fmt;

/// What a caller can do about an error or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Cast the columns that differ.
    Cast,
    /// Recompress the file.
    Recompress,
    /// Give the file another name.
    Rename,
    /// Give files other names than those that the dataset has.
    GiveOtherNames,
    /// Derive names from paths.
    NamesFromPaths,
    /// Add columns from folder names to the files.
    AddFolderColumns,
    /// Upload files without the columns from folder names.
    OmitFolderColumns,
    /// Add columns from folder names to files that are on this machine.
    DownloadFolders,
    /// Search subfolders.
    SearchSubfolders,
    /// Expand the variables in a path.
    ExpandVariables,
    /// Get a file that is not on this machine.
    FetchFile {
        /// Its URL.
        url: String,
    },
    /// Get files that are not on this machine.
    FetchFiles {
        /// A URL with a glob.
        url: String,
    },
    /// Pack small files into larger ones.
    PackFiles,
    /// Transfer one file at a time.
    OneAtATime,
    /// Upload in the order of the source.
    InOrder,
    /// Commit files one after the other, not all together.
    NotAtomic,
    /// Upload files in one step, without staging them first.
    UploadAtOnce,
    /// Resume an upload that was not ordered.
    ResumeUnordered,
    /// Completes "run the upload again with …".
    SameDataset {
        /// Its id.
        dataset_id: String,
    },
    /// As [`Hint::SameDataset`], for an upload that was not ordered.
    SameDatasetUnordered {
        /// Its id.
        dataset_id: String,
    },
    /// Overwrite files on this machine.
    Overwrite,
    /// List the files of the dataset.
    ListFiles,
    /// Share a folder between processes.
    ServeFolder {
        /// The folder.
        folder: String,
    },
}

/// The texts of hints for one kind of caller.
pub type Words<'a> = &'a dyn Fn(&Hint) -> String;

/// The texts of [`Hint`]'s `Display`, which name no argument of any interface.
pub(crate) const NEUTRAL: Words<'static> = &|hint| hint.to_string();

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cast => "casting the columns fixes this during the upload",
            Self::Recompress => "the upload can recompress it",
            Self::Rename => "give it another name",
            Self::GiveOtherNames => "give them other names",
            Self::NamesFromPaths => "derive the names from the paths",
            Self::AddFolderColumns => "add the columns to the files during the upload",
            Self::OmitFolderColumns => "upload the files without them",
            Self::DownloadFolders => {
                "to keep them, download the folders and add the columns during the upload"
            }
            Self::SearchSubfolders => "a recursive search finds files in subfolders too",
            Self::ExpandVariables => "expand them first",
            Self::FetchFile { .. } | Self::FetchFiles { .. } => "download it first",
            Self::PackFiles => "packing them into larger files is faster",
            Self::OneAtATime => "transfer one file at a time",
            Self::InOrder => "upload them in order",
            Self::NotAtomic => "upload them without committing all of them together",
            Self::UploadAtOnce => "upload the files instead of staging them",
            Self::ResumeUnordered => "resume it unordered",
            Self::SameDataset { .. } => "this dataset id",
            Self::SameDatasetUnordered { .. } => "this dataset id, unordered,",
            Self::Overwrite => "overwriting replaces existing files",
            Self::ListFiles => "list the dataset to see its files",
            Self::ServeFolder { .. } => "run a server for it and use its URL in all processes",
        })
    }
}

/// Text with hints after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    text: String,
    hints: Vec<Hint>,
}

impl Message {
    /// The text and its hints.
    #[must_use]
    pub fn in_words(&self, words: Words<'_>) -> String {
        self.hints.iter().fold(self.text.clone(), |text, hint| text + "; " + &words(hint))
    }

    /// The hints alone.
    #[must_use]
    pub fn hints(&self) -> &[Hint] {
        &self.hints
    }

    /// Adds a hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: Hint) -> Self {
        self.hints.push(hint);
        self
    }

    /// Adds a further cause, and the hints about it.
    #[must_use]
    pub(crate) fn and(mut self, more: Option<Self>) -> Self {
        if let Some(more) = more {
            self.text = self.text + "; " + &more.text;
            self.hints.extend(more.hints);
        }
        self
    }
}

impl<T: Into<String>> From<T> for Message {
    fn from(text: T) -> Self {
        Self { text: text.into(), hints: Vec::new() }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(NEUTRAL))
    }
}

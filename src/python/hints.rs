//! Words the core's hints for Python or for the command.

use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict},
};

use crate::hint::Hint;

/// Words hints by the table in `sutro._hints`.
pub(super) fn in_python(py: Python<'_>) -> impl Fn(&Hint) -> String {
    move |hint| words(py, hint).unwrap_or_else(|_| hint.to_string())
}

fn words(py: Python<'_>, hint: &Hint) -> PyResult<String> {
    let (name, facts) = match hint {
        Hint::Cast => ("cast", None),
        Hint::Recompress => ("recompress", None),
        Hint::Rename => ("rename", None),
        Hint::GiveOtherNames => ("give_other_names", None),
        Hint::NamesFromPaths => ("names_from_paths", None),
        Hint::AddFolderColumns => ("add_folder_columns", None),
        Hint::OmitFolderColumns => ("omit_folder_columns", None),
        Hint::DownloadFolders => ("download_folders", None),
        Hint::SearchSubfolders => ("search_subfolders", None),
        Hint::ExpandVariables => ("expand_variables", None),
        Hint::FetchFile { url } => ("fetch_file", Some(("url", url))),
        Hint::FetchFiles { url } => ("fetch_files", Some(("url", url))),
        Hint::PackFiles => ("pack_files", None),
        Hint::OneAtATime => ("one_at_a_time", None),
        Hint::InOrder => ("in_order", None),
        Hint::NotAtomic => ("not_atomic", None),
        Hint::UploadAtOnce => ("upload_at_once", None),
        Hint::ResumeUnordered => ("resume_unordered", None),
        Hint::SameDataset { dataset_id } => ("same_dataset", Some(("dataset_id", dataset_id))),
        Hint::SameDatasetUnordered { dataset_id } => {
            ("same_dataset_unordered", Some(("dataset_id", dataset_id)))
        }
        Hint::Overwrite => ("overwrite", None),
        Hint::ListFiles => ("list_files", None),
        Hint::ServeFolder { folder } => ("serve_folder", Some(("folder", folder))),
    };
    let facts: Bound<'_, PyDict> = facts.into_py_dict(py)?;
    // Runs no Python code, so Ctrl-C cannot arrive here.
    let words = py.import("sutro._hints")?.getattr("spoken")?.get_item(name)?;
    words.call_method("format", (), Some(&facts))?.extract()
}

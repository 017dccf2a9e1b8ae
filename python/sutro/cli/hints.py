"""Hints as options of the command."""

from __future__ import annotations

from typing import Final

COMMAND: Final = {
    "cast": "--on-mismatch cast fixes this during the upload",
    "recompress": "--recompress recompresses it during the upload",
    "rename": "rename the file",
    "give_other_names": "rename them",
    "names_from_paths": "--names path derives names from the paths",
    "add_folder_columns": "--hive adds the columns to the files during the upload",
    "omit_folder_columns": "--no-hive uploads the files without them",
    "download_folders": "to keep them, download the folders and upload these with --hive",
    "search_subfolders": "--recursive searches subfolders too",
    "expand_variables": "let the shell expand them",
    "fetch_file": "download it first",
    "fetch_files": "download them first",
    "pack_files": "--target-file-size 256MB packs them into larger files, which is faster",
    "one_at_a_time": "use --concurrency 1",
    "in_order": "leave out --unordered",
    "not_atomic": "leave out --atomic",
    "upload_at_once": "use `sutro upload` instead",
    "resume_unordered": "resume it with --unordered",
    "same_dataset": "--dataset {dataset_id}",
    "same_dataset_unordered": "--dataset {dataset_id} and --unordered",
    "overwrite": "--overwrite replaces existing files",
    "list_files": "`sutro datasets files` lists its files",
    "serve_folder": "run `sutro serve --data {folder}` and use its URL in all processes",
    "set_key": "Run `sutro login`, or set SUTRO_API_KEY (and SUTRO_API_URL)",
}
"""Texts with options, by the names of hints in `sutro._hints.PYTHON`."""

"""Hints about errors: what to do, as Python arguments or as options of the command.

The core says what failed, and names hints. The texts are for Python, unless the command replaces
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON: Final = {
    "cast": 'on_mismatch="cast" fixes this during the upload',
    "recompress": "recompress=True recompresses it during the upload",
    "rename": "pass names=",
    "give_other_names": "give them other names (names=, or a dict)",
    "names_from_paths": 'names="path" derives names from the paths',
    "add_folder_columns": "hive=True adds the columns to the files during the upload",
    "omit_folder_columns": "hive=False uploads the files without them",
    "download_folders": ("to keep them, download the folders and upload these with hive=True"),
    "search_subfolders": "recursive=True searches subfolders too",
    "expand_variables": "use os.path.expandvars(path)",
    "fetch_file": (
        "download it first, or pass open files of fsspec: sutro.upload(fsspec.open({url!r}).open())"
    ),
    "fetch_files": (
        "download it first, or pass open files of fsspec: fs, path = fsspec.url_to_fs({url!r}); "
        "sutro.upload([fs.open(file) for file in fs.glob(path)])"
    ),
    "pack_files": 'target_file_size="256MB" packs them into larger files, which is faster',
    "one_at_a_time": "use concurrency=1",
    "in_order": "leave out ordered=False",
    "not_atomic": "leave out atomic=True",
    "upload_at_once": "use sutro.upload instead",
    "resume_unordered": "resume it with ordered=False",
    "same_dataset": "this dataset id",
    "same_dataset_unordered": "this dataset id and ordered=False",
    "overwrite": "overwrite=True replaces existing files",
    "list_files": "list_dataset_files lists its files",
    "serve_folder": "run `sutro serve --data {folder}` and use its URL in all processes",
    "set_key": (
        "Run `sutro login`, set SUTRO_API_KEY (and SUTRO_API_URL), pass api_key (and api_url), or "
        "call sutro.set_api_key"
    ),
}
"""Each hint by its name: the name of a `Hint` of the core, or of this package alone."""

spoken: Final = dict(PYTHON)
"""The texts in use. The core reads them."""


def speak(words: Mapping[str, str]) -> None:
    """Use other texts in this process."""
    spoken.update(words)


def hint(name: str, **facts: str) -> str:
    """Return the text of a hint."""
    return spoken[name].format(**facts)


def same_dataset(dataset_id: str, *, ordered: bool) -> str:
    """Complete "run the upload again with ..."."""
    name = "same_dataset" if ordered else "same_dataset_unordered"
    return hint(name, dataset_id=dataset_id)

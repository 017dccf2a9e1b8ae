"""Errors of the files and frames to upload, and of files to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sutro._errors.base import SutroError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro._reports.differences import Difference


class CheckError(SutroError, ValueError):
    """The check before an upload found problems. Nothing was created or sent.

    Attributes:
        problems: A message for each problem, with its file.
        groups: If schemas differ, the names of the files of each schema. The first group is the
            largest one; the others are compared with it.
        differences: Each difference from the first group, with all files that have it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        problems: tuple[str, ...] = (),
        groups: tuple[tuple[str, ...], ...] = (),
        differences: tuple[Difference, ...] = (),
    ) -> None:
        super().__init__(message)
        self.problems = problems
        self.groups = groups
        self.differences = differences


class InvalidParquetError(CheckError):
    """Files are not Parquet files, or are damaged.

    Attributes:
        paths: All such files.
    """

    def __init__(
        self,
        message: str = "",
        *,
        problems: tuple[str, ...] = (),
        groups: tuple[tuple[str, ...], ...] = (),
        differences: tuple[Difference, ...] = (),
        paths: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, problems=problems, groups=groups, differences=differences)
        self.paths = paths


class SchemaMismatchError(CheckError):
    """Files have different schemas, or differ from the schema of the dataset.

    Attributes:
        groups: The names of the files of each schema. The first group is the largest one; the
            others are compared with it.
        differences: Each difference from the first group, with all files that have it.
    """


class FrameError(SutroError, ValueError):
    """A frame cannot be converted to a Parquet file.

    Attributes:
        frame: Its name, or its position in the source.
        column: The column that fails; nested ones are `person.address` or `tags.element`. `None`
            if it is not a single column.
        data_type: The Arrow type of that column.
    """

    def __init__(
        self,
        message: str = "",
        *,
        frame: str = "",
        column: str | None = None,
        data_type: str | None = None,
    ) -> None:
        super().__init__(message)
        self.frame = frame
        self.column = column
        self.data_type = data_type


class RewriteError(SutroError, ValueError):
    """A file cannot be cast or recompressed: it is damaged, or a value would be lost.

    Attributes:
        path: The file. It was not changed.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class DecodeError(SutroError, ValueError):
    """A file of a dataset cannot be decoded: its pages are damaged.

    Attributes:
        dataset_id: The dataset.
        file_name: The name of the file in the dataset.
    """

    def __init__(self, message: str = "", *, dataset_id: str = "", file_name: str = "") -> None:
        super().__init__(message)
        self.dataset_id = dataset_id
        self.file_name = file_name


class FileChangedError(SutroError, OSError):
    """A file changed between its check and the end of its upload.

    Attributes:
        path: The file.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class FileAccessError(SutroError, OSError):
    """A file, here or in a store, cannot be read or written.

    Attributes:
        path: The file.
    """

    def __init__(self, message: str = "", *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class LocalFileExistsError(FileAccessError, FileExistsError):
    """A download would replace local files that have other content. Nothing was written.

    Attributes:
        path: The first of these files.
        paths: All of these files.
    """

    def __init__(self, message: str = "", *, path: str = "", paths: Sequence[str] = ()) -> None:
        super().__init__(message, path=path)
        self.paths = tuple(paths)

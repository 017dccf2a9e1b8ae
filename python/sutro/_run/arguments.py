"""The arguments of an upload or a check, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from sutro import settings
from sutro._hints import hint
from sutro._run import values
from sutro._sources.found import find
from sutro._sources.paths import Paths
from sutro._sources.resolve import resolve
from sutro.errors import ConfigurationError
from sutro.options import UploadOptions
from sutro.sources import ColumnType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sutro import _core
    from sutro._sources.files import Files
    from sutro._sources.frames import Frames
    from sutro.options import OnMismatch
    from sutro.sources import (
        EngineFrame,
        HiveOption,
        NamesOption,
        Source,
        StorageOptions,
    )


@dataclass(frozen=True, slots=True)
class Upload:
    """The unchecked arguments of `upload`; a check is an upload that sends nothing."""

    source: Source | EngineFrame
    dataset_id: str | None
    ordered: bool
    names: NamesOption | None
    hive: HiveOption | None
    recursive: bool
    exclude: str | Sequence[str]
    rows_per_file: int | None
    on_mismatch: OnMismatch
    recompress: bool
    target_file_size: int | str | None = None
    merge_row_groups: bool = False
    storage_options: StorageOptions | None = field(default=None, repr=False)
    concurrency: int | None = None
    atomic: bool = False
    dry_run: bool = True

    def resolved(
        self, preflight: _core.Preflight | None, *, check: bool = True
    ) -> tuple[UploadOptions, Files | Frames]:
        """Check the arguments and find the files. This takes time.

        With `check`, the schemas of a list of frames are compared at once, also with the dataset's
        schema if `preflight` has it.

        Raises:
            TypeError: An argument has another type.
            ConfigurationError: An argument cannot be used, or the source matches nothing.
            CheckError: Frames or names cannot be uploaded.
            FileExistsInDatasetError: The dataset already has names of the source.
            FileAccessError: A folder cannot be read.
        """
        options = self._options()
        resolved = resolve(
            self.source,
            self.names,
            recursive=self.recursive,
            exclude=self.exclude,
            storage_options=self.storage_options,
            rows_per_file=self.rows_per_file,
            check=check,
            options=options,
            preflight=preflight,
        )
        if not isinstance(resolved, Paths):
            _refuse_hive_of_frames(options["hive"])
            return options, resolved
        files = find(resolved)
        options["names"] = files.names
        return options, files

    def _options(self) -> UploadOptions:
        ordered, atomic = values.flag("ordered", self.ordered), values.flag("atomic", self.atomic)
        if atomic and not ordered:
            message = f"an atomic upload commits all files together, in order; {hint('in_order')}"
            raise ConfigurationError(message)
        merges = values.flag("merge_row_groups", self.merge_row_groups)
        if merges and self.target_file_size is None:
            message = "row groups can only be merged in files with a target size"
            raise ConfigurationError(message)
        return UploadOptions(
            dataset_id=None if self.dataset_id is None else values.dataset_id(self.dataset_id),
            names=None,
            target_file_size=values.size("target_file_size", self.target_file_size),
            merge_row_groups=merges,
            concurrency=settings.concurrency(self.concurrency),
            ordered=ordered,
            atomic=atomic,
            cast=_is_cast(self.on_mismatch),
            recompress=values.flag("recompress", self.recompress),
            dry_run=values.flag("dry_run", self.dry_run),
            hive=_checked_hive(self.hive),
        )


def _is_cast(on_mismatch: OnMismatch) -> bool:
    if not isinstance(on_mismatch, str) or on_mismatch not in {"error", "cast"}:
        message = f"on_mismatch must be 'error' or 'cast', not {on_mismatch!r}"
        raise ConfigurationError(message)
    return on_mismatch == "cast"


def _refuse_hive_of_frames(told: object) -> None:
    if told:
        message = "`hive` only applies to files in folders, but the source contains frames"
        raise ConfigurationError(message)


def _checked_hive(hive: object) -> bool | dict[str, str] | None:
    if hive is None or isinstance(hive, bool):
        return hive
    if not isinstance(hive, Mapping):
        message = f"hive must be True, False, or a dict of types, not {type(hive).__name__}"
        raise TypeError(message)
    types: dict[str, str] = {values.text("a key of hive", name): hive[name] for name in hive}
    for name, kind in types.items():
        if kind not in get_args(ColumnType):
            known = ", ".join(get_args(ColumnType))
            message = f"hive has {kind!r} for {name}; types are {known}"
            raise ConfigurationError(message)
    return types

"""The files of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sutro import _core


@dataclass(frozen=True, slots=True)
class Files:
    """Files, with their names in the dataset unless they keep their own."""

    found: _core.FoundFiles
    names: list[str] | None

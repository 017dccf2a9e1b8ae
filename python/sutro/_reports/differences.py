"""Differences between schemas."""

from dataclasses import dataclass
from typing import Literal

from sutro._public import public


@public
@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the schema of some files and that of the others, or of the dataset."""

    path: str
    """Path of the column: `score`, `person.address.zip`, `tags.element`."""
    kind: Literal["missing", "extra", "moved", "type", "nullability"]
    """`missing`, `extra`, `moved`, `type` or `nullability`."""
    expected: str | None
    """What the others have; `None` for an extra column."""
    found: str | None
    """What these files have; `None` for a missing column."""
    files: tuple[str, ...]
    """Names of these files."""

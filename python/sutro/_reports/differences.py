"""How the schemas of files differ."""

from dataclasses import dataclass
from typing import Literal

from sutro._public import public


@public
@dataclass(frozen=True, slots=True)
class Difference:
    """How some files' schema differs from that of the others, or of the dataset."""

    path: str
    """The column, by its path: `score`, `person.address.zip`, `tags.element`."""
    kind: Literal["missing", "extra", "moved", "type", "nullability"]
    """`missing`, `extra`, `moved`, `type` or `nullability`."""
    expected: str | None
    """What the others have, in words; None for an extra column."""
    found: str | None
    """What these files have, in words; None for a missing column."""
    files: tuple[str, ...]
    """The names of these files."""

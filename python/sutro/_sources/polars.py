"""Recognises polars frames without importing polars."""

from __future__ import annotations

from typing import Any

from sutro._sources.classes import is_a


def unsupported_column(frame: Any) -> tuple[str, str] | None:
    """Find a column whose Arrow stream cannot be used, and say why."""
    if not is_a(frame, "polars", "DataFrame"):
        return None
    reasons = ((name, _why_unsupported(name, dtype)) for name, dtype in frame.schema.items())
    return next(((name, reason) for name, reason in reasons if reason is not None), None)


def _why_unsupported(name: str, dtype: object) -> str | None:
    kinds = set(_kinds_in(dtype))
    if "Object" in kinds:
        # The stream would contain memory addresses instead of the objects.
        return "has Python objects, which Parquet cannot hold"
    if "Null" in kinds:
        # The stream has a buffer that Arrow's null arrays do not have (polars issue 22934).
        return f"has no values and no type; give it a type: pl.col({name!r}).cast(...)"
    for wide, narrow in (("Int128", "Int64"), ("UInt128", "UInt64")):
        if wide in kinds:
            return (
                f"has the type {wide}, which Parquet does not support; if its values fit: "
                f"pl.col({name!r}).cast(pl.{narrow})"
            )
    return None


def _kinds_in(dtype: Any) -> list[str]:
    """Return the names of a type and of all types inside it."""
    inner = [getattr(dtype, name, None) for name in ("inner", "key", "value")]
    inner += [getattr(field, "dtype", None) for field in getattr(dtype, "fields", ())]
    kind = dtype if isinstance(dtype, type) else type(dtype)
    found = [kind.__name__]
    for part in inner:
        if part is not None and part is not dtype:
            found += _kinds_in(part)
    return found

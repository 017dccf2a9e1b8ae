"""What is known of frames of polars, which is not imported."""

from __future__ import annotations


def trouble_of(name: str, dtype: object) -> str | None:
    """What is wrong with a column whose Arrow stream cannot be used."""
    if str(dtype) == "Object":
        # The stream has addresses in memory in the place of the objects.
        return "has Python objects, which parquet cannot hold"
    if _has_null_type(dtype):
        # The stream has a buffer that Arrow's null arrays do not have (polars issue 22934).
        return f"has no values, so no type; give it one with pl.col({name!r}).cast(...)"
    return None


def _has_null_type(dtype: object) -> bool:
    inner = [getattr(dtype, "inner", None)]
    inner += [getattr(field, "dtype", None) for field in getattr(dtype, "fields", ())]
    return str(dtype) == "Null" or any(_has_null_type(part) for part in inner if part is not None)

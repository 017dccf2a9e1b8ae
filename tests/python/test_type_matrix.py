"""The types page describes every type."""

from __future__ import annotations

import type_matrix


def test_the_types_page_shows_how_each_type_is_stored() -> None:
    _, inside, _ = type_matrix.split_page()

    assert inside == type_matrix.tables(), "stale: run python tests/python/type_matrix.py"

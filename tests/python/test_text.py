"""Tables and times in human-readable output."""

from __future__ import annotations

import pytest

from sutro._reports import text

HEADER = ("#", "file", "rows", "file id")
ROWS = [("1", "part-0.parquet", "1,000", "file_0"), ("2", "データ.parquet", "2", "file_1")]


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Set the width of stdout."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(request.param))


def test_wide_characters_and_accents_keep_the_columns_aligned() -> None:
    rows = [("데이터", "1"), ("e\u0301te\u0301", "2"), ("plain", "30")]

    assert text.table(("name", "rows"), rows, right=["rows"]) == (
        "name    rows\n"
        "데이터     1\n"
        "e\u0301te\u0301        2\n"
        "plain     30"
    )  # fmt: skip


@pytest.mark.parametrize("columns", [40], indirect=True)
@pytest.mark.usefixtures("columns")
def test_a_table_that_fits_is_not_changed() -> None:
    assert text.table(HEADER, ROWS, right=["#", "rows"]).splitlines()[1] == (
        "1  part-0.parquet  1,000  file_0"
    )


@pytest.mark.parametrize("columns", [40], indirect=True)
@pytest.mark.usefixtures("columns")
def test_a_long_name_is_shortened_in_its_middle() -> None:
    rows = [*ROWS, ("3", "データデータデータデータ-3.parquet", "3", "file_2")]

    assert text.table(HEADER, rows, right=["#", "rows"]).splitlines()[1:] == [
        "1  part-0.parquet        1,000  file_0",
        "2  データ.parquet            2  file_1",
        "3  データデ...3.parquet      3  file_2",
    ]


@pytest.mark.parametrize("columns", [26], indirect=True)
@pytest.mark.usefixtures("columns")
def test_the_last_columns_are_omitted_before_names_get_too_short() -> None:
    assert text.table(HEADER, ROWS, right=["#", "rows"]) == (
        "#  file             rows\n"
        "1  part-0.parquet  1,000\n"
        "2  データ.parquet      2"
    )  # fmt: skip


@pytest.mark.parametrize("columns", [1, 5, 10, 20], indirect=True)
@pytest.mark.usefixtures("columns")
def test_a_table_can_be_printed_at_any_width() -> None:
    assert text.table(HEADER, ROWS, right=["#", "rows"]).startswith("#")


def test_an_empty_column_is_omitted() -> None:
    assert text.table(("a", "b", "c"), [("1", "", "2")]) == "a  c\n1  2"


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2026-11-24T22:57:40.503645Z", "2026-11-24 22:57"),
        ("2026-11-24T22:57:40+02:00", "2026-11-24 20:57"),
        ("2026-11-24T22:57:40", "2026-11-24 22:57"),
        ("yesterday", "yesterday"),
        (None, ""),
    ],
)
def test_a_time_is_shown_in_utc(time: str | None, shown: str) -> None:
    assert text.moment(time) == shown

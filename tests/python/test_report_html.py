"""In a notebook, a report is a table with a timeline, for light and dark themes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

import sutro
from conftest import write_parquet
from sutro._reports import html

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WIDTH = 240
"""Of the timeline, in pixels."""


class Page(SingleFileSnapshotExtension):
    """A snapshot that can be opened in a browser."""

    file_extension = "html"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def page(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Page)


def file_of(
    position: int,
    *seconds: float | None,
    name: str | None = None,
    status: Any = "uploaded",
    attempts: int = 1,
    changes: Sequence[Any] = (),
) -> sutro.UploadedFile:
    """A file that was started, transferred and committed this many seconds after noon."""
    times = [None if second is None else NOON + timedelta(seconds=second) for second in seconds]
    started, transferred, committed = (*times, None, None, None)[:3]
    return sutro.UploadedFile(
        position=position,
        name=name or f"part-{position}.parquet",
        file_id=f"file_{position:03}" if committed else None,
        size_bytes=52_000_000,
        row_count=12_345,
        status=status,
        changes=tuple(changes),
        attempts=attempts,
        started=started,
        transferred=transferred,
        committed=committed,
    )


def html_of(*files: sutro.UploadedFile, seconds: float = 10.0) -> str:
    uploaded = [file for file in files if file.status == "uploaded"]
    report = sutro.UploadReport(
        dataset_id="dataset-1",
        files=files,
        bytes=sum(file.size_bytes for file in uploaded),
        seconds=seconds,
        concurrency=4,
        bytes_sent=sum(file.size_bytes for file in files if file.started),
    )
    html: str = report._repr_html_()
    return html


def bars_in(html: str) -> list[dict[str, tuple[int, int]]]:
    """The start and end of each mark in pixels, for each file with a bar."""
    svgs = re.findall(r'<td title="[^"]*"><svg>.*?</svg>', html)
    marks = r'class="(\w+)" d="M(\d+) \d+(?:H(\d+)|v\d+)"'
    return [
        {kind: (int(begin), int(end or begin)) for kind, begin, end in re.findall(marks, svg)}
        for svg in svgs
    ]


def ticks_in(html: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", html)


HOSTILE = "<script>alert(1)</script>\"'&.parquet"

MIXED = (
    file_of(0, status="skipped", attempts=0),
    file_of(1, 0, 2.1, 2.3),
    file_of(2, 0.02, 1.1, 2.6, changes=["cast"]),
    file_of(3, 0.04, 7.0, 7.3, attempts=3),
    file_of(4, 0.06, 3.4, 7.5, name=HOSTILE),
    file_of(5, 2.1, 4.4, status="pending"),
    file_of(6, 4.4, status="pending", attempts=2),
    file_of(7, status="pending", attempts=0),
)
"""A file in each state."""


def test_an_unfinished_upload(page: SnapshotAssertion) -> None:
    assert html_of(*MIXED) == page


def test_a_dry_run(page: SnapshotAssertion) -> None:
    skipped = file_of(0, status="skipped", attempts=0)

    assert html_of(skipped, file_of(1, status="pending", attempts=0)) == page


def test_a_failed_check(tmp_path: Path, page: SnapshotAssertion) -> None:
    for number in range(2):
        write_parquet(tmp_path / f"part-{number}.parquet", score=[1, 2])
    write_parquet(tmp_path / "part-<b>2.parquet", text=["a", "b"])

    assert sutro.check(tmp_path)._repr_html_() == page


def test_the_timeline_shows_each_uploaded_file(client: sutro.Client, folder: Path) -> None:
    dataset_id = client.upload(folder / "part-0.parquet").dataset_id

    bars = bars_in(client.upload(folder, dataset_id)._repr_html_())

    assert len(bars) == 11
    assert all({"sent", "done"} <= bar.keys() for bar in bars)
    commits = [bar["done"] for bar in bars]
    assert commits == sorted(commits)
    assert commits[-1] == (WIDTH, WIDTH)


class Elements(HTMLParser):
    """Collects the elements and the text that a browser would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_names_are_escaped_and_the_report_loads_and_runs_nothing() -> None:
    html = html_of(*MIXED)
    elements = Elements(html)

    assert HOSTILE in "".join(elements.texts)
    assert elements.tags <= {
        *("div", "style", "p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td"),
        *("svg", "text", "path"),
    }
    assert elements.attributes == {"class", "style", "title", "x", "y", "d"}
    assert not re.search(r"url\(|@import|https?:", html)


def test_styles_apply_only_to_elements_of_the_report() -> None:
    sheets = re.findall(r"<style>(.*?)</style>", html_of(*MIXED), flags=re.DOTALL)
    selectors = [rule.partition("{")[0].strip() for rule in "".join(sheets).split("}")]

    assert len(sheets) == 2
    assert all(
        selector.startswith((".sutro-report ", ".sutro-report", ".sutro-timeline "))
        for selector in selectors
        if selector
    )


def test_the_bar_of_a_file_that_waited_shows_the_start_and_end_of_the_wait() -> None:
    first, second = bars_in(html_of(file_of(0, 0, 5, 5), file_of(1, 0, 2.5, 10)))

    assert first == {"sent": (0, 120), "done": (120, 120)}
    assert second == {"sent": (0, 60), "wait": (60, 240), "done": (240, 240)}


def test_the_bar_of_an_interrupted_transfer_extends_to_the_end_of_the_run() -> None:
    first, second = bars_in(
        html_of(file_of(0, 0, 5, status="pending"), file_of(1, 2.5, status="pending"), seconds=20)
    )

    assert first == {"sent": (0, 60), "wait": (60, 240)}
    assert second == {"sent": (30, 240)}


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (0.0, ["0", "1 ms"]),
        (0.4, ["0", "100 ms", "200 ms", "300 ms", "400 ms"]),
        (7.5, ["0", "2 s", "4 s", "6 s"]),
        (100, ["0", "30 s", "60 s", "90 s"]),
        (1000, ["0", "5 min", "10 min", "15 min"]),
        (7200, ["0", "30 min", "60 min", "90 min", "120 min"]),
        (90_000, ["0", "12 h", "24 h"]),
        (864_000, ["0", "3 d", "6 d", "9 d"]),
    ],
)
def test_the_time_axis_has_few_round_ticks(seconds: float, ticks: list[str]) -> None:
    assert ticks_in(html_of(file_of(0, 0, seconds, seconds))) == ticks


@pytest.mark.parametrize(
    "times",
    [(0, 0, 0), (0, -5, 3), (0, 5, -3), (0, -5, -5), (0, None, 4), (0, 5, 0)],
    ids=str,
)
def test_a_clock_that_goes_back_or_stands_still_gives_a_valid_timeline(
    times: tuple[float | None, ...],
) -> None:
    for bar in bars_in(html_of(file_of(0, *times), file_of(1, -1, 1, 2))):
        ends = [end for mark in ("sent", "wait", "done") for end in bar.get(mark, ())]
        assert ends == sorted(ends)
        assert 0 <= ends[0] <= ends[-1] <= WIDTH
        assert bar["sent"][0] < bar["sent"][1], "it can be seen"


def test_many_files_are_folded_and_the_report_stays_small() -> None:
    html = html_of(*(file_of(number, number, number + 2, number + 3) for number in range(3000)))

    assert "<details><summary>2,950 more</summary>" in html
    before, _, after = html.partition("<details>")
    shown = len(bars_in(before)), len(bars_in(after))
    assert shown[0] == 50
    assert shown[1] > 100
    assert ticks_in(before) == ticks_in(after)
    hidden = f"{3000 - sum(shown):,} more are not shown here; all of them: "
    assert hidden + "<code>polars.DataFrame(report)</code>" in html
    assert len(html.encode()) < 150_000


def test_long_names_do_not_make_a_report_large() -> None:
    names = (f"{number:05}-{'é' * 100}.parquet" for number in range(3000))
    html = html_of(*(file_of(number, 0, 1, 2, name=name) for number, name in enumerate(names)))

    assert len(html.encode()) < 150_000


class Plain(HTMLParser):
    """The text of a page without styles and drawings, which JupyterLab strips."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._is_style = False

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self._is_style = tag == "style"
        if tag in {"tr", "p", "br", "table"}:
            self.text += "\n"
        elif tag in {"td", "th"}:
            self.text += "|"

    def handle_endtag(self, _tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._is_style else data


def test_a_report_is_readable_without_styles_and_drawings() -> None:
    page = Plain()
    page.feed(html_of(file_of(0, 0, 2.1, 2.3), file_of(1, 0.02, 1.1, 2.6), seconds=2.6))

    lines = [line.strip() for line in page.text.splitlines() if line.strip()]
    assert lines == [
        "dataset-1: 2 files, 2 uploaded",
        "104.0 MB sent in 2.6 s, 40.0 MB/s, up to 4 files at the same time",
        "|#|file|status|rows|size|0 1 s 2 s|file id",
        "|1|part-0.parquet|uploaded|12,345|52.0 MB||file_000",
        "|2|part-1.parquet|uploaded|12,345|52.0 MB||file_001",
        "sent,  waited for its turn and the response,  committed",
    ]


def test_fifty_files_are_not_folded() -> None:
    assert "<details>" not in html_of(*(file_of(number, 0, 1, 2) for number in range(50)))


def test_the_style_sheet_can_align_every_column() -> None:
    header = [f"column {number}" for number in range(10)]
    rows = [["1"] * 10]

    shown = html.report(html.table(header, rows, right=header, whole=""))

    for number in range(1, 11):
        assert f".right{number} :nth-child({number})" in shown
    with pytest.raises(ValueError, match="at most 10 columns"):
        html.table([*header, "one more"], rows, whole="")

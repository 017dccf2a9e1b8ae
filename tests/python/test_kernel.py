"""The progress bar in a Jupyter kernel, with and without ipywidgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import PARTS
from helpers import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sutro
    from helpers.holding_server import HoldingServer
    from helpers.kernels import Cell, Kernel

WIDGET = "application/vnd.jupyter.widget-view+json"

WITHOUT_IPYWIDGETS = "import sys; sys.modules['ipywidgets'] = None"


@pytest.fixture(scope="module")
def with_widgets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernels.kernel(tmp_path_factory.mktemp("widgets")) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def without_widgets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernels.kernel(tmp_path_factory.mktemp("plain")) as kernel:
        kernel.run(WITHOUT_IPYWIDGETS)
        yield kernel


@pytest.fixture(params=["with_widgets", "without_widgets"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    found: Kernel = request.getfixturevalue(request.param)
    return found


def connect(kernel: Kernel, service: sutro.LocalServer | HoldingServer) -> None:
    """Create a `client` in the kernel, as a first cell would."""
    made = kernel.run(
        f"import sutro; client = sutro.Client({service.api_key!r}, {service.api_url!r})"
    )
    assert made == kernels.Cell()


def is_bar_complete(cell: Cell) -> bool:
    """Whether the bar of a cell that ended early is closed."""
    if cell.widgets:
        (bar,) = cell.states("FloatProgressModel")
        return bool(bar["bar_style"] == "danger")
    return cell.stderr.count("\n") == 1 and cell.stderr.rstrip(" \n").endswith("]")


def test_with_ipywidgets_the_bar_is_a_widget(
    with_widgets: Kernel, server: sutro.LocalServer, folder: Path
) -> None:
    connect(with_widgets, server)

    cell = with_widgets.run(f"report = client.upload({str(folder)!r})")

    assert (cell.error, cell.stdout, cell.stderr) == (None, "", "")
    (bar,) = cell.states("FloatProgressModel")
    assert bar["bar_style"] == "success"
    assert bar["value"] == bar["max"] > 0
    assert "100%" in cell.bar
    assert "12/12 files]" in cell.bar


def test_a_saved_notebook_contains_the_last_line_of_the_bar_as_text(
    with_widgets: Kernel, server: sutro.LocalServer, folder: Path
) -> None:
    connect(with_widgets, server)

    cell = with_widgets.run(f"report = client.upload({str(folder)!r})")

    (shown,) = cell.shown
    assert list(shown) == ["text/plain"]
    assert shown["text/plain"].startswith("100%|")
    assert shown["text/plain"].endswith("12/12 files]")


def test_the_total_of_the_widget_grows_while_files_are_prepared(
    with_widgets: Kernel, server: sutro.LocalServer
) -> None:
    connect(with_widgets, server)

    cell = with_widgets.run(
        """
        import pyarrow as pa
        frames = (pa.table({"id": range(10_000 * (number + 1))}) for number in range(5))
        report = client.upload(frames, concurrency=1)
        print(report.bytes)
        """
    )

    (bar,) = cell.states("FloatProgressModel")
    assert bar["max"] == bar["value"] == int(cell.stdout)


def test_without_ipywidgets_the_bar_is_text_without_a_warning(
    without_widgets: Kernel, server: sutro.LocalServer, folder: Path
) -> None:
    connect(without_widgets, server)

    cell = without_widgets.run(f"report = client.upload({str(folder)!r})")

    assert (cell.error, cell.stdout, cell.shown, cell.widgets) == (None, "", [], {})
    assert cell.stderr.startswith("\r  0%|")
    assert cell.stderr.rstrip().endswith("12/12 files]")
    assert cell.stderr.count("\n") == 1
    assert "Warning" not in cell.stderr


def test_nothing_is_shown_without_progress(
    kernel: Kernel, server: sutro.LocalServer, folder: Path
) -> None:
    connect(kernel, server)

    assert kernel.run(f"report = client.upload({str(folder)!r}, progress=False)") == kernels.Cell()


def test_a_report_is_shown_as_html(kernel: Kernel, server: sutro.LocalServer, folder: Path) -> None:
    connect(kernel, server)

    cell = kernel.run(f"client.upload({str(folder)!r}, progress=False)")

    (shown,) = cell.shown
    assert shown["text/html"].startswith('<div class="sutro-report">')
    assert "<svg>" in shown["text/html"]
    assert shown["text/plain"].startswith("UploadReport('dataset-")


def test_the_async_twin_can_be_awaited_in_a_cell(
    kernel: Kernel, server: sutro.LocalServer, folder: Path
) -> None:
    connect(kernel, server)

    cell = kernel.run(
        f"""
        import asyncio
        assert asyncio.get_running_loop()
        report = await client.upload_async({str(folder)!r}, progress=False)
        print(len(report), len(client.list_dataset_files(report.dataset_id)))
        """
    )

    assert (cell.error, cell.stdout) == (None, "12 12\n")


def test_an_interrupted_cell_closes_the_bar_and_the_next_cell_resumes(
    kernel: Kernel, holding: HoldingServer, folder: Path
) -> None:
    holding.commits = 3
    connect(kernel, holding)

    kernel.start(f"client.upload({str(folder)!r})")
    kernel.wait_for_bar("3/12 files")
    kernel.interrupt()
    interrupted = kernel.result()

    assert interrupted.error == "UploadInterrupted"
    assert is_bar_complete(interrupted)
    assert holding.dropped.wait(30)
    holding.commits = len(PARTS)
    cell = kernel.run(f"print(client.upload({str(folder)!r}, 'dataset-held', progress=False))")
    assert (cell.error, holding.names) == (None, PARTS)
    assert "9 uploaded, 3 already there" in cell.stdout


def test_an_interrupted_await_closes_its_connections_and_the_next_cell_works(
    kernel: Kernel, holding: HoldingServer, folder: Path
) -> None:
    holding.commits = 3
    connect(kernel, holding)

    kernel.start(f"await client.upload_async({str(folder)!r})")
    kernel.wait_for_bar("3/12 files")
    kernel.interrupt()
    interrupted = kernel.result()

    assert interrupted.error == "CancelledError"
    assert is_bar_complete(interrupted)
    assert holding.dropped.wait(30)
    assert kernel.run("print(1)").stdout == "1\n"


def test_an_error_closes_the_bar_in_a_notebook(
    kernel: Kernel, holding: HoldingServer, folder: Path
) -> None:
    holding.commits = 3
    holding.refusal = (400, "this is no parquet file")
    connect(kernel, holding)

    cell = kernel.run(f"client.upload({str(folder)!r})")

    assert cell.error == "UploadIncompleteError"
    assert is_bar_complete(cell)


def test_an_error_in_a_cell_prints_at_most_twenty_lines(
    kernel: Kernel, server: sutro.LocalServer, folder: Path
) -> None:
    connect(kernel, server)
    frames = """
        import pandas as pd
        frames = [pd.DataFrame({f"column {n}": [1] for n in range(m, m + 20)}) for m in range(9)]
        """
    assert kernel.run(frames).error is None

    for code, error in [
        (f"client.upload({str(folder / 'none')!r})", "CheckError"),
        ("client.upload(frames)", "SchemaMismatchError"),
        ("client.upload(iter(frames))", "UploadIncompleteError"),
        ("client.upload(pd.DataFrame({'a': [1, 'x']}), 'dataset-none')", None),
        ("client.upload(frames[0], 'dataset-none')", "DatasetNotFoundError"),
    ]:
        cell = kernel.run(f"{code}")
        assert cell.error is not None
        assert error in (None, cell.error)
        lines = cell.traceback.splitlines()
        assert len(lines) <= 20, cell.traceback
        assert f"this cell, line 1: {code}" in lines[0]
        assert f"sutro.{cell.error}: " in cell.traceback

    whole = kernel.run("import sys, traceback; traceback.print_exception(sys.last_value)")
    assert "Traceback (most recent call last)" in whole.stderr
    assert "driver.py" in whole.stderr

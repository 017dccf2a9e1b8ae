"""Real Jupyter kernels, and the output that a front end would show."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient

TIMEOUT_SECONDS = 50


@dataclass
class Cell:
    """The output of a cell."""

    stdout: str = ""
    stderr: str = ""
    shown: list[dict[str, Any]] = field(default_factory=list)
    """Each display and result, by media type."""
    widgets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The states of created widgets by id."""
    error: str | None = None
    """The name of the exception that ended the cell."""
    traceback: str = ""
    """The text of the exception."""
    _places: dict[str | None, int] = field(default_factory=dict, compare=False)
    """The positions in `shown` of updatable displays, by id."""

    def states(self, model: str) -> list[dict[str, Any]]:
        """The states of the widgets of one kind."""
        return [state for state in self.widgets.values() if state["_model_name"] == model]

    @property
    def bar(self) -> str:
        """All text of a bar: the printed text, or the text next to its widget."""
        beside = "".join(state["value"] for state in self.states("HTMLModel"))
        # In HTML, tqdm writes blanks that are as wide as a figure.
        return beside.replace("\u2007", " ") or self.stderr

    def take(self, kind: str, content: Mapping[str, Any]) -> None:
        if kind == "stream":
            setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
        elif kind in {"display_data", "execute_result"}:
            self.shown.append(content["data"])
            self._places[content.get("transient", {}).get("display_id")] = len(self.shown) - 1
        elif kind == "update_display_data":
            self.shown[self._places[content["transient"]["display_id"]]] = content["data"]
        elif kind == "error":
            self.error = content["ename"]
            self.traceback = "\n".join(content["traceback"])
        elif kind == "comm_open":
            self.widgets[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["comm_id"] in self.widgets:
            self.widgets[content["comm_id"]] |= content["data"]["state"]


class Kernel:
    """Runs cells one after another."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def run(self, code: str) -> Cell:
        self.start(code)
        return self.result()

    def start(self, code: str) -> None:
        self._cell = Cell()
        self._request = self._client.execute(code, store_history=False)

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def wait_for_bar(self, words: str) -> None:
        """Wait until the bar of the running cell contains `words`."""
        while words not in self._cell.bar:
            assert not self._take_message(), self._cell

    def result(self) -> Cell:
        """Wait for the running cell to end."""
        while not self._take_message():
            pass
        return self._cell

    def _take_message(self) -> bool:
        """Process one message. Return whether it is the last one of the cell."""
        message = self._client.get_iopub_msg(timeout=TIMEOUT_SECONDS)
        if message["parent_header"].get("msg_id") != self._request:
            return False
        kind, content = message["msg_type"], message["content"]
        self._cell.take(kind, content)
        return bool(kind == "status" and content["execution_state"] == "idle")


@contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """Run a kernel in `folder` until the end of the block."""
    manager = KernelManager(connection_file=str(folder / "connection.json"))
    manager.start_kernel(env={**os.environ, "IPYTHONDIR": str(folder)})
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT_SECONDS)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

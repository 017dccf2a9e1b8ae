"""The workflows call targets of the Makefile, with pinned actions, for every platform.

`make lint` checks their syntax and their security with `actionlint` and `zizmor`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def jobs_of(name: str) -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    jobs: dict[str, Any] = workflow["jobs"]
    return jobs


def steps() -> Iterator[dict[str, Any]]:
    for file in FILES:
        for job in jobs_of(file.name).values():
            yield from job["steps"]


def test_every_command_is_a_target_of_the_makefile_or_installs_system_packages() -> None:
    commands = [step["run"] for step in steps() if "run" in step]

    called = set()
    for command in commands:
        if not command.startswith("sudo apt-get update -qq && sudo apt-get install "):
            program, *arguments = command.split()
            assert program == "make", command
            called |= {word for word in arguments if "=" not in word}
    assert called <= TARGETS
    assert called == {
        *("lint", "docs", "audit", "msrv", "test", "test-engines", "wheel", "sdist"),
    }


def test_every_action_is_pinned_by_hash_and_names_its_version() -> None:
    lines = [line for file in FILES for line in file.read_text().splitlines() if "uses:" in line]

    assert len(lines) > 10
    for line in lines:
        assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_ci_runs_the_oldest_and_the_newest_python_on_every_system() -> None:
    matrix = jobs_of("ci.yml")["test"]["strategy"]["matrix"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")

    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"][0] == oldest
    releases = {*matrix["python"], *(more["python"] for more in matrix["include"])}
    minors = sorted(int(release.removeprefix("3.")) for release in releases)
    assert minors == list(range(minors[0], minors[-1] + 1)), "no release is left out"


def test_a_release_has_a_wheel_for_every_platform_and_an_sdist() -> None:
    jobs = jobs_of("release.yml")
    wheels = jobs["wheels"]["strategy"]["matrix"]["include"]

    assert {wheel["target"]: wheel.get("options", "").rpartition(" ")[2] for wheel in wheels} == {
        "x86_64-unknown-linux-gnu": "manylinux_2_17",
        "aarch64-unknown-linux-gnu": "manylinux_2_17",
        "x86_64-unknown-linux-musl": "musllinux_1_2",
        "aarch64-unknown-linux-musl": "musllinux_1_2",
        "x86_64-apple-darwin": "",
        "aarch64-apple-darwin": "",
        "x86_64-pc-windows-msvc": "",
    }
    assert jobs["publish"]["needs"] == ["wheels", "sdist"]


def test_a_release_is_attested_before_it_is_published_without_a_password() -> None:
    publish = jobs_of("release.yml")["publish"]
    actions = [step["uses"].partition("@")[0] for step in publish["steps"]]

    assert publish["if"] == "github.event_name == 'push'"
    assert publish["permissions"]["id-token"] == "write"
    assert actions[-2:] == ["actions/attest-build-provenance", "pypa/gh-action-pypi-publish"]
    assert "with" not in publish["steps"][-1], "trusted publishing needs no settings"

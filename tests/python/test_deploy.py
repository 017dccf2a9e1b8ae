"""What `deploy/` says is true: options, variables, names, files, health checks, and nginx."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml

import sutro
from helpers.balancer import DEPLOYMENT, balancer_config
from sutro.cli.place import server_place
from sutro.cli.serve import serve
from sutro.cli.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = DEPLOYMENT.parent
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOYMENT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = [name for name, service in SERVICES.items() if service["image"] == "sutro"]
CONTAINERFILE = (DEPLOYMENT / "Containerfile").read_text()
NGINX = (DEPLOYMENT / "nginx.conf").read_text()


def instruction(name: str) -> list[str]:
    """The list in the only instruction of this name."""
    (found,) = re.findall(rf"^{name} (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    values: list[str] = json.loads(found)
    return values


def copied() -> list[str]:
    """The paths of the repository that the image is built from."""
    copies = re.findall(r"^COPY (.*) \S+$", CONTAINERFILE, re.MULTILINE)
    return [path for paths in copies for path in paths.split()]


def parsed(args: list[str]) -> dict[str, Any]:
    return serve.make_context("serve", args).params


def check_place(options: dict[str, Any]) -> None:
    server_place(*(options[name] for name in ("data", "catalog", "blobs", "blobs_options")))


def test_the_command_of_the_image_is_valid() -> None:
    assert instruction("ENTRYPOINT") == ["sutro", "serve"]
    options = parsed(instruction("CMD"))
    check_place(options)
    assert options["host"] == "0.0.0.0"
    assert f"VOLUME {options['data']}\n" in CONTAINERFILE
    assert f"EXPOSE {options['port']}\n" in CONTAINERFILE


@pytest.mark.parametrize("name", SERVERS)
def test_the_command_of_each_server_is_valid(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        monkeypatch.setenv(variable, value)
    (secret,) = service["secrets"]
    keys = tmp_path / "keys.txt"
    keys.write_text("key\n")
    command = [
        str(keys) if part == f"/run/secrets/{secret}" else part for part in service["command"]
    ]
    options = parsed(command)
    check_place(options)
    assert secret in COMPOSE["secrets"]
    assert options["api_key_file"] == keys
    assert options["host"] == "0.0.0.0"
    assert f"EXPOSE {options['port']}\n" in CONTAINERFILE


@pytest.mark.parametrize("name", SERVERS)
def test_the_servers_use_the_database_and_the_store_of_the_deployment(name: str) -> None:
    environment = SERVICES[name]["environment"]
    catalog = urlsplit(environment["SUTRO_CATALOG"])
    database = SERVICES[catalog.hostname or ""]["environment"]
    assert catalog.username == database["POSTGRES_USER"]
    assert catalog.path == f"/{database['POSTGRES_DB']}"
    assert environment["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
    store = SERVICES[urlsplit(environment["AWS_ENDPOINT_URL"]).hostname or ""]
    assert f"-bucket={urlsplit(environment['SUTRO_BLOBS']).hostname}" in store["command"]
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert environment[variable] == store["environment"][variable]


def test_every_variable_is_documented() -> None:
    documented = (REPOSITORY / "docs" / "service.md").read_text()
    variables = {name for server in SERVERS for name in SERVICES[server]["environment"]}
    own = {name for name in variables if name.startswith(("SUTRO_", "AWS_", "PG"))}
    assert own
    assert {name for name in own if not re.search(rf"\b{name}\b", documented)} == set()


def test_the_documented_verification_after_a_restore_is_valid() -> None:
    documented = (REPOSITORY / "docs" / "service.md").read_text()
    (command,) = re.findall(r"compose run --rm --entrypoint sutro (.*)", documented)
    server, name, *args = command.split()
    assert (server in SERVERS, name) == (True, "verify")
    verify.make_context("verify", args)


def test_the_files_contain_no_secret() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name.endswith(("PASSWORD", "SECRET_ACCESS_KEY")):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), name
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    files = [".env", *(secret["file"] for secret in COMPOSE["secrets"].values())]
    for file in files:
        assert f"/deploy/{file.removeprefix('./')}" in ignored


def test_services_wait_only_for_services_that_have_a_health_check() -> None:
    healthy = {name for name, service in SERVICES.items() if "healthcheck" in service}
    assert re.search(r"^HEALTHCHECK ", CONTAINERFILE, re.MULTILINE)
    for service in SERVICES.values():
        for name, awaited in service.get("depends_on", {}).items():
            assert awaited["condition"] == "service_healthy"
            assert name in healthy | set(SERVERS)


def test_nginx_forwards_to_the_servers_of_the_deployment() -> None:
    assert len(SERVERS) == 2
    forwarded = re.findall(r"^ +server ([\w-]+):(\d+) ", NGINX, re.MULTILINE)
    assert [name for name, _ in forwarded] == SERVERS
    assert {f"EXPOSE {port}" for _, port in forwarded} <= set(CONTAINERFILE.splitlines())
    nginx = SERVICES["nginx"]
    assert list(nginx["depends_on"]) == SERVERS
    (mount,) = nginx["volumes"]
    assert (DEPLOYMENT / mount.split(":")[0]).is_file()
    (listening,) = re.findall(r"^ +listen (\d+);", NGINX, re.MULTILINE)
    assert nginx["ports"] == [f"127.0.0.1:{listening}:{listening}"]
    for name in SERVERS:
        assert set(SERVICES[name]["networks"]) & set(nginx["networks"])


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    config = balancer_config([8001, 8002], 8080, tmp_path / "nginx")
    command = ["nginx", "-t", "-p", str(config.parent), "-c", str(config)]
    tested = subprocess.run(command, check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr


def test_what_the_image_is_built_from_exists_and_reaches_the_build() -> None:
    included = (REPOSITORY / ".dockerignore").read_text().splitlines()
    build = SERVICES[SERVERS[0]]["build"]
    assert (DEPLOYMENT / build["context"]).resolve() == REPOSITORY
    assert (REPOSITORY / build["dockerfile"]).samefile(DEPLOYMENT / "Containerfile")
    assert copied()
    for path in copied():
        assert (REPOSITORY / path).exists(), path
        assert f"!{path}" in included


def test_the_image_is_built_with_the_versions_of_the_package() -> None:
    package = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    rust = re.search(r"^FROM rust:([\d.]+)-", CONTAINERFILE, re.MULTILINE)
    assert rust is not None
    assert version(rust[1]) >= version(package["package"]["rust-version"])
    assert f'"{project["build-system"]["requires"][0]}"' in CONTAINERFILE
    (profile,) = re.findall(r"--profile (\w+)", CONTAINERFILE)
    assert profile in package["profile"]


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_the_health_check_of_the_image_recognises_a_server_and_its_absence(tmp_path: Path) -> None:
    with sutro.LocalServer(tmp_path / "datasets") as server:
        port = urlsplit(server.api_url).port
        assert health_check(port) == 0
    assert health_check(port) != 0


def health_check(port: int | None) -> int:
    checks = re.findall(r"^ +CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)
    (python, option, program) = json.loads(checks[0])
    assert (python, option) == ("python", "-c")
    assert program.count(" 8000,") == 1
    of_port = program.replace(" 8000,", f" {port},")
    return subprocess.run(
        [sys.executable, "-c", of_port], check=False, stderr=subprocess.DEVNULL
    ).returncode

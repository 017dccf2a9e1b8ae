"""Looks up settings: the API key and URL of a call, timeouts, certificates.

Key and URL are a pair: both come from the first place that has either of them, so that no key is
sent to a URL that it was not meant for. The places, in order: the arguments, `set_api_key`, the
environment, the configuration file. A place without a URL means the hosted API. All places are
read when a call is made.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sutro import _hints
from sutro._core import LOCAL_PREFIX
from sutro._run import values
from sutro._run.warn import warn
from sutro.errors import ConfigurationError, FileAccessError, MissingKeyError
from sutro.options import ClientOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEFAULT_API_URL = "https://api.sutro.sh"
"""The hosted API."""

_ARGUMENTS = "the arguments"

CERTIFICATE_VARIABLES = (
    "SUTRO_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
"""Variables that name a PEM file of certificates: ours, and those of other programs."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one place, or those that a call uses."""

    api_key: str | None = field(default=None, repr=False)
    api_url: str | None = None
    place: str = _ARGUMENTS

    def __bool__(self) -> bool:
        return self.api_key is not None or self.api_url is not None

    @property
    def url(self) -> str:
        """The URL that the key belongs to."""
        return self.api_url or DEFAULT_API_URL


_of_this_process = Settings(place="set_api_key")


def set_api_key(api_key: str, api_url: str | None = None) -> None:
    """Set the API key, and its URL, for later calls in this process.

    Args:
        api_key: The API key.
        api_url: The URL of the API that the key is for. Default: the hosted API.

    Examples:
        In a notebook, `getpass.getpass("API key: ")` asks for a key without showing it.

        >>> sutro.set_api_key("my-key", "http://127.0.0.1:8000")
    """
    global _of_this_process  # noqa: PLW0603 - it is a setting of the process
    _of_this_process = _settings(api_key, api_url, "set_api_key")


def resolve(api_key: str | None, api_url: str | None) -> tuple[str | None, str]:
    """Return the key and URL for a call with these arguments; see `find`."""
    found = find(api_key, api_url)
    return found.api_key, found.url


def find(api_key: str | None, api_url: str | None) -> Settings:
    """Find the settings for a call with these arguments; `local:FOLDER` has no key.

    Raises:
        ConfigurationError: A place cannot be read, or it is unclear which URL a key is for.
        MissingKeyError: There is no key for the URL.
    """
    chosen = next(filter(None, _places(api_key, api_url)), Settings())
    _refuse_no_url(chosen)
    if chosen.api_url is not None and is_local(chosen.api_url):
        return Settings(None, _expanded(chosen.api_url), chosen.place)
    if chosen.api_key is None:
        # A key of a later place is fine if it is for the same URL.
        places = list(_places(api_key, api_url))
        fitting = (place for place in places if place.api_key and place.url == chosen.url)
        found = next(fitting, None)
        if found is None:
            raise _missing_key(chosen, places)
        return found
    if chosen.place == _ARGUMENTS and chosen.api_url is None:
        _refuse_to_guess(_places(api_key, api_url))
    return chosen


def url(api_url: str | None) -> str:
    """Return the URL of a call with this argument, even if there is no key for it."""
    return next(filter(None, _places(None, api_url)), Settings()).url


def is_local(url: str) -> bool:
    """Return whether the URL means the embedded server on a folder."""
    return url.startswith(LOCAL_PREFIX)


def _places(api_key: str | None, api_url: str | None) -> Iterator[Settings]:
    """Yield all places in order. Reads each only when it is needed: a file may be damaged."""
    yield _settings(api_key, api_url, _ARGUMENTS)
    yield _of_this_process
    yield _environment()
    yield _file()


def concurrency(argument: int | None) -> int | None:
    """Return the number of files to send, or to receive, at the same time; None is not set.

    Raises:
        TypeError: The argument is not an integer.
        ConfigurationError: The number is less than 1, or the variable has no integer.
    """
    return _count("concurrency", argument, "SUTRO_CONCURRENCY", least=1)


class Patience(TypedDict, total=False):
    """The timeouts and retries given for a client; None is not set."""

    connect_timeout: float | None
    progress_timeout: float | None
    answer_timeout: float | None
    max_retries: int | None
    retry_deadline: float | None


def client_options(**given: Unpack[Patience]) -> ClientOptions:
    """Fill missing values from the environment. `None` remains for the core's default.

    Raises:
        TypeError: A value is not a number.
        ConfigurationError: A number is out of range.
    """
    return ClientOptions(
        connect_timeout=_seconds("connect_timeout", given),
        progress_timeout=_seconds("progress_timeout", given, "SUTRO_TIMEOUT"),
        answer_timeout=_seconds("answer_timeout", given, "SUTRO_TIMEOUT"),
        max_retries=_count("max_retries", given.get("max_retries"), "SUTRO_MAX_RETRIES", least=0),
        retry_deadline=_seconds("retry_deadline", given),
        certificates=list(certificate_files().values()),
        state_folder=state_folder(),
    )


def state_folder() -> str | None:
    """Return the folder for a record of what was sent: `SUTRO_STATE_DIR`, or that of the system.

    `None` if there is no home folder.
    """
    if given := os.environ.get("SUTRO_STATE_DIR"):
        return given
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    # The specification of these folders says to ignore a relative one.
    return str(folder / "sutro") if folder.is_absolute() else None


def certificate_files() -> dict[str, str]:
    """Return files with certificates to trust in addition to the system's, by their variable."""
    named = {name: os.environ.get(name, "") for name in CERTIFICATE_VARIABLES}
    # Variables of other programs may name a folder, or a file that no longer exists.
    return {
        name: path
        for name, path in named.items()
        if path and (name == "SUTRO_CA_BUNDLE" or Path(path).is_file())
    }


def _seconds(name: str, given: Mapping[str, Any], variable: str = "") -> float | None:
    """Return the argument, or the number in a variable."""
    seconds = given.get(name)
    if seconds is None:
        name, seconds = variable, _number(variable) if variable else None
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        message = f"{name} must be a number, not {type(seconds).__name__}"
        raise TypeError(message)
    if not seconds > 0:
        message = f"{name} must be a number above zero, not {seconds!r}"
        raise ConfigurationError(message)
    return seconds


def _count(name: str, argument: int | None, variable: str, *, least: int) -> int | None:
    """Return the argument, or the integer in a variable."""
    if argument is not None:
        return values.count(name, argument, least=least)
    number = _number(variable)
    if number is None:
        return None
    if not number.is_integer():
        message = f"{variable} must be an integer, not {os.environ[variable]!r}"
        raise ConfigurationError(message)
    return values.count(variable, int(number), least=least)


def _number(variable: str) -> float | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        message = f"{variable} must be a number, not {text!r}"
        raise ConfigurationError(message) from None


def config_file() -> Path:
    """Return the path of `config.json` in `SUTRO_CONFIG_DIR`, or in `~/.sutro`."""
    folder = os.environ.get("SUTRO_CONFIG_DIR")
    return (Path(folder) if folder else _home() / ".sutro") / "config.json"


def _home() -> Path:
    """Return the home folder, or `~` if there is none (a user id of a container)."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("~")


def _settings(api_key: str | None, api_url: str | None, place: str) -> Settings:
    """Strip whitespace (a pasted line break); an empty value counts as not set."""
    key = "" if api_key is None else values.text("api_key", api_key).strip()
    url = "" if api_url is None else values.text("api_url", api_url).strip().rstrip("/")
    return Settings(key or None, url or None, place)


def _environment() -> Settings:
    url = os.environ.get("SUTRO_API_URL")
    if not url and (url := os.environ.get("SUTRO_BASE_URL")):
        warn("SUTRO_BASE_URL is deprecated: set SUTRO_API_URL instead")
    return _settings(os.environ.get("SUTRO_API_KEY"), url, "SUTRO_API_KEY, SUTRO_API_URL")


def save(api_key: str, api_url: str) -> Path:
    """Save a key and its URL in the configuration file, which only its owner can read.

    Raises:
        ConfigurationError: The file cannot be read.
        FileAccessError: It cannot be written.
    """
    path = config_file()
    if path.parts[0] == "~":
        message = f"cannot write {path}: set HOME or SUTRO_CONFIG_DIR to a folder"
        raise ConfigurationError(message)
    import json  # noqa: PLC0415 - slow to import

    content = _content(path) | {"api_key": api_key, "api_url": api_url}
    content.pop("base_url", None)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open(written, "x", encoding="utf-8", opener=_for_the_owner) as file:
                json.dump(content, file, indent=2)
            written.replace(path)
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise FileAccessError(message, path=str(path)) from error
    return path


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _content(path: Path) -> dict[str, Any]:
    try:
        words = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise ConfigurationError(message) from error
    except ValueError:
        words = ""
    import json  # noqa: PLC0415 - slow to import

    try:
        content: Any = json.loads(words)
    except ValueError:
        # Not chained: the other error would show a part of the file.
        message = f"{path} is not valid JSON; fix or delete it"
        raise ConfigurationError(message) from None
    if not isinstance(content, dict):
        message = f'{path} must contain {{"api_key": ..., "api_url": ...}}'
        raise ConfigurationError(message)
    return content


def _file() -> Settings:
    path = config_file()
    content = _content(path)
    key, url = content.get("api_key"), content.get("api_url") or content.get("base_url")
    if not isinstance(key, str | None) or not isinstance(url, str | None):
        message = f"{path}: api_key and api_url must be strings"
        raise ConfigurationError(message)
    return _settings(key, url, str(path))


def _expanded(url: str) -> str:
    """Expand `~` in `local:FOLDER`."""
    folder = os.path.expanduser(url.removeprefix(LOCAL_PREFIX))  # noqa: PTH111 - `./` is kept
    if not folder:
        message = "the URL local: has no folder; use local:FOLDER, such as local:./datasets"
        raise ConfigurationError(message)
    return LOCAL_PREFIX + folder


def _refuse_no_url(chosen: Settings) -> None:
    """Reject a URL that cannot be one, before a key for it is looked up."""
    url = chosen.api_url
    if url is None or url.startswith((LOCAL_PREFIX, "http://", "https://")):
        return
    if url.rstrip("/:").lower() in {"http", "https"}:
        hint = "a host is missing: https://HOST"
    elif "://" in url:
        hint = "it must start with http:// or https://"
    elif _is_path(url):
        hint = f"for a folder, use {LOCAL_PREFIX}{url}"
    else:
        is_local = url.partition(":")[0] in {"localhost", "127.0.0.1"}
        hint = f"use {'http' if is_local else 'https'}://{url}, or {LOCAL_PREFIX}{url} for a folder"
    message = f"{url!r} ({chosen.place}) is not the URL of an API: {hint}"
    raise ConfigurationError(message)


def _is_path(url: str) -> bool:
    return url.startswith((".", "/", "~", "\\")) or Path(url).expanduser().is_dir()


def _missing_key(chosen: Settings, places: list[Settings]) -> MissingKeyError:
    searched = "\n".join(
        f"  {place.place}: {f'a key for {place.url}' if place.api_key else 'no key'}"
        for place in places
    )
    return MissingKeyError(
        f"no API key for {chosen.url}. Searched, in this order:\n{searched}\n"
        "A key is used only for its own URL.\n"
        f"{_hints.hint('set_key')}. The URL local:FOLDER needs no key"
    )


def _refuse_to_guess(places: Iterable[Settings]) -> None:
    """Reject `api_key` alone, which means the hosted API, if a place has another URL."""
    for place in places:
        if place.url != DEFAULT_API_URL:
            message = (
                f"api_key was given without api_url, but {place.place} has the URL {place.url}; "
                f"pass api_url to say which URL the key is for"
            )
            raise ConfigurationError(message)

"""Which API key and URL a call uses.

The two are a pair: both come from the first place that names either of them, so that no
key is sent to a URL that it was not given for. The places, in order: the arguments,
`set_api_key`, the environment, the configuration file. A place that names no URL means the
hosted API. All of them are read when a call is made.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sutro._run import values
from sutro._run.warn import warn
from sutro.errors import ConfigurationError, FileAccessError, MissingKeyError
from sutro.options import ClientOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEFAULT_API_URL = "https://api.sutro.sh"
"""The hosted API."""

_LOCAL = "local:"
"""Before the folder of an embedded service."""

_ARGUMENTS = "the arguments"

CERTIFICATE_VARIABLES = (
    "SUTRO_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
"""Variables that name a file of certificates in PEM form: ours, and those of other programs."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one place says; also, with a URL that is set, what a call uses."""

    api_key: str | None = field(default=None, repr=False)
    api_url: str | None = None
    place: str = _ARGUMENTS

    def __bool__(self) -> bool:
        return self.api_key is not None or self.api_url is not None

    @property
    def url(self) -> str:
        """The URL that the key of this place is for."""
        return self.api_url or DEFAULT_API_URL


_of_this_process = Settings(place="set_api_key")


def set_api_key(api_key: str, api_url: str | None = None) -> None:
    """Set the key that this process uses from now on, and the URL that it is for.

    Args:
        api_key: The key.
        api_url: The API's URL; None is the hosted API.

    Examples:
        In a notebook, `getpass.getpass("API key: ")` asks for the key without showing it.

        >>> sutro.set_api_key("my-key", "http://127.0.0.1:8000")
    """
    global _of_this_process  # noqa: PLW0603 - it is a setting of the process
    _of_this_process = _settings(api_key, api_url, "set_api_key")


def resolve(api_key: str | None, api_url: str | None) -> tuple[str | None, str]:
    """Key and URL for a call with these arguments: see `find`."""
    found = find(api_key, api_url)
    return found.api_key, found.url


def find(api_key: str | None, api_url: str | None) -> Settings:
    """What a call with these arguments uses, and the place of its key; no key for `local:FOLDER`.

    Raises:
        ConfigurationError: A place cannot be read, or it is not clear where a key belongs.
        MissingKeyError: There is no key for the URL.
    """
    chosen = next(filter(None, _places(api_key, api_url)), Settings())
    _refuse_no_url(chosen)
    if chosen.api_url is not None and chosen.api_url.startswith(_LOCAL):
        return Settings(None, _expanded(chosen.api_url), chosen.place)
    if chosen.api_key is None:
        # A key further down is fine when it was given for this very URL.
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
    """The URL of a call with this argument, whether there is a key for it or not."""
    return next(filter(None, _places(None, api_url)), Settings()).url


def _places(api_key: str | None, api_url: str | None) -> Iterator[Settings]:
    """All places, in their order. None is read before it is needed: one may be damaged."""
    yield _settings(api_key, api_url, _ARGUMENTS)
    yield _of_this_process
    yield _environment()
    yield _file()


def concurrency(argument: int | None) -> int:
    """How many files to send, or to receive, at the same time.

    Raises:
        TypeError: The argument is not an integer.
        ConfigurationError: The number is less than 1, or the variable has no integer.
    """
    return _count("concurrency", argument, "SUTRO_CONCURRENCY", 8, least=1)


class Patience(TypedDict, total=False):
    """The timeouts and retries of a client as they are given; None is not set."""

    connect_timeout: float | None
    progress_timeout: float | None
    answer_timeout: float | None
    max_retries: int | None
    retry_deadline: float | None


def client_options(**given: Unpack[Patience]) -> ClientOptions:
    """Fill in what was not given from the environment, then with defaults.

    Raises:
        TypeError: A value is not a number.
        ConfigurationError: A number is out of range.
    """
    return ClientOptions(
        connect_timeout=_seconds("connect_timeout", given, 30),
        progress_timeout=_seconds("progress_timeout", given, 60, "SUTRO_TIMEOUT"),
        answer_timeout=_seconds("answer_timeout", given, 120, "SUTRO_TIMEOUT"),
        max_retries=_count(
            "max_retries", given.get("max_retries"), "SUTRO_MAX_RETRIES", 8, least=0
        ),
        retry_deadline=_seconds("retry_deadline", given, 600),
        certificates=list(certificate_files().values()),
        state_folder=state_folder(),
    )


def state_folder() -> str | None:
    """Where this machine keeps a record of what it has sent: `SUTRO_STATE_DIR`, else the system's.

    None where there is no home folder.
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
    # The specification of these folders says that a relative one is to be ignored.
    return str(folder / "sutro") if folder.is_absolute() else None


def certificate_files() -> dict[str, str]:
    """The files of certificates to trust besides those of the system, by what names them."""
    named = {name: os.environ.get(name, "") for name in CERTIFICATE_VARIABLES}
    # Other programs' variables may also name a folder, or nothing any more.
    return {
        name: path
        for name, path in named.items()
        if path and (name == "SUTRO_CA_BUNDLE" or Path(path).is_file())
    }


def _seconds(name: str, given: Mapping[str, Any], default: float, variable: str = "") -> float:
    """The argument, or the number in a variable, or the default."""
    seconds = given.get(name)
    if seconds is None:
        name, seconds = variable, _number(variable) if variable else None
    if seconds is None:
        return default
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        message = f"{name} takes a number, not {type(seconds).__name__}"
        raise TypeError(message)
    if not seconds > 0:
        message = f"{name} must be a number above zero, not {seconds!r}"
        raise ConfigurationError(message)
    return seconds


def _count(name: str, argument: int | None, variable: str, default: int, *, least: int) -> int:
    """The argument, or the integer in a variable, or the default."""
    if argument is not None:
        return values.count(name, argument, least=least)
    number = _number(variable)
    if number is None:
        return default
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
    """`config.json` in `SUTRO_CONFIG_DIR`, or in `~/.sutro`."""
    folder = os.environ.get("SUTRO_CONFIG_DIR")
    return (Path(folder) if folder else _home() / ".sutro") / "config.json"


def _home() -> Path:
    """The home folder, or `~` where the system knows none (a user id of a container)."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("~")


def _settings(api_key: str | None, api_url: str | None, place: str) -> Settings:
    """Blanks around a value (a pasted line break) are not part of it; empty is not set."""
    key = "" if api_key is None else values.text("api_key", api_key).strip()
    url = "" if api_url is None else values.text("api_url", api_url).strip().rstrip("/")
    return Settings(key or None, url or None, place)


def _environment() -> Settings:
    url = os.environ.get("SUTRO_API_URL")
    if not url and (url := os.environ.get("SUTRO_BASE_URL")):
        warn("SUTRO_BASE_URL is deprecated: set SUTRO_API_URL instead")
    return _settings(os.environ.get("SUTRO_API_KEY"), url, "SUTRO_API_KEY, SUTRO_API_URL")


def save(api_key: str, api_url: str) -> Path:
    """Keep a key and its URL in the configuration file, which only its owner may read.

    Raises:
        ConfigurationError: The file cannot be read.
        FileAccessError: It cannot be written.
    """
    path = config_file()
    if path.parts[0] == "~":
        message = f"{path} cannot be written: set HOME or SUTRO_CONFIG_DIR to a folder"
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
        message = f"{path} cannot be written: {error.strerror}"
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
        message = f"{path} cannot be read: {error.strerror}"
        raise ConfigurationError(message) from error
    except ValueError:
        words = ""
    import json  # noqa: PLC0415 - slow to import

    try:
        content: Any = json.loads(words)
    except ValueError:
        # Not chained: the error would show a piece of the file.
        message = f"{path} is not JSON: mend it, or delete it"
        raise ConfigurationError(message) from None
    if not isinstance(content, dict):
        message = f'{path} should hold {{"api_key": ..., "api_url": ...}}'
        raise ConfigurationError(message)
    return content


def _file() -> Settings:
    path = config_file()
    content = _content(path)
    key, url = content.get("api_key"), content.get("api_url") or content.get("base_url")
    if not isinstance(key, str | None) or not isinstance(url, str | None):
        message = f"{path}: api_key and api_url should be texts"
        raise ConfigurationError(message)
    return _settings(key, url, str(path))


def _expanded(url: str) -> str:
    """`local:FOLDER` with the home folder in the place of `~`."""
    folder = os.path.expanduser(url.removeprefix(_LOCAL))  # noqa: PTH111 - `./` is kept
    if not folder:
        message = "the URL local: names no folder; write local:FOLDER, as in local:./datasets"
        raise ConfigurationError(message)
    return _LOCAL + folder


def _refuse_no_url(chosen: Settings) -> None:
    """Say what is missing of a URL, before a key for it is looked for."""
    url = chosen.api_url
    if url is None or url.startswith((_LOCAL, "http://", "https://")):
        return
    if "://" in url:
        hint = "it begins with http:// or https://"
    elif _is_path(url):
        hint = f"for the service in a folder write {_LOCAL}{url}"
    else:
        is_local = url.partition(":")[0] in {"localhost", "127.0.0.1"}
        hint = f"write {'http' if is_local else 'https'}://{url}, or for a folder {_LOCAL}{url}"
    message = f"{url!r} ({chosen.place}) is no URL of an API: {hint}"
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
        "A key is used only for the URL that it was given for.\n"
        "Run `sutro login`, or set SUTRO_API_KEY (and SUTRO_API_URL); in Python pass api_key (and "
        "api_url), or call sutro.set_api_key. The URL local:FOLDER needs no key"
    )


def _refuse_to_guess(places: Iterable[Settings]) -> None:
    """An argument `api_key` alone means the hosted API, unless some place names another."""
    for place in places:
        if place.url != DEFAULT_API_URL:
            message = (
                f"api_key was given without api_url, and there is another URL, {place.url} "
                f"({place.place}): pass api_url, too, to say where the key belongs"
            )
            raise ConfigurationError(message)

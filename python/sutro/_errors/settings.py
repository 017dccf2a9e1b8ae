"""Errors of arguments and settings."""

from __future__ import annotations

from sutro._errors.base import SutroError


class ConfigurationError(SutroError, ValueError):
    """An argument or a setting is invalid."""


class FolderInUseError(ConfigurationError):
    """Another process has the folder of `local:FOLDER` open.

    Attributes:
        folder: The folder.
    """

    def __init__(self, message: str = "", *, folder: str = "") -> None:
        super().__init__(message)
        self.folder = folder


class MissingKeyError(ConfigurationError):
    """No API key was found for the URL. The message lists the places searched."""

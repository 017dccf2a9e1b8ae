"""The limits at which a frame continues in another file."""

from __future__ import annotations

from dataclasses import dataclass

from sutro.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Limits of the files of a frame; the one that comes first applies."""

    rows: int | None = None
    """Rows of a file (`rows_per_file`)."""
    size: int | None = None
    """Size of a file in bytes (`target_file_size`)."""

    def __bool__(self) -> bool:
        """Return whether there is a limit."""
        return self.rows is not None or self.size is not None

    def refuse_name(self) -> None:
        """Reject the name of a frame that may become several files.

        Raises:
            ConfigurationError: Always.
        """
        option = "target_file_size" if self.rows is None else "rows_per_file"
        message = f"names cannot be used with `{option}`, which numbers the files"
        raise ConfigurationError(message)

    def refuse_file(self) -> None:
        """Reject a file among the frames.

        Raises:
            ConfigurationError: Always.
        """
        message = "`rows_per_file` only applies to frames, but the source contains files"
        if self.rows is None:
            message = (
                "`target_file_size` applies to paths and frames, but the source contains open "
                "files or bytes"
            )
        raise ConfigurationError(message)


NO_LIMITS = FileLimits()
"""Each frame becomes one file."""

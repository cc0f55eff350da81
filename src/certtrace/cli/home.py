"""Which data folder a command works on."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from certtrace.settings import Settings


@dataclass(frozen=True, slots=True)
class ChosenHome:
    """The data folder: `--home`, else what the settings say. Read when asked for: `--help` needs no settings."""

    given: Path | None = None

    @property
    def path(self) -> Path:
        """Return the data folder.

        Raises:
            ConfigurationError: A setting is wrong, `--home` or not: a misspelt variable must not pass unseen.
        """
        return self.settings().home

    @property
    def store(self) -> Path:
        """Return the file of the embedded store; raises as `path` does."""
        return self.settings().store_path

    def settings(self, **given: Any) -> "Settings":
        """Return all settings, with what a command's options say; raises as `path` does."""
        from certtrace import settings  # noqa: PLC0415 - help must be quick

        return settings.load(home=self.given, **given)

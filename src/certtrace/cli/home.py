"""Which data folder a command works on."""

from dataclasses import dataclass
from pathlib import Path


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
        from certtrace import settings  # noqa: PLC0415 - help must be quick

        return settings.load(home=self.given).home

    @property
    def store(self) -> Path:
        """Return the file of the embedded store."""
        from certtrace.records.store import STORE_FILE  # noqa: PLC0415 - as above

        return self.path / STORE_FILE

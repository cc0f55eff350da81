"""What commands that need the extra `server` share."""

from pathlib import Path
from typing import TYPE_CHECKING

from certtrace.errors import ConfigurationError

if TYPE_CHECKING:
    from certtrace.server.access import Access
    from certtrace.settings import Settings


def require_server(command: str) -> None:
    """Check that the extra `server` is installed.

    Raises:
        ConfigurationError: It is not.
    """
    try:
        import fastapi  # noqa: F401, PLC0415 - asks whether it is there
        import jinja2  # noqa: F401, PLC0415 - as above
        import uvicorn  # noqa: F401, PLC0415 - as above
    except ModuleNotFoundError as error:
        msg = f"`certtrace {command}` needs {error.name}, which is not installed. Run: pip install 'certtrace[server]'"
        raise ConfigurationError(msg) from None


def access_file(home: Path) -> Path:
    """Return the file of projects, keys and reads below a data folder."""
    return home / "access.db"


def open_access(settings: "Settings") -> "Access":
    """Open the file of projects, keys and reads of the data folder.

    Raises:
        StoreError: It cannot be made or read, or is of a newer version.
    """
    from certtrace.server.access import Access, FailedLogins  # noqa: PLC0415 - the extra `server` may be missing

    limit = FailedLogins(settings.server_failed_logins_per_minute)
    return Access(access_file(settings.home), failed_logins=limit)

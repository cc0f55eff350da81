"""Where a destination is: its address, taken apart and checked."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from certtrace.errors import ConfigurationError


@dataclass(slots=True, frozen=True)
class Address:
    """The parts of an http or https address."""

    secure: bool
    host: str
    port: int
    path: str
    """Without a slash at its end."""

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Take an address apart.

        Raises:
            ConfigurationError: It is no http or https address. The message does not show it: it may hold credentials.
        """
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError:
            scheme, host, port = "", None, None
        if not host or scheme not in {"http", "https"}:
            msg = "A destination's address is not usable. It must begin with http:// or https:// and name a host."
            raise ConfigurationError(msg)
        secure = scheme == "https"
        return cls(secure, host, port or (443 if secure else 80), parts.path.rstrip("/"))

    @property
    def host_header(self) -> str:
        """What a request says as its `Host`."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"

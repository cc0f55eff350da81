"""The settings of `certtrace serve`. They are part of `Settings`: same precedence, same reports of what is wrong."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

PREFIX: Final = "CERTTRACE_"
_KEPT: Final = re.compile(r"(?:[a-z0-9_-]{1,40}/)?(?:default|failed|scored)")
_DAYS_FORM: Final = "write default=90,failed=365,scored=730 with days above 0, or staging/default=7 for an environment"
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")
_BASE_URL: Final = re.compile(r"https?://[^\s?#@]+")


def either(own: str, *vendors: str) -> AliasChoices:
    """Return the variables of a setting: our own, then the vendors'."""
    return AliasChoices(f"{PREFIX}{own}", *vendors)


def as_argument(name: str) -> str:
    """Return what a person wrote who gave this setting as an argument: those of the server are options of a command."""
    if name.startswith("server_"):
        return f"option --{name.removeprefix('server_').replace('_', '-')}"
    return f"{name} given to configure()"


class ServerSettings(BaseSettings):
    """What `certtrace serve` is told."""

    server_host: str = Field(default="127.0.0.1", min_length=1, validation_alias=either("SERVER_HOST"))
    """Address to listen on. Other than this machine's own needs TLS, or a word that it does without."""
    server_port: int = Field(default=3000, ge=0, le=65_535, validation_alias=either("SERVER_PORT"))
    """Port to listen on; 0 takes any free one."""
    server_base_url: str | None = Field(default=None, validation_alias=either("SERVER_BASE_URL"))
    """Where clients reach the server, if that is not the address it listens on: behind a proxy, by a name."""
    server_allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), validation_alias=either("SERVER_ALLOWED_HOSTS")
    )
    """Further names by which clients reach the server; separated by commas."""
    server_tls_certificate: Path | None = Field(default=None, validation_alias=either("SERVER_TLS_CERTIFICATE"))
    """PEM file with the server's certificate and those above it."""
    server_tls_key: Path | None = Field(default=None, validation_alias=either("SERVER_TLS_KEY"))
    """PEM file with the certificate's private key."""
    server_trusted_policies: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), validation_alias=either("SERVER_TRUSTED_POLICIES")
    )
    """Versions of redaction policies of other machines whose spans are not redacted again; separated by commas."""
    server_max_body_bytes: int = Field(
        default=67_108_864, ge=65_536, le=1_073_741_824, validation_alias=either("SERVER_MAX_BODY_BYTES")
    )
    """Longest body of a request after unpacking."""
    server_max_packed_bytes: int = Field(
        default=16_777_216, ge=65_536, le=1_073_741_824, validation_alias=either("SERVER_MAX_PACKED_BYTES")
    )
    """Longest body of a request as it comes over the wire."""
    server_max_requests: int = Field(default=64, ge=1, le=10_000, validation_alias=either("SERVER_MAX_REQUESTS"))
    """Requests worked on at once; beyond it requests wait, and beyond eight times it they are refused."""
    server_failed_logins_per_minute: int = Field(
        default=50, ge=1, validation_alias=either("SERVER_FAILED_LOGINS_PER_MINUTE")
    )
    """Wrong secrets for one public key from one address, and half of all from that address, until it has to wait."""
    server_reads_kept_days: int = Field(default=400, ge=1, validation_alias=either("SERVER_READS_KEPT_DAYS"))
    """How long it is kept who read which trace."""
    server_retention_days: Annotated[dict[str, float], NoDecode] = Field(
        default_factory=dict, validation_alias=either("SERVER_RETENTION_DAYS")
    )
    """Days for which traces are kept: `default=90,failed=365`, of one environment `staging/default=7`."""

    @field_validator("server_base_url", mode="after")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not _BASE_URL.fullmatch(value):
            msg = "write an address such as https://traces.example:3000, without credentials, query or fragment"
            raise ValueError(msg)
        return value

    @field_validator("server_allowed_hosts", mode="after")
    @classmethod
    def _are_names(cls, value: frozenset[str]) -> frozenset[str]:
        if not all(map(_HOST.fullmatch, value)):
            msg = "write names of hosts such as traces.example, without http:// and without a port"
            raise ValueError(msg)
        return value

    @field_validator("server_retention_days", mode="before")
    @classmethod
    def _parse_days(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        try:
            return {name.strip(): float(days) for name, _, days in pairs}
        except ValueError:
            raise ValueError(_DAYS_FORM) from None

    @field_validator("server_retention_days", mode="after")
    @classmethod
    def _known_classes(cls, value: dict[str, float]) -> dict[str, float]:
        for name, days in value.items():
            if not _KEPT.fullmatch(name) or not 0 < days < 100_000:
                raise ValueError(_DAYS_FORM)
        return value

"""Every setting: its range, its default and the variables it is read from.

Precedence: argument, then `CERTTRACE_*`, then the vendor's own variable, then the default. This is the only module that
reads the environment, and no file is read implicitly.
"""

import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import unquote

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from certtrace.errors import ConfigurationError
from certtrace.settings_server import PREFIX as PREFIX
from certtrace.settings_server import ServerSettings, as_argument
from certtrace.settings_server import either as _either

DESTINATIONS: Final = ("store", "langfuse")
_MIN_KEY: Final = 16
_LIKE_AN_ADDRESS: Final = re.compile(r"https?://|[a-z0-9-]+(?:\.[a-z0-9-]+)+|localhost")


class Settings(ServerSettings):
    """Every setting, its range and its default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
        env_ignore_empty=True,
        case_sensitive=True,
    )

    home: Path = Field(
        default_factory=lambda: user_data_path("certtrace", appauthor=False), validation_alias=_either("HOME")
    )
    """Data folder: store, spool, ledger and keys."""
    destinations: Annotated[tuple[Literal["store", "langfuse"], ...], NoDecode] = Field(
        default=("store",), validation_alias=_either("DESTINATIONS")
    )
    """Where traces go: `store` (SQLite below `home`), `langfuse`; several are separated by commas."""
    enabled: bool = Field(default=True, validation_alias=_either("ENABLED", "LANGFUSE_TRACING_ENABLED"))
    """Whether anything is recorded; `OTEL_SDK_DISABLED=true` switches off as well."""
    service_name: str = Field(
        default="unknown_service", min_length=1, validation_alias=_either("SERVICE_NAME", "OTEL_SERVICE_NAME")
    )
    """`service.name` of the resource."""
    environment: str = Field(
        default="default",
        max_length=40,
        pattern=r"^[a-z0-9\-_]+$",
        validation_alias=_either("ENVIRONMENT", "LANGFUSE_TRACING_ENVIRONMENT"),
    )
    """Langfuse environment: lower case letters, digits, `-` and `_`, not starting with `langfuse`."""
    release: str | None = Field(default=None, validation_alias=_either("RELEASE", "LANGFUSE_RELEASE"))
    """Version of the service as deployed."""
    resource_attributes: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, validation_alias=_either("RESOURCE_ATTRIBUTES", "OTEL_RESOURCE_ATTRIBUTES")
    )
    """Further resource attributes, `key=value` separated by commas, values percent-encoded."""

    langfuse_base_url: str = Field(
        default="https://cloud.langfuse.com",
        pattern=r"^https?://[^\s]+$",
        validation_alias=_either("LANGFUSE_BASE_URL", "LANGFUSE_BASE_URL", "LANGFUSE_HOST"),
    )
    """Address of the Langfuse server."""
    langfuse_public_key: str | None = Field(
        default=None, validation_alias=_either("LANGFUSE_PUBLIC_KEY", "LANGFUSE_PUBLIC_KEY")
    )
    """Langfuse project key, public part."""
    langfuse_secret_key: SecretStr | None = Field(
        default=None, validation_alias=_either("LANGFUSE_SECRET_KEY", "LANGFUSE_SECRET_KEY")
    )
    """Langfuse project key, secret part."""
    delivery_timeout_seconds: float = Field(
        default=10.0, gt=0.0, le=600.0, validation_alias=_either("DELIVERY_TIMEOUT_SECONDS", "LANGFUSE_TIMEOUT")
    )
    """Longest time for one request to a destination."""

    sample_rate: float = Field(
        default=1.0, ge=0.0, le=1.0, validation_alias=_either("SAMPLE_RATE", "LANGFUSE_SAMPLE_RATE")
    )
    """Probability that a trace without any special reason is kept."""
    keep_errors: bool = Field(default=True, validation_alias=_either("KEEP_ERRORS"))
    """Keep every unit with an error, a cancellation or an early close."""
    keep_confidence_below: float | None = Field(
        default=0.7, ge=0.0, le=1.0, validation_alias=_either("KEEP_CONFIDENCE_BELOW")
    )
    """Keep every unit with a grade confidence below this."""
    drop_names: Annotated[frozenset[str], NoDecode] = Field(default=frozenset(), validation_alias=_either("DROP_NAMES"))
    """Names of local roots that are never recorded, such as health checks; separated by commas."""
    sampling_policy: Path | None = Field(default=None, validation_alias=_either("SAMPLING_POLICY"))
    """TOML file with the sampling policy; may be the file of the redaction policy too."""
    sampling_dry_run: bool = Field(default=False, validation_alias=_either("SAMPLING_DRY_RUN"))
    """Keep everything, and say on each span what the policy would have done."""
    max_unit_spans: int = Field(default=10_000, ge=10, validation_alias=_either("MAX_UNIT_SPANS"))
    """Ended spans of one unit held in memory; beyond it the unit is decided in parts."""
    max_unit_bytes: int = Field(default=33_554_432, ge=65_536, validation_alias=_either("MAX_UNIT_BYTES"))
    """The same in estimated bytes."""
    max_unit_age_seconds: float = Field(default=600.0, ge=1.0, validation_alias=_either("MAX_UNIT_AGE_SECONDS"))
    """Age at which a unit that is still open is decided in parts."""
    stress_sample_rate: float = Field(default=0.1, ge=0.0, le=1.0, validation_alias=_either("STRESS_SAMPLE_RATE"))
    """Probability for units without special reason while memory or the spool runs full."""
    recorder_max_bytes: int = Field(default=0, ge=0, validation_alias=_either("RECORDER_MAX_BYTES"))
    """Disk for units that were not kept, redacted, so that they can be recalled; 0 switches the recorder off."""
    recorder_max_seconds: float = Field(default=3_600.0, ge=1.0, validation_alias=_either("RECORDER_MAX_SECONDS"))
    """How long they can be recalled."""
    recorder_signals: Path | None = Field(default=None, validation_alias=_either("RECORDER_SIGNALS"))
    """Folder through which processes tell each other which traces are kept; default one below `home`."""

    redaction_profile: Literal["standard", "strict", "open"] | None = Field(
        default=None, validation_alias=_either("REDACTION_PROFILE")
    )
    """How far redaction goes; default that of the policy file, else `standard`."""
    redaction_policy: Path | None = Field(default=None, validation_alias=_either("REDACTION_POLICY"))
    """TOML file with the redaction policy."""
    redaction_key: SecretStr | Callable[[], str | bytes] | None = Field(
        default=None, validation_alias=_either("REDACTION_KEY")
    )
    """Key of the pseudonyms, or what returns it; default a random key made once in `home/keys`."""
    redaction_key_file: Path | None = Field(default=None, validation_alias=_either("REDACTION_KEY_FILE"))
    """File with the key of the pseudonyms, readable by its owner only."""
    recognizers: Annotated[tuple[Any, ...], NoDecode] = Field(default=(), validation_alias=_either("RECOGNIZERS"))
    """Further recognizers of names: objects like `ports.Recognizer`, or `module:name` of what makes one."""
    max_value_bytes: int | None = Field(default=None, ge=1_024, validation_alias=_either("MAX_VALUE_BYTES"))
    """Longest attribute value; what exceeds it is withheld from the tail on. Default that of the policy: 1 MiB."""
    max_backlog_bytes: int = Field(default=268_435_456, ge=1_048_576, validation_alias=_either("MAX_BACKLOG_BYTES"))
    """Estimated memory of units that wait for redaction; beyond it new units are refused and counted."""
    spool_max_bytes: int = Field(default=1_073_741_824, ge=1_048_576, validation_alias=_either("SPOOL_MAX_BYTES"))
    """Disk for what is not delivered yet, all processes together; beyond it new units are refused and counted."""
    spool_min_free_bytes: int = Field(default=67_108_864, ge=0, validation_alias=_either("SPOOL_MIN_FREE_BYTES"))
    """Free disk below which units that were kept by chance are refused and counted."""
    spool_fsync: Literal["process", "group", "always"] = Field(default="group", validation_alias=_either("SPOOL_FSYNC"))
    """When the spool is forced to the disk itself: never (`process`: survives the process, not the machine), within
    200 ms (`group`), or before each unit counts as accepted (`always`)."""
    shutdown_timeout_seconds: float = Field(
        default=2.0, ge=0.0, le=600.0, validation_alias=_either("SHUTDOWN_TIMEOUT_SECONDS")
    )
    """Longest time that the end of the process waits for delivery; what is left is delivered by the next process."""

    instrument_httpx: bool = Field(default=True, validation_alias=_either("INSTRUMENT_HTTPX"))
    """Record outgoing httpx requests and carry the trace context in their headers."""
    instrument_langfuse: bool = Field(default=True, validation_alias=_either("INSTRUMENT_LANGFUSE"))
    """Put the `langfuse` SDK behind the gate when it is used in the same process."""

    @field_validator(
        "destinations", "drop_names", "recognizers", "server_trusted_policies", "server_allowed_hosts", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("resource_attributes", mode="before")
    @classmethod
    def _parse_resource(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        return {key.strip(): unquote(text.strip()) for key, separator, text in pairs if separator}

    @field_validator("environment", mode="after")
    @classmethod
    def _reserved(cls, value: str) -> str:
        if value.startswith("langfuse"):
            msg = 'names that start with "langfuse" are reserved by Langfuse'
            raise ValueError(msg)
        return value

    @field_validator("redaction_key", mode="after")
    @classmethod
    def _long_enough(cls, value: Any) -> Any:
        if isinstance(value, SecretStr) and len(value.get_secret_value()) < _MIN_KEY:
            msg = f"a key has at least {_MIN_KEY} characters"
            raise ValueError(msg)
        return value

    @field_validator("recognizers", mode="after")
    @classmethod
    def _recognizer_like(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        for each in value:
            named = isinstance(each, str) and ":" in each
            if not named and not callable(getattr(each, "recognize", None)):
                msg = "a recognizer has a method `recognize(texts)`, or is written as `module:name`"
                raise ValueError(msg)
        return value

    @field_validator("home", mode="after")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if "langfuse" in self.destinations and (self.langfuse_public_key is None or self.langfuse_secret_key is None):
            msg = (
                'destination "langfuse" needs LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY. '
                'Set both, or leave "langfuse" out of the destinations'
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.redaction_key is not None and self.redaction_key_file is not None:
            msg = "redaction_key and redaction_key_file are both given. Keep one of them"
            raise ValueError(msg)
        if self.redaction_profile is not None and self.redaction_policy is not None:
            msg = "redaction_profile and redaction_policy are both given. Write the profile into the policy file"
            raise ValueError(msg)
        return self

    @property
    def store_path(self) -> Path:
        """Return the embedded store's file."""
        return self.home / "store.db"

    @property
    def spool_path(self) -> Path:
        """Return the spool's folder."""
        return self.home / "spool"

    @property
    def ledger_path(self) -> Path:
        """Return the ledger's folder."""
        return self.home / "ledger"

    @property
    def recorder_path(self) -> Path:
        """Return the folder of units that were not kept."""
        return self.home / "recorder"

    @property
    def signals_path(self) -> Path:
        """Return the folder through which processes tell each other which traces are kept."""
        return self.recorder_signals if self.recorder_signals is not None else self.recorder_path / "signals"

    @property
    def keys_path(self) -> Path:
        """Return the folder of the keys."""
        return self.home / "keys"

    @property
    def effective_service_name(self) -> str:
        """Return the service name: the setting, else `service.name` among the resource attributes."""
        if "service_name" in self.model_fields_set:
            return self.service_name
        return self.resource_attributes.get("service.name", self.service_name)


def load(**given: Any) -> Settings:
    """Read the settings.

    Args:
        given: Arguments of `configure(...)`; `None` counts as not given.

    Raises:
        ConfigurationError: A value cannot be used, or a `CERTTRACE_*` variable or an argument is unknown.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    _refuse_unknown(arguments)
    if "sample_rate" not in arguments and not any(os.environ.get(name) for name in _variables("sample_rate")):
        arguments.update(_otel_sample_rate())
    try:
        settings = Settings(**arguments)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explained(detail, arguments) for detail in error.errors())) from None
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" and "enabled" not in arguments:
        return settings.model_copy(update={"enabled": False})
    return settings


def _otel_sample_rate() -> dict[str, float]:
    """Return the baseline that OpenTelemetry's own variables ask for, if they do."""
    sampler = os.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower().removeprefix("parentbased_")
    if not sampler:
        return {}
    if sampler in ("always_on", "always_off"):
        return {"sample_rate": float(sampler == "always_on")}
    if sampler != "traceidratio":
        msg = (
            f"environment variable OTEL_TRACES_SAMPLER cannot be {sampler!r} here. Use always_on, always_off, "
            "traceidratio or their parentbased_ forms, or set CERTTRACE_SAMPLE_RATE."
        )
        raise ConfigurationError(msg)
    share = os.environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip() or "1.0"
    try:
        rate = float(share)
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        msg = f"environment variable OTEL_TRACES_SAMPLER_ARG cannot be {share!r}: a probability is 0.0 to 1.0."
        raise ConfigurationError(msg)
    return {"sample_rate": rate}


class _Isolated(Settings):
    """Settings that come from arguments only."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # called by names, all but one of no use here
        cls, _settings: type[BaseSettings], **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (sources["init_settings"],)


def isolated(**given: Any) -> Settings:
    """Return settings made of these arguments and defaults; the environment is not read.

    Raises:
        ConfigurationError: A value cannot be used, or an argument is unknown.
    """
    _refuse_unknown_arguments(given)
    try:
        return _Isolated(**given)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explained(detail, given) for detail in error.errors())) from None


def _variables(name: str) -> list[str]:
    alias = Settings.model_fields[name].validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []


def variables_set(name: str) -> dict[str, str]:
    """Return the variables that are set for a setting, and their values; the first one counts."""
    return {variable: os.environ[variable] for variable in _variables(name) if os.environ.get(variable)}


def _refuse_unknown(arguments: dict[str, Any]) -> None:
    known = {variable for name in Settings.model_fields for variable in _variables(name)}
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in known:
            raise ConfigurationError(_unknown("environment variable", variable, known))
    _refuse_unknown_arguments(arguments)


def _refuse_unknown_arguments(arguments: dict[str, Any]) -> None:
    for argument in arguments:
        if argument not in Settings.model_fields:
            raise ConfigurationError(_unknown("argument of configure()", argument, set(Settings.model_fields)))


def _unknown(what: str, name: str, known: set[str]) -> str:
    # Compared without the prefix, which alone makes any two variables alike.
    own = [each for each in known if each.startswith(PREFIX) or not name.startswith(PREFIX)]
    own_names = {each.removeprefix(PREFIX): each for each in own}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), sorted(own_names), n=1)
    remedy = f"Did you mean {own_names[close[0]]}?" if close else f"Known are: {', '.join(sorted(known))}."
    return f"Unknown {what} {name}. {remedy}"


def _explained(detail: ErrorDetails, arguments: dict[str, Any]) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    reason = detail["msg"].removeprefix("Value error, ")
    name = _field_of(field)
    if name is None:
        return f"{reason}."
    origin, value = as_argument(name), arguments.get(name)
    if name not in arguments:
        variable = next((choice for choice in _variables(name) if choice in os.environ), name)
        origin, value = f"environment variable {variable}", os.environ.get(variable)
    shown = "a value that is not shown" if "key" in name or _may_be_secret(name, str(value)) else repr(value)
    return f"{origin} cannot be {shown}: {reason[:1].lower()}{reason[1:]}. {_remedy(name)}"


def _may_be_secret(name: str, value: str) -> bool:
    """Tell whether a value must not be shown: an address may carry credentials, and a key may be in the wrong place."""
    from certtrace.redaction import RedactionPolicy, Redactor  # noqa: PLC0415 - only where a setting is wrong

    if name.endswith("_url") and not _LIKE_AN_ADDRESS.match(value):
        return True
    policy = RedactionPolicy(detectors=frozenset({"SECRET", "URL", "EMAIL"}), names="off")
    return "@" in value or Redactor(policy, bytes(16)).redact_text(value) != value


def _field_of(location: str) -> str | None:
    if location in Settings.model_fields:
        return location
    return next((name for name in Settings.model_fields if location in _variables(name)), None)


def _remedy(name: str) -> str:
    if name == "destinations":
        return f"Choose from {', '.join(DESTINATIONS)}, separated by commas."
    default = Settings.model_fields[name].get_default(call_default_factory=True, validated_data={})
    return f"The default is {default!r}."

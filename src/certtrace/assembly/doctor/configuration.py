"""Settings and where they came from, policies, recognizers, versions."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import urlsplit

from certtrace.assembly.doctor.finding import Finding, ok, warning, wrong
from certtrace.assembly.redaction import policy_of, recognizers_of
from certtrace.assembly.sampling import sampling_policy_of
from certtrace.errors import ConfigurationError
from certtrace.settings import DESTINATIONS, Settings, variables_set

AREA: Final = "configuration"
_PACKAGES: Final = (
    "certtrace", "opentelemetry-sdk", "opentelemetry-api", "opentelemetry-proto", "protobuf", "langfuse", "pydantic",
    "orjson", "google-re2", "httpx",
)  # fmt: skip
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_LANGFUSE_NAMES: Final = ("langfuse_public_key", "langfuse_secret_key")


def check_configuration(settings: Settings) -> Iterator[Finding]:
    """Yield what the settings say and what in them contradicts."""
    yield _origins(settings)
    yield from _overruled()
    yield from _contradictions(settings)
    yield from _policies(settings)
    yield _versions()


def _origins(settings: Settings) -> Finding:
    origins = {}
    for name in sorted(settings.model_fields_set):
        variables = variables_set(name)
        origins[name] = next(iter(variables), "argument")
    known = sorted({origin for origin in origins.values() if origin != "argument"})
    said = f"set by {', '.join(known)}" if known else "no variable is set, defaults hold"
    return ok(AREA, f"settings are valid; {said}", settings=origins, home=str(settings.home))


def _overruled() -> Iterator[Finding]:
    """Yield variables that are set and have no effect, because another says something else."""
    for name in Settings.model_fields:
        variables = variables_set(name)
        if len(set(variables.values())) > 1:
            first, *others = variables
            yield warning(
                AREA,
                f"{first} overrules {', '.join(others)}, which say something else",
                f"Unset what is not meant: {first} counts.",
                setting=name,
            )


def _contradictions(settings: Settings) -> Iterator[Finding]:
    if not settings.enabled:
        yield warning(AREA, "recording is switched off", "Unset CERTTRACE_ENABLED=false, or whatever says so.")
    if settings.effective_service_name == "unknown_service":
        yield warning(AREA, "the service has no name", "Set OTEL_SERVICE_NAME: rules and lists go by it.")
    if not settings.destinations:
        yield wrong(
            AREA, "there is no destination", f"Set CERTTRACE_DESTINATIONS to some of {', '.join(DESTINATIONS)}."
        )
    if "langfuse" not in settings.destinations and any(variables_set(name) for name in _LANGFUSE_NAMES):
        yield warning(
            AREA,
            "keys of Langfuse are set, and nothing is sent there",
            "Add langfuse to CERTTRACE_DESTINATIONS, or unset the keys.",
        )
    if "langfuse" in settings.destinations:
        yield from _address(settings)
    if settings.recorder_signals is not None and not settings.recorder_max_bytes:
        yield warning(
            AREA,
            "a folder of signals is set, and the flight recorder is off",
            "Set CERTTRACE_RECORDER_MAX_BYTES, or unset CERTTRACE_RECORDER_SIGNALS.",
        )


def _address(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.langfuse_base_url)
    if parts.username or parts.password:
        yield wrong(
            AREA,
            "LANGFUSE_BASE_URL holds credentials",
            "Take them out of the address: keys are LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY.",
        )
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        yield warning(AREA, "Langfuse is reached without TLS: keys and traces can be read on the way", "Use https.")
    if parts.path.rstrip("/").endswith(("/api", "/api/public")):
        yield wrong(AREA, "LANGFUSE_BASE_URL ends with a path of the API", "Leave /api and what follows out of it.")


def _policies(settings: Settings) -> Iterator[Finding]:
    try:
        redaction = policy_of(settings)
    except ConfigurationError as error:
        yield wrong(AREA, f"redaction policy: {error}", "certtrace policy check FILE says more.")
    else:
        said = f"redaction policy: profile {redaction.profile}, version {redaction.version}"
        if redaction.profile == "open":
            yield warning(
                AREA, f"{said}: lets personal data out", 'Use "standard" or "strict" where people are graded.'
            )
        else:
            yield ok(AREA, said, profile=redaction.profile, version=redaction.version)
    try:
        sampling = sampling_policy_of(settings)
    except ConfigurationError as error:
        yield wrong(AREA, f"sampling policy: {error}", "certtrace policy check FILE says more.")
    else:
        said = f"sampling policy: baseline {sampling.baseline:g}, {len(sampling.rules)} rules"
        reasons = (
            sampling.keep_errors or sampling.keep_confidence_below or any(not rule.drop for rule in sampling.rules)
        )
        if not sampling.baseline and not reasons:
            yield warning(AREA, f"{said}: nothing is ever kept", "Set CERTTRACE_SAMPLE_RATE above 0, or a rule.")
        else:
            yield ok(AREA, said, baseline=sampling.baseline, rules=len(sampling.rules))
    if settings.recognizers:
        try:
            recognizers_of(settings)
        except ConfigurationError as error:
            yield wrong(AREA, str(error), "See the how-to on recognizing names.")


def _versions() -> Finding:
    found = {"python": platform.python_version()}
    missing = []
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
    said = ", ".join(f"{name} {number}" for name, number in list(found.items())[:3])
    if missing:
        return wrong(
            AREA, f"not installed: {', '.join(missing)}", "Install certtrace anew: pip install certtrace", **found
        )
    return ok(AREA, said, **found)

"""Whether Langfuse can be reached, takes our keys, and has a trace: its public API, read only."""

import base64
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.request import getproxies

from certtrace.assembly.doctor.finding import Finding, ok, warning, wrong
from certtrace.assembly.doctor.probe import Answer, ProbeError, get, redirect_target
from certtrace.delivery.address import Address
from certtrace.settings import Settings

AREA: Final = "langfuse"
_PROJECTS: Final = "/api/public/projects"
_HEALTH: Final = "/api/public/health"
_OBSERVATIONS: Final = "/api/public/v2/observations?fields=core,basic,io,metadata,trace_context&limit=100&traceId="
_TRACE: Final = "/api/public/traces/"
_OLDEST: Final = (4, 59)
_SKEW_SECONDS: Final = 5.0
_SKEWED_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.5
_VERSION: Final = re.compile(r"v?(\d{1,4})\.(\d{1,4})")
_REMEDIES: Final = {
    401: "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are no pair of this server: copy both from the project settings.",
    403: "The keys are known and may not do this: does the project exist, is ingestion suspended?",
    404: "There is no Langfuse at this path: LANGFUSE_BASE_URL is the address without /api.",
    407: "A proxy wants credentials. certtrace connects directly: allow this machine to.",
    429: "Too many requests: try again later.",
}


class LangfuseReader:
    """Reads from one project."""

    def __init__(self, settings: Settings) -> None:
        """Take address and keys.

        Raises:
            ConfigurationError: The address is not usable.
        """
        public, secret = settings.langfuse_public_key or "", settings.langfuse_secret_key
        credentials = f"{public}:{secret.get_secret_value() if secret is not None else ''}"
        self._address = Address.parse(settings.langfuse_base_url)
        self._headers = {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}

    def get(self, path: str, deadline: float) -> Answer:
        """Send one authenticated GET.

        Raises:
            ProbeError: There was no answer.
        """
        return get(self._address, path, self._headers, deadline)

    def observations(self, trace_id: str, deadline: float) -> list[Mapping[str, Any]]:
        """Return what the server has of a trace now; empty where it has nothing yet.

        Raises:
            ProbeError: There was no usable answer.
        """
        answer = self.get(_OBSERVATIONS + trace_id, deadline)
        found = answer.json()
        if answer.status == 404:
            answer = self.get(_TRACE + trace_id, deadline)  # a server of an older version
            found = answer.json()
            found = {"data": found.get("observations")} if isinstance(found, dict) and answer.status == 200 else None
        if answer.status not in (200, 404):
            raise _refused(answer)
        data = found.get("data") if isinstance(found, dict) else None
        return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []

    def wait_for(self, trace_id: str, count: int, deadline: float) -> list[Mapping[str, Any]]:
        """Return what the server has once that is `count` observations, else what it has at the deadline.

        Raises:
            ProbeError: There was no usable answer.
        """
        while True:
            found = self.observations(trace_id, deadline)
            if len(found) >= count or time.monotonic() + _POLL_SECONDS >= deadline:
                return found
            time.sleep(_POLL_SECONDS)


def check_langfuse(settings: Settings, timeout_seconds: float) -> Iterator[Finding]:
    """Yield whether the server answers, takes the keys, has our time and a version that will do."""
    reader = LangfuseReader(settings)
    deadline = time.monotonic() + timeout_seconds
    try:
        answer = reader.get(_PROJECTS, deadline)
        if answer.status != 200 or not isinstance(answer.json(), dict):
            raise _refused(answer)
    except ProbeError as error:
        yield wrong(AREA, error.what, _with_proxy(error.remedy, settings.langfuse_base_url))
        return
    yield ok(AREA, f"{Address.parse(settings.langfuse_base_url).host} answers and takes the keys")
    yield from _clock(answer)
    yield from _version(reader, deadline)


def _refused(answer: Answer) -> ProbeError:
    status = answer.status
    if 300 <= status < 400:
        return ProbeError(
            f"HTTP {status}: it redirects to {redirect_target(answer)}", "Set LANGFUSE_BASE_URL to where it redirects."
        )
    if status < 300 or (answer.is_web_page and status not in _REMEDIES):
        return ProbeError(
            f"HTTP {status} with what is no answer of Langfuse",
            "A proxy or a captive portal answers in its place, or LANGFUSE_BASE_URL is another server's.",
        )
    fallback = "The server fails: see its log." if status >= 500 else "Check LANGFUSE_BASE_URL."
    return ProbeError(f"HTTP {status}", _REMEDIES.get(status, fallback))


def _with_proxy(remedy: str, url: str) -> str:
    if getproxies().get(url.partition(":")[0]):
        return f"{remedy} A proxy is set in the environment; certtrace connects directly and does not use it."
    return remedy


def _clock(answer: Answer) -> Iterator[Finding]:
    skew = answer.skew_seconds
    if skew is None:
        return
    facts = {"skew_seconds": round(skew, 1)}
    said = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server's"
    remedy = "Set the clocks: NTP or chrony. Traces of several machines are out of order otherwise."
    if abs(skew) > _SKEWED_SECONDS:
        yield wrong(AREA, said, remedy, **facts)
    elif abs(skew) > _SKEW_SECONDS:
        yield warning(AREA, said, remedy, **facts)
    else:
        yield ok(AREA, "its clock agrees with this machine's", **facts)


def _version(reader: LangfuseReader, deadline: float) -> Iterator[Finding]:
    try:
        told = reader.get(_HEALTH, deadline).json()
    except ProbeError:
        return
    found = _VERSION.match(str(told.get("version", ""))) if isinstance(told, dict) else None
    if found is None:
        return
    version = int(found[1]), int(found[2])
    if version < _OLDEST:
        yield wrong(
            AREA,
            f"it is version {version[0]}.{version[1]}",
            f"Update the server: {_OLDEST[0]}.{_OLDEST[1]} is the oldest that takes what certtrace sends.",
        )
    else:
        yield ok(AREA, f"version {version[0]}.{version[1]}")

"""certtrace: tracing for AI services that grade people.

`@traced` and `span` record Langfuse observations; redaction and sampling apply before anything leaves the process.
Until `configure()` runs, traced functions run as if untraced. Importing this package loads the standard library and the
OpenTelemetry API only.
"""

from typing import TYPE_CHECKING, Any

from certtrace.errors import (
    CerttraceError,
    ConfigurationError,
    DecorationError,
    StoreError,
    TraceNotFoundError,
)
from certtrace.redaction.markers import ExamSecret, Pii
from certtrace.tracing import (
    ObservationType,
    continue_trace,
    current_span,
    identify,
    in_context,
    inject,
    propagate_attributes,
    span,
    traced,
)

if TYPE_CHECKING:
    from certtrace.assembly import configure, force_flush, shutdown
    from certtrace.grading import instrument

__all__ = [
    "CerttraceError",
    "ConfigurationError",
    "DecorationError",
    "ExamSecret",
    "ObservationType",
    "Pii",
    "StoreError",
    "TraceNotFoundError",
    "configure",
    "continue_trace",
    "current_span",
    "force_flush",
    "identify",
    "in_context",
    "inject",
    "instrument",
    "propagate_attributes",
    "shutdown",
    "span",
    "traced",
]

_LATER = {
    "configure": "certtrace.assembly",
    "force_flush": "certtrace.assembly",
    "shutdown": "certtrace.assembly",
    "instrument": "certtrace.grading",
}


def __getattr__(name: str) -> Any:
    """Load what needs the SDK when it is first asked for."""
    if name not in _LATER:
        msg = f"module 'certtrace' has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module  # noqa: PLC0415 - only on this path

    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not loaded yet included."""
    return sorted({*globals(), *__all__})

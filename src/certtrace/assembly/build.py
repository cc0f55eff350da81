"""Build a running pipeline out of settings: the one place that knows all rooms."""

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from certtrace import semconv
from certtrace.assembly.crashes import entering_in
from certtrace.assembly.deciding import Deciding
from certtrace.assembly.destinations import destinations_of
from certtrace.assembly.guests import readable
from certtrace.assembly.instruments import instrument_httpx, instrument_langfuse
from certtrace.assembly.keys import LEDGER, load_or_create
from certtrace.assembly.metrics import delivered, observe
from certtrace.assembly.outlet import Decided, Stations
from certtrace.assembly.pipeline import Pipeline
from certtrace.assembly.redaction import OTHERS, Route, key_of, policy_of, recognizers_of, redactor_of, routes
from certtrace.assembly.running import Running
from certtrace.assembly.sampling import sampler_of, sampling_policy_of
from certtrace.delivery.otlp import encode_unit
from certtrace.delivery.recorder import Recorder
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.errors import ConfigurationError
from certtrace.ledger import Ledger
from certtrace.ports import RULES, Payload, Receipt, SpanRecord, UnitRedactor
from certtrace.redaction.known.essentials import essentials
from certtrace.redaction.structure import jsontext
from certtrace.sampling import threshold_for
from certtrace.settings import Settings
from certtrace.tracing.joining import join
from certtrace.tracing.provider import CerttraceTracerProvider
from certtrace.tracing.runtime import Tracer

_log = logging.getLogger("certtrace")

_STORE_BUSY_SECONDS: Final = 5.0


def build(settings: Settings, *, persist: bool = True) -> Running:
    """Build what the settings describe.

    Args:
        settings: The settings.
        persist: Whether to open spool, ledger and destinations; a test that only looks at spans does without.

    Raises:
        ConfigurationError: The home folder or the key cannot be used.
        StoreError: The store cannot be opened.
        SpoolError: The spool folder cannot be used.
    """
    redaction = policy_of(settings)
    key = key_of(settings, persist=persist)
    to = routes(redaction, key, settings.destinations, recognizers_of(settings))
    redactor = to[0].redactor
    resource = _redacted_resource(settings, redactor)
    stations = Stations(routes=to, encode=encode_unit, resource=resource, reduce=essentials)
    policy = sampling_policy_of(settings)
    service = settings.effective_service_name
    stress = threshold_for(settings.stress_sample_rate)
    deciding = Deciding(sampler_of(policy, service), service=service, stress_threshold=stress)
    pipeline = Pipeline(
        stations,
        deciding,
        max_backlog_bytes=settings.max_backlog_bytes,
        max_age_seconds=settings.max_unit_age_seconds,
        light_threshold=stress,
        keeps_scored=policy.scores == "keep",
    )
    provider = _provider(resource)
    tracer = Tracer(
        pipeline,
        provider.resource,
        _version(),
        key,
        deciding,
        max_unit_spans=settings.max_unit_spans,
        max_unit_bytes=settings.max_unit_bytes,
    )
    pipeline.units = tracer.units
    pipeline.complete_stale = tracer.complete_stale
    running = Running(settings, provider, tracer, pipeline, redactor)
    running.watch_sums()
    if persist:
        _open_destinations(running, stations, resource)
    others = redactor_of(redaction, key, destination=OTHERS) if OTHERS in redaction.destinations() else None
    stations.listeners.append(_guest_listener(provider, others))
    if settings.instrument_httpx:
        instrument_httpx(provider, tracer)
    if settings.instrument_langfuse:
        running.langfuse = instrument_langfuse(
            settings,
            _for("langfuse", to),
            provider,
            on_scores=_score_sink(running),
            count=_count(pipeline),
            known_in=tracer.known_in,
        )
    running.undo.append(observe(running))
    return running


def _version() -> str:
    try:
        return version("certtrace")
    except PackageNotFoundError:
        return "0"


def _for(destination: str, to: Sequence[Route]) -> UnitRedactor:
    return next((route.redactor for route in to if destination in route.destinations), to[0].redactor)


def _redacted_resource(settings: Settings, redactor: UnitRedactor) -> dict[str, object]:
    given = {
        **settings.resource_attributes,
        semconv.SERVICE_NAME: settings.effective_service_name,
        semconv.ENVIRONMENT: settings.environment,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "certtrace",
        "telemetry.sdk.version": _version(),
    }
    if settings.release is not None:
        given[semconv.RELEASE] = settings.release
    return {redactor.redact_text(key): redactor.redact_text(value) for key, value in given.items()}


_PROVIDER: list[CerttraceTracerProvider] = []


def _provider(resource: Mapping[str, object]) -> CerttraceTracerProvider:
    """Return the process's provider; OpenTelemetry's global one can be set only once."""
    made = Resource({key: str(value) for key, value in resource.items()})
    if _PROVIDER:
        provider = _PROVIDER[0]
        provider.renew(made)
        return provider
    provider = CerttraceTracerProvider(made)
    _PROVIDER.append(provider)
    others = trace.get_tracer_provider()
    if hasattr(others, "add_span_processor"):
        # The host's own choice: its exporters get raw spans from it, which only the host can change.
        _log.warning(
            "Another OpenTelemetry tracer provider is already set (%s). Its spans join certtrace's traces, but what it "
            "exports itself is not redacted. Call certtrace.configure() before a provider is set.",
            type(others).__qualname__,
        )
        join(others, provider.gate)
    else:
        trace.set_tracer_provider(provider)
    return provider


def _open_destinations(running: Running, stations: Stations, resource: Mapping[str, object]) -> None:
    settings = running.settings
    _make_home(settings)
    destinations = destinations_of(settings)
    if settings.recorder_max_bytes:
        running.recorder = stations.recorder = Recorder(
            settings.recorder_path,
            settings.signals_path,
            max_bytes=settings.recorder_max_bytes,
            max_seconds=settings.recorder_max_seconds,
            min_free_bytes=2 * settings.spool_min_free_bytes,
        )
        running.pipeline.deciding.kept_elsewhere = running.recorder.is_kept
    running.spool = Spool(
        settings.spool_path,
        resource=resource,
        rules=running.pipeline.deciding.sampler.rule_names[len(RULES) :],
        fsync=settings.spool_fsync,
        max_bytes=settings.spool_max_bytes,
        min_free_bytes=settings.spool_min_free_bytes,
        relieve=running.recorder.give_way if running.recorder is not None else None,
    )
    running.delivery = Delivery(running.spool, destinations, on_delivered=delivered)
    key = load_or_create(settings.keys_path, LEDGER)
    running.ledger = ledger = Ledger(settings.ledger_path, key, str(resource[semconv.SERVICE_NAME]))  # redacted by now
    stations.spool = running.spool
    running.pipeline.spool_share = running.spool.share_used
    stations.wake = running.delivery.wake

    def enter(decided: Decided, counts: Mapping[str, int]) -> None:
        ledger.append(
            trace_id=f"{decided.trace_id:032x}",
            root_span_id=f"{decided.root_span_id:016x}",
            decision=decided.decision,
            span_count=decided.span_count,
            content=decided.content,
            redactions=counts,
        )

    stations.enter = enter
    running.spool.on_content_lost = entering_in(ledger)
    running.delivery.wake()  # what an earlier process left is delivered now


def _make_home(settings: Settings) -> None:
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = (
            f"The data folder {settings.home} cannot be made: {error.strerror or error}. "
            "Choose another with CERTTRACE_HOME or configure(home=...)."
        )
        raise ConfigurationError(msg) from None


def _guest_listener(provider: CerttraceTracerProvider, redactor: UnitRedactor | None) -> Any:
    def listener(spans: Sequence[SpanRecord]) -> None:
        if provider.gate.hosts():
            if redactor is not None:
                spans = redactor.redact_unit(spans, [])
            shown: list[ReadableSpan] = [readable(span, provider.resource) for span in spans]
            provider.gate.deliver(shown)

    return listener


def _score_sink(running: Running) -> Any:
    def sink(scores: list[dict[str, Any]]) -> None:
        if running.spool is None:
            return
        for score in scores:
            trace_id = str(score.get("traceId") or "")
            if not running.pipeline.takes_foreign_score(_number(trace_id), score):
                running.spool.content(0, Payload("scores", jsontext.dumps([score]).encode(), trace_id))
        if running.delivery is not None:
            running.delivery.wake()

    return sink


def _number(trace_id: str) -> int:
    try:
        return int(trace_id, 16)
    except ValueError:
        return 0


def _count(pipeline: Pipeline) -> Any:
    def count(receipt: Receipt) -> None:
        pipeline.outlet.count_findings(receipt.counts, receipt.withheld)

    return count

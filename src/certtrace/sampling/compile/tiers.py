"""The two configurations: tier 1 sends every trace to one collector of tier 2, which decides and delivers.

References:
    OpenTelemetry Collector 0.160, config.schema.yaml of the components; Contrib README.md of `load_balancing`.
"""

from typing import Final

from certtrace import semconv
from certtrace.sampling.compile.policies import Policy
from certtrace.sampling.compile.target import Target
from certtrace.sampling.compile.yaml_text import Environment, Tree
from certtrace.sampling.model import SamplingPolicy

CREDENTIALS: Final = "LANGFUSE_BASIC_AUTH"
"""Variable of tier 2 that holds the credentials, as HTTP's basic authentication has them."""
LANGFUSE_PATH: Final = "/api/public/otel"

_STORAGE: Final = "file_storage/queue"
_MEMORY: Final[dict[str, Tree]] = {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20}
_RETRY: Final[dict[str, Tree]] = {
    "enabled": True,
    "initial_interval": "1s",
    "max_interval": "60s",
    # The default gives up after 300 s, and the persistent queue forgets what was given up.
    "max_elapsed_time": "0s",
}
_BATCH_BYTES: Final = 4 * 1024**2
_CACHED_DECISIONS: Final = 10
"""Decisions remembered for each trace in memory: a span that comes late gets its trace's decision, not one of its
own."""


def route(target: Target) -> dict[str, Tree]:
    """Return tier 1."""
    plain: dict[str, Tree] = {"insecure": True}
    secure: dict[str, Tree] = {"insecure": False, "ca_file": target.tail_ca_file or ""}
    balancing: dict[str, Tree] = {
        "routing_key": "traceID",
        "timeout": "10s",
        "retry_on_failure": _RETRY,
        "sending_queue": _queue(target),
        "protocol": {
            "otlp": {
                "timeout": "5s",
                "tls": secure if target.tail_ca_file else plain,
                # What stands in a queue of one connection dies with it; the queue above can choose another collector.
                "sending_queue": {"enabled": False},
            }
        },
        "resolver": {"dns": {"hostname": target.tail_host, "port": str(target.tail_port), "interval": "5s"}},
    }
    return {
        "extensions": _storage(target),
        "receivers": {
            "otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}, "http": {"endpoint": "0.0.0.0:4318"}}},
            # Where certtrace sends its spans when it is told that this is Langfuse.
            "otlp/certtrace": {
                "protocols": {"http": {"endpoint": "0.0.0.0:4319", "traces_url_path": f"{LANGFUSE_PATH}/v1/traces"}}
            },
        },
        "processors": {"memory_limiter": _MEMORY},
        "exporters": {"load_balancing": balancing},
        "service": _service(["otlp", "otlp/certtrace"], ["memory_limiter"], "load_balancing"),
    }


def decide(policy: SamplingPolicy, policies: list[Policy], target: Target) -> dict[str, Tree]:
    """Return tier 2.

    Args:
        policy: Where the wait comes from.
        policies: The compiled policies.
        target: Addresses and sizes.
    """
    traces = target.traces_in_memory(policy)
    sampling: dict[str, Tree] = {
        "decision_wait": f"{target.decision_wait(policy)}s",
        "decision_wait_after_root_received": "10s",
        "num_traces": traces,
        "expected_new_traces_per_sec": max(1, round(target.traces_per_second)),
        "maximum_trace_size_bytes": target.max_trace_bytes,
        "decision_cache": {
            "sampled_cache_size": _CACHED_DECISIONS * traces,
            "non_sampled_cache_size": _CACHED_DECISIONS * traces,
        },
        "policies": policies,
    }
    langfuse: dict[str, Tree] = {
        "endpoint": target.langfuse_url.rstrip("/") + LANGFUSE_PATH,
        "headers": {
            "Authorization": Environment(CREDENTIALS, before="Basic "),
            semconv.INGESTION_VERSION_HEADER: semconv.INGESTION_VERSION,
        },
        "timeout": "30s",
        "retry_on_failure": _RETRY,
        "sending_queue": {
            **_queue(target),
            # Here and not in the `batch` processor, which would acknowledge spans that it holds in memory.
            "batch": {"flush_timeout": "1s", "min_size": _BATCH_BYTES // 4, "max_size": _BATCH_BYTES, "sizer": "bytes"},
        },
    }
    return {
        "extensions": _storage(target),
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{target.tail_port}"}}}},
        "processors": {"memory_limiter": _MEMORY, "tail_sampling": sampling},
        "exporters": {"otlp_http/langfuse": langfuse},
        "service": _service(["otlp"], ["memory_limiter", "tail_sampling"], "otlp_http/langfuse"),
    }


def _storage(target: Target) -> dict[str, Tree]:
    compaction: dict[str, Tree] = {"on_start": True, "directory": target.queue_directory, "cleanup_on_start": True}
    storage: dict[str, Tree] = {
        "directory": target.queue_directory,
        "create_directory": True,
        "timeout": "10s",
        "fsync": True,
        # A file that a power failure damaged is put aside; without it the collector does not start again.
        "recreate": True,
        "compaction": compaction,
    }
    return {_STORAGE: storage}


def _queue(target: Target) -> dict[str, Tree]:
    return {"enabled": True, "storage": _STORAGE, "sizer": "bytes", "queue_size": target.queue_bytes}


def _service(receivers: list[str], processors: list[str], exporter: str) -> dict[str, Tree]:
    traces: dict[str, Tree] = {"receivers": receivers, "processors": processors, "exporters": [exporter]}
    return {"extensions": [_STORAGE], "pipelines": {"traces": traces}}

"""JSON Schemas of the collector's keys that a compiled configuration may use; any other key is an error.

Written from the upstream `config.schema.yaml` files, read in November 2026:

| component | repository, folder | commit |
| --- | --- | --- |
| tail_sampling | contrib, processor/tailsamplingprocessor | 048c7a0 |
| load_balancing | contrib, exporter/loadbalancingexporter | 0140961 |
| file_storage | contrib, extension/storage/filestorage (README.md) | 081fcea |
| otlp receiver | core, receiver/otlpreceiver | 1f4355e |
| otlp_http, otlp_grpc | core, exporter/otlphttpexporter, exporter/otlpexporter | 1f4355e |
| sending_queue | core, exporter/exporterhelper/internal/queuebatch | 1dc1061 |
| retry_on_failure | core, config/configretry | 4000bf3 |
| memory_limiter | core, internal/memorylimiter | 9c920b6 |
| HTTP, TLS | core, config/confighttp 0459a1b, config/configtls 4ebf1d4 | |

That is 0.159 to 0.160. Beyond upstream, which leaves it to the start of the collector: required keys, the one block
that belongs to a policy's type, no combinator inside another, ids that a pipeline names must exist.
"""

from typing import Any

Schema = dict[str, Any]

DURATION: Schema = {"type": "string", "pattern": r"^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$"}
TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXTS: Schema = {"type": "array", "items": TEXT, "minItems": 1}


def obj(properties: dict[str, Schema], required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


RETRY = obj(
    {
        "enabled": FLAG,
        "initial_interval": DURATION,
        "max_interval": DURATION,
        "max_elapsed_time": DURATION,
        "multiplier": {"type": "number"},
        "randomization_factor": {"type": "number"},
        "max_retries": COUNT,
    },
    ["enabled", "max_elapsed_time"],
)
SIZER: Schema = {"enum": ["requests", "items", "bytes"]}
QUEUE = obj(
    {
        "enabled": FLAG,
        "storage": TEXT,
        "sizer": SIZER,
        "queue_size": COUNT,
        "num_consumers": COUNT,
        "block_on_overflow": FLAG,
        "wait_for_result": FLAG,
        "batch": obj({"flush_timeout": DURATION, "min_size": COUNT, "max_size": COUNT, "sizer": SIZER}),
    },
    ["enabled"],
)
TLS = obj(
    {"insecure": FLAG, "insecure_skip_verify": FLAG, "ca_file": TEXT, "cert_file": TEXT, "key_file": TEXT}, ["insecure"]
)
GRPC_SERVER = obj({"endpoint": TEXT})
HTTP_SERVER = obj({"endpoint": TEXT, "traces_url_path": {"type": "string", "pattern": "^/"}}, ["endpoint"])
OTLP_RECEIVER = obj({"protocols": obj({"grpc": GRPC_SERVER, "http": HTTP_SERVER}, [])})
MEMORY_LIMITER = obj({"check_interval": DURATION, "limit_percentage": COUNT, "spike_limit_percentage": COUNT})
FILE_STORAGE = obj(
    {
        "directory": TEXT,
        "create_directory": FLAG,
        "timeout": DURATION,
        "fsync": FLAG,
        "recreate": FLAG,
        "compaction": obj({"on_start": FLAG, "directory": TEXT, "cleanup_on_start": FLAG}),
    }
)
OTLP_EXPORTER = obj({"timeout": DURATION, "tls": TLS, "sending_queue": QUEUE})  # no endpoint: the resolver gives it
LOAD_BALANCING = obj(
    {
        "routing_key": {"enum": ["traceID", "service", "attributes"]},
        "timeout": DURATION,
        "retry_on_failure": RETRY,
        "sending_queue": QUEUE,
        "protocol": obj({"otlp": OTLP_EXPORTER}),
        "resolver": obj(
            {"dns": obj({"hostname": TEXT, "port": {"type": "string", "pattern": r"^\d+$"}, "interval": DURATION})}
        ),
    }
)
OTLP_HTTP = obj(
    {
        "endpoint": {"type": "string", "pattern": "^https?://"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "timeout": DURATION,
        "retry_on_failure": RETRY,
        "sending_queue": QUEUE,
        "encoding": {"enum": ["proto", "json"]},
        "compression": {"enum": ["gzip", "zstd", "none"]},
    },
    ["endpoint", "headers", "timeout", "retry_on_failure", "sending_queue"],
)

LEAF_CONFIGURATIONS: dict[str, Schema] = {
    "ottl_condition": obj({"error_mode": {"enum": ["ignore", "silent", "propagate"]}, "span": TEXTS}),
    "status_code": obj({"status_codes": {"type": "array", "items": {"enum": ["OK", "ERROR", "UNSET"]}, "minItems": 1}}),
    "probabilistic": obj(
        {"sampling_percentage": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100}, "hash_salt": TEXT}
    ),
    "rate_limiting": obj({"spans_per_second": {"type": "integer", "minimum": 1}}),
}


def typed(kind: str, configuration: Schema | None) -> Schema:
    """A policy of one type has the block of that type and no other."""
    block = {kind: configuration} if configuration is not None else {}
    return obj({"name": TEXT, "type": {"const": kind}, **block})


LEAF: Schema = {"oneOf": [typed(kind, said) for kind, said in LEAF_CONFIGURATIONS.items()]}
SEVERAL_LEAVES: Schema = {"type": "array", "items": LEAF, "minItems": 1}
POLICY: Schema = {
    "oneOf": [
        *LEAF["oneOf"],
        typed("always_sample", None),
        typed("and", obj({"and_sub_policy": {**SEVERAL_LEAVES, "minItems": 2}})),
        typed("drop", obj({"drop_sub_policy": SEVERAL_LEAVES})),
    ]
}
TAIL_SAMPLING = obj(
    {
        "decision_wait": DURATION,
        "decision_wait_after_root_received": DURATION,
        "num_traces": COUNT,
        "expected_new_traces_per_sec": COUNT,
        "maximum_trace_size_bytes": COUNT,
        "decision_cache": obj({"sampled_cache_size": COUNT, "non_sampled_cache_size": COUNT}),
        "policies": {"type": "array", "items": POLICY, "minItems": 1},
    }
)


def configuration(receivers: list[str], processors: dict[str, Schema], exporters: dict[str, Schema]) -> Schema:
    """The whole of one configuration."""

    def named(known: list[str]) -> Schema:
        return {"type": "array", "items": {"enum": known}, "minItems": 1, "uniqueItems": True}

    pipeline = obj(
        {"receivers": named(receivers), "processors": named(list(processors)), "exporters": named(list(exporters))}
    )
    return obj(
        {
            "extensions": obj({"file_storage/queue": FILE_STORAGE}),
            "receivers": obj(dict.fromkeys(receivers, OTLP_RECEIVER)),
            "processors": obj(processors),
            "exporters": obj(exporters),
            "service": obj({"extensions": {"const": ["file_storage/queue"]}, "pipelines": obj({"traces": pipeline})}),
        }
    )


TIER_1 = configuration(
    ["otlp", "otlp/certtrace"], {"memory_limiter": MEMORY_LIMITER}, {"load_balancing": LOAD_BALANCING}
)
TIER_2 = configuration(
    ["otlp"],
    {"memory_limiter": MEMORY_LIMITER, "tail_sampling": TAIL_SAMPLING},
    {"otlp_http/langfuse": OTLP_HTTP},
)

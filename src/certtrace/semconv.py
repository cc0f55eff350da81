"""Every attribute key that certtrace writes or reads, with its source.

OpenTelemetry's word if it has one, else Langfuse's, else `cert.*`. No other module holds a literal key.
"""

from typing import Final

# --- Langfuse: attributes the Langfuse server maps to fields (research: field mapping of its OTLP endpoint). ---
OBSERVATION_TYPE: Final = "langfuse.observation.type"
OBSERVATION_INPUT: Final = "langfuse.observation.input"
OBSERVATION_OUTPUT: Final = "langfuse.observation.output"
OBSERVATION_METADATA: Final = "langfuse.observation.metadata"
OBSERVATION_LEVEL: Final = "langfuse.observation.level"
OBSERVATION_STATUS_MESSAGE: Final = "langfuse.observation.status_message"
OBSERVATION_MODEL: Final = "langfuse.observation.model.name"
OBSERVATION_MODEL_PARAMETERS: Final = "langfuse.observation.model.parameters"
OBSERVATION_USAGE_DETAILS: Final = "langfuse.observation.usage_details"
OBSERVATION_COST_DETAILS: Final = "langfuse.observation.cost_details"
OBSERVATION_COMPLETION_START_TIME: Final = "langfuse.observation.completion_start_time"
OBSERVATION_PROMPT_NAME: Final = "langfuse.observation.prompt.name"
OBSERVATION_PROMPT_VERSION: Final = "langfuse.observation.prompt.version"
TRACE_NAME: Final = "langfuse.trace.name"
TRACE_TAGS: Final = "langfuse.trace.tags"
TRACE_METADATA: Final = "langfuse.trace.metadata"
TRACE_PUBLIC: Final = "langfuse.trace.public"
USER_ID: Final = "user.id"
SESSION_ID: Final = "session.id"
ENVIRONMENT: Final = "langfuse.environment"
RELEASE: Final = "langfuse.release"
VERSION: Final = "langfuse.version"
IS_APP_ROOT: Final = "langfuse.internal.is_app_root"

SCOPE_NAME: Final = "langfuse-sdk-certtrace"
"""Our instrumentation scope. The prefix `langfuse-sdk` keeps Langfuse from storing leftover attributes a second time."""

INGESTION_VERSION_HEADER: Final = "x-langfuse-ingestion-version"
INGESTION_VERSION: Final = "4"

# --- OpenTelemetry semantic conventions (opentelemetry-semantic-conventions 0.66b2). ---
ERROR_TYPE: Final = "error.type"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT: Final = "deployment.environment.name"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
OPENAI_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"
HTTP_STATUS_CODE: Final = "http.response.status_code"
MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_DESTINATION: Final = "messaging.destination.name"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_CONSUMER_GROUP: Final = "messaging.consumer.group.name"
MESSAGING_DELIVERY_ATTEMPT: Final = "messaging.gcp_pubsub.message.delivery_attempt"

# --- certtrace's own: how a span came through the pipeline. ---
OUTCOME: Final = "cert.outcome"
"""`cancelled` (interrupted from outside) or `abandoned` (a generator or coroutine closed early); absent otherwise."""
REDACTION_RECEIPT: Final = "cert.redaction"
"""Receipt of the redaction of this span: policy version, counts by type and operator, what was withheld, time."""
SAMPLING: Final = "cert.sampling"
"""Rule that kept the unit and its threshold (`th`, OpenTelemetry consistent probability sampling)."""
CONTENT_LOST: Final = "cert.content_lost"
"""Why a kept span has no content: `crash`, when the process died between skeleton and content."""
CAPTURE_CUT: Final = "cert.capture.cut"
"""What capture left out of an argument or result, with its original size."""
ITEMS: Final = "cert.items"
"""Number of items that a generator yielded."""
CALLED_FROM: Final = "code.function.name"

# --- certtrace's own: the grading domain. `certtrace.grading` adds to this block. ---
CONFIDENCE: Final = "cert.confidence"
"""Grade confidence, 0.0 to 1.0; tail sampling reads it."""
SUBMISSION_ID: Final = "cert.submission.id"
"""Pseudonymous business id that a trace is found by."""
CANDIDATE: Final = "cert.candidate"
"""Pseudonym of the candidate, such as `<person:7f3a91>`; never the name."""
FAILURE_CLASS: Final = "cert.failure.class"
"""Failure class of the domain, such as `malformed_json`; see `certtrace.grading.FailureClass`."""

TRACESTATE_KEY: Final = "ot"
"""OpenTelemetry's tracestate entry for sampling (`th`, `rv`)."""


def metadata(key: str) -> str:
    """Return the attribute that Langfuse shows as metadata `key`."""
    return f"{OBSERVATION_METADATA}.{key}"

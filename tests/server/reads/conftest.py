"""A box with known traces: two of the project, one of another project."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from langfuse import Langfuse
from opentelemetry.sdk.trace import TracerProvider
from tests.server.reads.records import OBSERVATIONS, OTHERS, SCORES, TRACES
from tests.server.serving import Serving, serving

from certtrace.records.store import StoreWriter
from certtrace.server.access import Role


@pytest.fixture(scope="package")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("reads")) as running:
        writer = StoreWriter(running.box.store)
        writer.write(running.project.id, OBSERVATIONS, SCORES, traces=TRACES)
        other = running.box.access.project("other")
        writer.write(other.id, OTHERS, [replace(SCORES[0], id="foreign-score", trace_id=OTHERS[0].trace_id)])
        yield running


@pytest.fixture(scope="package")
def langfuse_client(box: Serving) -> Iterator[Langfuse]:
    """The unmodified client with a reader's key; it traces nothing."""
    key = box.keys[Role.READER]
    client = Langfuse(
        public_key=key.public_key,
        secret_key=key.secret_key,
        base_url=box.url,
        tracing_enabled=False,
        tracer_provider=TracerProvider(),
    )
    yield client
    client.shutdown()

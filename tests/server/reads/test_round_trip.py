"""What the unmodified client sends is what it reads back."""

import uuid
from collections.abc import Iterator

import pytest
from langfuse import Langfuse, propagate_attributes
from opentelemetry.sdk.trace import TracerProvider
from tests.server.serving import Serving, serving

from certtrace.server.access import Role


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("round_trip")) as running:
        yield running


@pytest.fixture
def client(own: Serving) -> Iterator[Langfuse]:
    key = own.keys[Role.ADMIN]
    provider = TracerProvider()
    # A public key of its own: the client keeps one set of resources for each.
    made = Langfuse(
        public_key=key.public_key,
        secret_key=key.secret_key,
        base_url=own.url,
        tracer_provider=provider,
        environment=f"e-{uuid.uuid4().hex[:8]}",
    )
    yield made
    made.shutdown()
    provider.shutdown()


def test_a_trace_that_the_client_sent_is_read_back(client: Langfuse, own: Serving) -> None:
    with (
        client.start_as_current_observation(name="outer", as_type="agent", input={"a": 1}) as outer,
        propagate_attributes(user_id="grader-7", session_id="attempt-9", tags=["blue"], trace_name="whole"),
        client.start_as_current_observation(name="inner", as_type="generation", model="m", input="hi") as inner,
    ):
        inner.update(output="there", usage_details={"input": 3, "output": 4}, metadata={"deep": {"leaf": 5}})
        inner.score(name="liked", value=1, data_type="BOOLEAN")
    client.flush()

    found = client.api.observations.get_many(trace_id=outer.trace_id, fields="basic,io,usage,metadata,trace_context")
    generation, agent = found.data
    assert (agent.name, agent.type, agent.input, agent.is_root_observation) == ("outer", "AGENT", '{"a": 1}', True)
    assert (generation.type, generation.input, generation.output) == ("GENERATION", "hi", "there")
    assert generation.parent_observation_id == outer.id
    assert generation.usage_details == {"input": 3, "output": 4, "total": 7}
    assert generation.metadata is not None
    assert generation.metadata["deep.leaf"] == 5
    assert (generation.user_id, generation.session_id, generation.tags) == ("grader-7", "attempt-9", ["blue"])
    (score,) = client.api.scores.get_many(trace_id=outer.trace_id, fields="subject").data
    assert (score.name, score.value, score.subject and score.subject.id) == ("liked", True, inner.id)

    trace = own.client().get(f"/api/public/traces/{outer.trace_id}").json()
    assert (trace["name"], trace["userId"], trace["sessionId"]) == ("whole", "grader-7", "attempt-9")
    assert trace["input"] == {"a": 1}
    assert {each["id"] for each in trace["observations"]} == {outer.id, inner.id}
    assert own.client().get("/api/public/sessions/attempt-9").json()["traces"][0]["id"] == outer.trace_id

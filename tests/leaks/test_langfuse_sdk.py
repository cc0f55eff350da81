"""The `langfuse` SDK beside certtrace: spans, scores, datasets, prompts and media."""

import contextlib

import pytest
from tests.leaks.conftest import configured
from tests.leaks.plants import CONTROL, EVERYTHING, FORMS_TEXT, IDENTITY, PERSONAL_TEXT

import certtrace
from certtrace import span
from certtrace.testing import find_leaks

langfuse = pytest.importorskip("langfuse")


@pytest.fixture(scope="module")
def way_out(tmp_path_factory):
    home = tmp_path_factory.mktemp("langfuse") / "home"
    with configured(home, instrument_langfuse=True, langfuse_public_key="pk-lf-leaks-sdk") as opened:
        yield opened


def observed(client, text):
    @langfuse.observe(as_type="generation", name=text)
    def generate(prompt):
        client.update_current_generation(model=text, metadata={"who": text, text: 1}, input=[text], output={text: text})
        client.score_current_span(name=text, value=text, data_type="CATEGORICAL", comment=text, metadata={"who": text})
        client.score_current_trace(name="t", value=0.5, comment=text)
        raise ValueError(text)

    with contextlib.suppress(ValueError):
        generate(text)


def nested(client, text):
    with client.start_as_current_observation(name=text, input=text, metadata={"who": text}) as outer:
        outer.update(output=text, status_message=text, level="ERROR", version=text)
        with outer.start_as_current_observation(name="g", as_type="generation", model=text, prompt=None) as inner:
            inner.update(model_parameters={"stop": text}, usage_details={"input": 1}, output=[{"content": text}])
            inner.score(name="q", value=1, comment=text)


def propagated(client, text):
    with (
        langfuse.propagate_attributes(
            user_id=text[:190],
            session_id=text[:190],
            tags=[text[:190]],
            metadata={"who": text[:190]},
            trace_name=text[:190],
        ),
        client.start_as_current_observation(name="p"),
    ):
        pass


def events(client, text):
    client.create_event(name=text, input=text, metadata={"who": text})


def scored(client, text):
    client.create_score(
        name=text, value=text, data_type="CATEGORICAL", trace_id="c" * 32, comment=text, metadata={"who": text, text: 1}
    )
    client.create_score(name="s", value=0.1, session_id="s-1", comment=text)


def datasets(client, text):
    client.create_dataset(name="d", description=text, metadata={"who": text, text: 1})
    client.create_dataset_item(
        dataset_name="d", input={"answer": text, text: [text]}, expected_output=text, metadata={"who": text}
    )


def runs(client, text):
    client.api.dataset_items.create(dataset_name="d", input=text, source_trace_id="d" * 32, metadata={"who": text})
    client.api.comments.create(
        project_id="p", object_type="TRACE", object_id="d" * 32, content=text, author_user_id="reviewer-7"
    )


def prompts(client, text):
    client.create_prompt(name="p", prompt=text, config={"who": text}, labels=["production"], commit_message=text)
    client.create_prompt(name="c", type="chat", prompt=[{"role": "user", "content": text}], tags=["x"])


def media(client, text):
    from langfuse.media import LangfuseMedia

    with client.start_as_current_observation(name="m") as opened:
        opened.update(
            input={"who": text, "file": LangfuseMedia(content_bytes=text.encode(), content_type="text/plain")},
            metadata={"file": LangfuseMedia(base64_data_uri="data:text/plain;base64,SGVsbG8=")},
        )


WAYS = [observed, nested, propagated, events, scored, datasets, runs, prompts, media]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_personal_leaves_through_the_sdk(way_out, way):
    client = langfuse.get_client()
    way_out.sent()
    with span("unit"):
        certtrace.identify(**IDENTITY)
        way(client, PERSONAL_TEXT)
    with span("unit"):
        way(client, FORMS_TEXT)
    way(client, FORMS_TEXT)
    client.flush()
    way_out.check()


def test_a_prompt_that_is_asked_for_by_name_shows_nobody(way_out):
    client = langfuse.get_client()
    way_out.sent()
    with span("unit", input=CONTROL), contextlib.suppress(Exception):
        certtrace.identify(**IDENTITY)
        client.get_prompt(f"draft for {EVERYTHING['email']}", max_retries=0, fetch_timeout_seconds=2)
    client.flush()
    way_out.check()


def test_the_async_client_is_behind_the_gate(way_out):
    import asyncio

    client = langfuse.get_client()
    way_out.sent()

    async def score():
        await client.async_api.scores.create(name=CONTROL, value=1.0, trace_id="e" * 32, comment=FORMS_TEXT)

    with contextlib.suppress(Exception):
        asyncio.run(score())
    sent = way_out.sent()
    assert find_leaks(EVERYTHING, sent) == []


def test_nothing_personal_was_written(way_out):
    way_out.check_disk()

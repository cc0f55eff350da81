"""The unmodified Langfuse client: prompts, datasets and experiments as its users call them."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langfuse import Evaluation, Langfuse
from langfuse.api import CreateTextPromptRequest, NotFoundError
from langfuse.media import LangfuseMedia, LangfuseMediaReference
from tests.server.serving import Serving

Fresh = Callable[[str], str]
CAPITALS = {"France": "Paris", "Spain": "Madrid", "Italy": "Rome"}


def test_a_text_prompt_is_made_cached_and_compiled(langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("team/grading prompt 100%")
    made = langfuse.create_prompt(
        name=name, prompt="Grade {{answer}}", labels=["production"], tags=["exam"], config={"temperature": 0}
    )
    assert (made.version, made.labels, made.tags, made.config) == (
        1,
        ["production", "latest"],
        ["exam"],
        {"temperature": 0},
    )
    found = langfuse.get_prompt(name)
    assert found.compile(answer="it") == "Grade it"
    langfuse.api.prompts.create(request=_text(name, "second", ["production"]))
    assert langfuse.get_prompt(name).version == 1
    assert langfuse.get_prompt(name, cache_ttl_seconds=0).version == 2
    assert langfuse.get_prompt(name, version=1).prompt == "Grade {{answer}}"
    assert langfuse.get_prompt(name, label="latest").version == 2
    langfuse.update_prompt(name=name, version=1, new_labels=["production", "stable"])
    assert langfuse.get_prompt(name, label="stable").labels == ["production", "stable"]
    assert langfuse.get_prompt(name).version == 1


def _text(name: str, prompt: str, labels: list[str]) -> Any:
    return CreateTextPromptRequest(name=name, prompt=prompt, labels=labels)


def test_a_chat_prompt_is_compiled_with_placeholders(langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("chat")
    messages: list[Any] = [
        {"role": "system", "content": "You grade {{subject}}."},
        {"type": "placeholder", "name": "history"},
    ]
    langfuse.create_prompt(name=name, type="chat", prompt=messages, labels=["production"], commit_message="first")
    found = langfuse.get_prompt(name, type="chat")
    assert found.commit_message == "first"
    compiled = found.compile(subject="essays", history=[{"role": "user", "content": "hello"}])
    assert compiled == [
        {"role": "system", "content": "You grade essays."},
        {"role": "user", "content": "hello"},
    ]


def test_a_missing_prompt_falls_back(langfuse: Langfuse) -> None:
    found = langfuse.get_prompt("nowhere", fallback="Use {{this}}", max_retries=0)
    assert (found.is_fallback, found.compile(this="that")) == (True, "Use that")
    with pytest.raises(NotFoundError) as caught:
        langfuse.get_prompt("nowhere", max_retries=0)
    assert caught.value.body == {
        "error": "LangfuseNotFoundError",
        "message": "Prompt not found: 'nowhere' with label 'production'",
    }


def test_prompts_are_listed_filtered_and_deleted(langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("tools/description")
    langfuse.create_prompt(name=name, prompt="x", config={"a": 1}, tags=["listed"])
    condition = {"type": "string", "column": "name", "operator": "=", "value": name}
    for found in (
        langfuse.api.prompts.list(name=name, from_updated_at=datetime(2026, 1, 1, tzinfo=UTC)),
        langfuse.api.prompts.list(filter=json.dumps([condition])),
    ):
        assert [(each.name, each.type, each.versions, each.labels) for each in found.data] == [
            (name, "text", [1], ["latest"])
        ]
        assert (found.data[0].last_config, found.data[0].tags, found.meta.total_items) == ({"a": 1}, ["listed"], 1)
    langfuse.api.prompts.delete(langfuse._url_encode(name), version=1)
    assert langfuse.api.prompts.list(name=name).data == []


def test_prompts_within_prompts_arrive_whole(langfuse: Langfuse, fresh: Fresh) -> None:
    part, whole = fresh("part"), fresh("whole")
    langfuse.create_prompt(name=part, prompt="rubric {{id}}", labels=["production"])
    langfuse.create_prompt(
        name=whole, prompt=f"Use @@@langfusePrompt:name={part}|label=production@@@!", labels=["production"]
    )
    found = langfuse.get_prompt(whole)
    assert found.compile(id="7") == "Use rubric 7!"
    raw = langfuse.api.prompts.get(whole, resolve=False)
    assert (raw.resolution_graph, raw.prompt.count("@@@")) == (None, 2)
    graph = langfuse.api.prompts.get(whole).resolution_graph
    assert graph is not None
    assert graph["root"]["name"] == whole


def test_a_dataset_and_its_items_make_the_round(langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("geo/capitals & more")
    made = langfuse.create_dataset(
        name=name, description="about", metadata={"a": 1}, input_schema={"type": "object", "required": ["country"]}
    )
    assert (made.name, made.description, made.metadata) == (name, "about", {"a": 1})
    items = [
        langfuse.create_dataset_item(dataset_name=name, input={"country": country}, expected_output=capital)
        for country, capital in CAPITALS.items()
    ]
    found = langfuse.get_dataset(name, fetch_items_page_size=2)
    assert [item.id for item in found.items] == [item.id for item in reversed(items)]
    assert found.items[0].input == {"country": "Italy"}
    langfuse.create_dataset_item(dataset_name=name, id=items[0].id, status="ARCHIVED")  # type: ignore[arg-type]
    assert len(langfuse.get_dataset(name).items) == 2
    assert items[2].version is not None
    assert len(langfuse.get_dataset(name, version=items[2].version).items) == 3
    assert len(langfuse.get_dataset(name, version=items[2].version - timedelta(milliseconds=1)).items) == 2
    assert langfuse.api.dataset_items.get(items[0].id).status == "ARCHIVED"
    gone = langfuse.api.dataset_items.delete(items[1].id)
    assert gone.message == "Dataset item successfully deleted"
    with pytest.raises(NotFoundError):
        langfuse.api.dataset_items.get(items[1].id)
    assert name in [each.name for each in langfuse.api.datasets.list(limit=10).data]


def test_media_in_items_arrive_as_references_with_an_address(box: Serving, langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("pictures")
    langfuse.create_dataset(name=name)
    kind: Any = "image/png"
    picture = LangfuseMedia(content_bytes=b"\x89PNG diagram", content_type=kind)
    langfuse.create_dataset_item(dataset_name=name, input={"pages": ["text", picture]}, metadata={"cover": picture})
    item = langfuse.get_dataset(name).items[0]
    for found in (item.input["pages"][1], item.metadata["cover"]):
        assert isinstance(found, LangfuseMediaReference)
        assert box.client().get(found.url).content == b"\x89PNG diagram"
    assert [each.json_path for each in item.media_references] == ["$['pages'][1]", "$['cover']"]


def task(*, item: Any, **_: Any) -> str:
    country = item.input["country"] if not isinstance(item, dict) else item["input"]
    return {"France": "Paris", "Spain": "Madrid"}.get(country, "unknown")


def correct(*, output: Any, expected_output: Any, **_: Any) -> Evaluation:
    return Evaluation(name="correct", value=float(output == expected_output), comment="compared")


def mean(*, item_results: Any, **_: Any) -> Evaluation:
    values = [evaluation.value for result in item_results for evaluation in result.evaluations]
    return Evaluation(name="mean", value=sum(values) / len(values))


def test_an_experiment_over_a_dataset_is_read_back_whole(box: Serving, langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("exams/capitals")
    created = langfuse.create_dataset(name=name)
    items = {
        langfuse.create_dataset_item(
            dataset_name=name, input={"country": country}, expected_output=capital, metadata={"topic": country}
        ).id: capital
        for country, capital in CAPITALS.items()
    }
    dataset = langfuse.get_dataset(name)
    result = dataset.run_experiment(
        name="capitals",
        run_name="run \u2116 1",
        description="about the run",
        task=task,
        evaluators=[correct],
        run_evaluators=[mean],
        metadata={"model": "table"},
    )
    named = json.dumps(
        ["langfuse-experiment-v1", box.project.id, created.id, "run \u2116 1"],
        separators=(",", ":"),
        ensure_ascii=False,
    )
    assert result.experiment_id == hashlib.sha256(named.encode()).hexdigest()[:16]
    since = datetime.now(UTC) - timedelta(hours=1)
    found = langfuse.api.experiments.list(
        from_start_time=since, id=result.experiment_id, fields="core,metadata,scores"
    ).data
    assert len(found) == 1
    experiment = found[0]
    assert (experiment.name, experiment.description, experiment.dataset_id) == (
        "run \u2116 1",
        "about the run",
        created.id,
    )
    assert (experiment.item_count, experiment.metadata) == (3, {"model": "table"})
    assert experiment.scores is not None
    assert [(score.name, score.value) for score in experiment.scores] == [("mean", pytest.approx(2 / 3))]
    listed = langfuse.api.experiments.list_items(
        from_start_time=since,
        experiment_id=result.experiment_id,
        fields="core,dataset,io,itemMetadata,experimentMetadata,scores",
    ).data
    assert {each.experiment_item_id: each.expected_output for each in listed} == items
    for each in listed:
        assert each.experiment_dataset_id == created.id
        assert json.loads(str(each.input)).keys() == {"country"}
        assert each.experiment_item_metadata == {"topic": json.loads(str(each.input))["country"]}
        assert each.scores is not None
        assert [(score.name, score.value) for score in each.scores] == [
            ("correct", float(each.output == each.expected_output))
        ]


def test_an_experiment_over_local_data_has_an_id_of_its_own(langfuse: Langfuse, fresh: Fresh) -> None:
    run = fresh("local run")
    data: Any = [{"input": "France", "expected_output": "Paris"}, {"input": "Italy", "expected_output": "Rome"}]
    result = langfuse.run_experiment(name="local", run_name=run, data=data, task=task, evaluators=[correct])
    since = datetime.now(UTC) - timedelta(hours=1)
    found = langfuse.api.experiments.list(from_start_time=since, name=run).data
    assert [(each.id, each.item_count, each.dataset_id) for each in found] == [(result.experiment_id, 2, None)]
    listed = langfuse.api.experiments.list_items(from_start_time=since, experiment_name=run, fields="io,scores").data
    assert sorted(str(each.output) for each in listed) == ["Paris", "unknown"]
    assert {each.id for each in listed} <= {
        score.subject.id for each in listed for score in each.scores or () if score.subject is not None
    }


def test_an_experiment_as_of_a_version_names_it(langfuse: Langfuse, fresh: Fresh) -> None:
    name = fresh("versioned")
    langfuse.create_dataset(name=name)
    first = langfuse.create_dataset_item(dataset_name=name, input={"country": "France"}, expected_output="Paris")
    langfuse.create_dataset_item(dataset_name=name, id=first.id, input={"country": "Spain"}, expected_output="Madrid")
    assert first.version is not None
    result = langfuse.get_dataset(name, version=first.version).run_experiment(name="old", task=task)
    listed = langfuse.api.experiments.list_items(
        from_start_time=datetime.now(UTC) - timedelta(hours=1), experiment_id=result.experiment_id, fields="dataset,io"
    ).data
    assert [(each.experiment_item_version, each.output) for each in listed] == [(first.version, "Paris")]

"""Other tools against a real server, with certtrace in their process or without: what arrives, and in which tree."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Serving, serving

from certtrace.demo.faults import FaultLevel, FaultPlan
from certtrace.demo.serving import start_gateway
from certtrace.server.access import Role

CERTTRACE = """
import certtrace
from certtrace import traced
certtrace.configure(service_name="grading", destinations=["langfuse"])
certtrace.identify(name="Ada Zimmermann", email="ada.zimmermann@example.org")
"""
END = """
assert certtrace.force_flush(20)
"""
TASK = """
import json
def message(answer):
    return json.dumps({"task": "grade_short_answer", "question": "Why do layers help?", "max_score": 5,
                       "reference_answer": "Layers isolate change.", "student_answer": answer})
"""
OBSERVE = """
from langfuse import get_client, observe

@observe(name="inner", as_type="tool")
def inner(answer):
    comment = "by Ada Zimmermann <ada.zimmermann@example.org>"
    get_client().score_current_trace(name="confidence", value=0.5, comment=comment)
    return answer
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("box")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with ExitStack() as stack:
        yield start_gateway(stack, FaultPlan(FaultLevel.NONE, seed=0))


def run(program: str, box: Serving, home: Path, **variables: str) -> str:
    key = box.keys[Role.ADMIN]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={
            **os.environ,
            "CERTTRACE_HOME": str(home),
            "LANGFUSE_BASE_URL": box.url,
            "LANGFUSE_PUBLIC_KEY": key.public_key,
            "LANGFUSE_SECRET_KEY": key.secret_key,
            **variables,
        },
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tree(box: Serving, trace_id: str) -> dict[str, dict[str, Any]]:
    """Return the observations of a trace by name, each with the name of its parent."""
    fields = "core,basic,io,metadata,usage,model,trace_context"
    answer = box.client().get("/api/public/v2/observations", params={"traceId": trace_id, "fields": fields})
    found = answer.json()["data"]
    names = {each["id"]: each["name"] for each in found}
    return {each["name"]: {**each, "parent": names.get(each["parentObservationId"])} for each in found}


def test_observe_joins_the_trace_of_a_traced_function(box, tmp_path):
    program = CERTTRACE + OBSERVE + """
@traced(name="outer")
def outer(answer):
    inner(answer)
    return certtrace.current_span().trace_id
print(outer("Regards, A. Zimmermann"))
""" + END  # fmt: skip
    trace_id = run(program, box, tmp_path)
    found = tree(box, trace_id)
    assert found["inner"]["parent"] == "outer"
    assert found["inner"]["type"] == "TOOL"
    assert "Zimmermann" not in json.dumps(found)
    (score,) = box.client().get("/api/public/v2/scores", params={"traceId": trace_id}).json()["data"]
    assert (score["name"], score["value"]) == ("confidence", 0.5)
    assert "Zimmermann" not in score["comment"]


def test_without_certtrace_the_box_redacts(box, tmp_path):
    program = (
        OBSERVE
        + """
@observe(name="outer")
def outer(answer):
    inner(answer)
    return get_client().get_current_trace_id()
print(outer("Mail me at ada.zimmermann@example.org"))
get_client().flush()
"""
    )
    trace_id = run(program, box, tmp_path)
    found = tree(box, trace_id)
    assert found["inner"]["parent"] == "outer"
    assert "ada.zimmermann@example.org" not in json.dumps(found)
    assert "cert.redaction" in json.dumps(found["inner"]["metadata"])
    (score,) = box.client().get("/api/public/v2/scores", params={"traceId": trace_id}).json()["data"]
    assert "ada.zimmermann" not in score["comment"]


def test_start_as_current_observation_holds_a_traced_function(box, tmp_path):
    program = CERTTRACE + """
from langfuse import get_client
@traced(name="below")
def below():
    return 1
with get_client().start_as_current_observation(name="above", as_type="agent", input={"a": 1}) as above:
    below()
    above.update(output={"b": 2})
    print(above.trace_id)
""" + END  # fmt: skip
    found = tree(box, run(program, box, tmp_path))
    assert found["below"]["parent"] == "above"
    assert found["above"]["type"] == "AGENT"
    assert json.loads(found["above"]["output"]) == {"b": 2}


@pytest.mark.slow
def test_the_openai_drop_in_is_a_generation_with_the_gateways_spans_below_the_request(box, gateway, tmp_path):
    program = CERTTRACE + TASK + """
from langfuse.openai import OpenAI
@traced(name="grade")
def grade(answer):
    with OpenAI() as client:
        client.chat.completions.create(model="lexical-grader-1", name="pass",
                                       messages=[{"role": "user", "content": message(answer)}])
    return certtrace.current_span().trace_id
print(grade("Layers isolate change. Regards, Ada Zimmermann"))
""" + END  # fmt: skip
    found = tree(box, run(program, box, tmp_path, OPENAI_BASE_URL=gateway, OPENAI_API_KEY="none"))
    assert found["pass"]["type"] == "GENERATION"
    assert found["pass"]["parent"] == "grade"
    assert found["pass"]["model"] == "lexical-grader-1"
    usage = found["pass"]["usageDetails"]
    assert usage["total"] == usage["input"] + usage["output"] > 0
    assert found["POST"]["parent"] == "grade"
    assert "Zimmermann" not in json.dumps(found)


@pytest.mark.slow
def test_a_graph_is_a_chain_of_its_nodes(box, gateway, tmp_path):
    program = CERTTRACE + TASK + """
from typing import TypedDict
from langchain_openai import ChatOpenAI
from langfuse.langchain import CallbackHandler
from langgraph.graph import END, START, StateGraph

class State(TypedDict):
    answer: str
    reply: str

model = ChatOpenAI(model="lexical-grader-1")
graph = StateGraph(State)
graph.add_node("ask", lambda state: {"reply": model.invoke([("user", message(state["answer"]))]).content})
graph.add_edge(START, "ask")
graph.add_edge("ask", END)
app = graph.compile()

@traced(name="grade")
def grade(answer):
    app.invoke({"answer": answer}, config={"callbacks": [CallbackHandler()]})
    return certtrace.current_span().trace_id
print(grade("Layers isolate change. Ada Zimmermann"))
""" + END  # fmt: skip
    found = tree(box, run(program, box, tmp_path, OPENAI_BASE_URL=gateway, OPENAI_API_KEY="none"))
    assert [found[name]["parent"] for name in ("LangGraph", "ask", "ChatOpenAI")] == ["grade", "LangGraph", "ask"]
    assert found["ChatOpenAI"]["type"] == "GENERATION"
    assert "Zimmermann" not in json.dumps(found)


@pytest.mark.slow
def test_an_experiment_runs_over_a_dataset_with_traced_tasks(box, tmp_path):
    program = CERTTRACE + """
from langfuse import Evaluation, get_client
client = get_client()
client.create_dataset(name="answers")
for number in range(3):
    client.create_dataset_item(dataset_name="answers", id=f"item-{number}", input={"n": number}, expected_output=number)

@traced(name="task-inside")
def work(number):
    return number

def exact(*, output, expected_output, **_):
    return Evaluation(name="exact", value=float(output == expected_output))

result = client.get_dataset("answers").run_experiment(
    name="identity", task=lambda *, item, **_: work(item.input["n"]), evaluators=[exact]
)
assert [len(item.evaluations) for item in result.item_results] == [1, 1, 1]
print(result.item_results[0].trace_id)
""" + END  # fmt: skip
    found = tree(box, run(program, box, tmp_path))
    assert found["task-inside"]["parent"] == "experiment-item-task"
    since = {"fromStartTime": "2020-01-01T00:00:00Z"}
    (experiment,) = box.client().get("/api/public/experiments", params=since).json()["data"]
    items = box.client().get("/api/public/experiment-items", params={**since, "experimentId": experiment["id"]}).json()
    assert sorted(item["itemId"] for item in items["data"]) == ["item-0", "item-1", "item-2"]


@pytest.mark.slow
def test_fastapi_and_httpx_are_one_trace_across_two_processes(box, tmp_path):
    service = (
        CERTTRACE
        + """
import sys, uvicorn, socket
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
app = FastAPI()

@traced(name="grade")
def grade(text):
    return len(text)

@app.post("/grade")
def post(body: dict[str, str]) -> dict[str, int]:
    return {"grade": grade(body["text"])}

FastAPIInstrumentor.instrument_app(app, exclude_spans=["send", "receive"])
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None)).run(sockets=[listening])
"""
    )
    caller = CERTTRACE + """
import os, httpx
with certtrace.span("capture.send") as current:
    answer = httpx.post(os.environ["SERVICE"] + "/grade?reply_to=ada.zimmermann@example.org", json={"text": "abc"})
    assert answer.json() == {"grade": 3}
    print(current.trace_id)
""" + END  # fmt: skip
    key = box.keys[Role.ADMIN]
    environment = {
        **os.environ,
        "CERTTRACE_HOME": str(tmp_path / "service"),
        "LANGFUSE_BASE_URL": box.url,
        "LANGFUSE_PUBLIC_KEY": key.public_key,
        "LANGFUSE_SECRET_KEY": key.secret_key,
    }
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", service], env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        port = running.stdout.readline().strip()
        trace_id = run(caller, box, tmp_path / "caller", SERVICE=f"http://127.0.0.1:{port}")
        running.terminate()
        assert running.wait(30) in (0, -signal.SIGTERM)  # uvicorn hands the signal on
    found = tree(box, trace_id)
    assert found["grade"]["parent"] == "POST /grade"
    assert found["POST /grade"]["parent"] == "POST"
    assert found["POST"]["parent"] == "capture.send"
    assert "zimmermann" not in json.dumps(found)

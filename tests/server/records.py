"""One record of every kind, made over HTTP: what the tests that go through all routes ask for."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx

STARTED = 1_795_400_000_000_000_000


class Records:
    """The records of one project. Texts in them hold `marker`; ids that callers choose begin with it."""

    def __init__(self, client: httpx.Client, project_id: str, marker: str) -> None:
        self.client = client
        self.marker = marker
        self.trace_id = hashlib.sha256(marker.encode()).hexdigest()[:32]
        self.observation_id = self.trace_id[:16]
        self.session_id = f"{marker}-session"
        self.at: dict[str, dict[str, str]] = {}
        """For each path with parameters: their values."""
        self._project_id = project_id
        self.dataset_id = ""

    def make(self) -> None:
        """Make one record of each kind."""
        for make in self._makers():
            make()
        self.client.get(f"/api/public/traces/{self.trace_id}").raise_for_status()

    def path(self, template: str) -> str:
        """Return a path with this project's ids in it."""
        path = template.replace(":path}", "}")
        for name, value in self.at[template].items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def trace_export(self, name: str) -> dict[str, Any]:
        """Return an export of the one trace whose observation has a name."""
        attributes = {
            "session.id": self.session_id,
            "user.id": f"{self.marker}-user",
            "langfuse.observation.input": f"{self.marker} input",
            "langfuse.trace.name": f"{self.marker} trace",
            "langfuse.experiment.id": f"{self.marker}-experiment",
            "langfuse.experiment.name": f"{self.marker} experiment",
            "langfuse.experiment.item.id": f"{self.marker}-item",
            "langfuse.experiment.item.root_observation_id": self.observation_id,
        }
        span = {
            "traceId": self.trace_id,
            "spanId": self.observation_id,
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(STARTED),
            "endTimeUnixNano": str(STARTED + 10**9),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        }
        return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    def _makers(self) -> Iterator[Callable[[], None]]:
        yield self._project
        yield self._trace
        yield self._score
        yield self._score_config
        yield self._prompt
        yield self._comment
        yield self._queue
        yield self._media
        yield self._model
        yield self._dataset

    def _post(self, path: str, body: Any) -> Any:
        answer = self.client.post(f"/api/public{path}", json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def _given(self, values: dict[str, str], *paths: str) -> None:
        for path in paths:
            self.at[f"/api/public{path}"] = values

    def _project(self) -> None:
        key = self._post(f"/projects/{self._project_id}/apiKeys", {"note": f"{self.marker} key"})
        self._given({"project_id": self._project_id}, "/projects/{project_id}/apiKeys")
        ids = {"project_id": self._project_id, "key_id": key["id"]}
        self._given(ids, "/projects/{project_id}/apiKeys/{key_id}")

    def _trace(self) -> None:
        self._post("/otel/v1/traces", self.trace_export(f"{self.marker} observation"))
        self._given({"trace_id": self.trace_id}, "/traces/{trace_id:path}")
        self._given({"observation_id": self.observation_id}, "/observations/{observation_id:path}")
        self._given({"session_id": self.session_id}, "/sessions/{session_id:path}")

    def _score(self) -> None:
        score: dict[str, Any] = {
            "id": f"{self.marker}-score",
            "traceId": self.trace_id,
            "name": f"{self.marker} score",
            "value": 0.5,
        }
        self._post("/scores", score)
        self._given({"score_id": score["id"]}, "/scores/{score_id:path}", "/v2/scores/{score_id:path}")

    def _score_config(self) -> None:
        made = self._post("/score-configs", {"name": f"{self.marker} config", "dataType": "NUMERIC"})
        self._config_id = made["id"]
        self._given({"config_id": made["id"]}, "/score-configs/{config_id}")

    def _prompt(self) -> None:
        name = f"{self.marker}-prompt"
        self._post("/v2/prompts", {"name": name, "prompt": f"{self.marker} text", "labels": ["production"]})
        self._given({"name": name}, "/v2/prompts/{name:path}")
        self._given({"name": name, "version": "1"}, "/v2/prompts/{name:path}/versions/{version}")

    def _comment(self) -> None:
        body = {
            "projectId": self._project_id,
            "objectType": "TRACE",
            "objectId": self.trace_id,
            "content": f"{self.marker} comment",
        }
        self._given({"comment_id": self._post("/comments", body)["id"]}, "/comments/{comment_id}")

    def _queue(self) -> None:
        body = {"name": f"{self.marker} queue", "scoreConfigIds": [self._config_id]}
        queue = self._post("/annotation-queues", body)["id"]
        item = self._post(f"/annotation-queues/{queue}/items", {"objectId": self.trace_id, "objectType": "TRACE"})["id"]
        at = "/annotation-queues/{queue_id}"
        self._given({"queue_id": queue}, at, f"{at}/items", f"{at}/assignments")
        self._given({"queue_id": queue, "item_id": item}, f"{at}/items/{{item_id}}")

    def _media(self) -> None:
        content = f"{self.marker} content".encode()
        body = {
            "traceId": self.trace_id,
            "contentType": "text/plain",
            "contentLength": len(content),
            "sha256Hash": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "field": "input",
        }
        made = self._post("/media", body)
        httpx.put(made["uploadUrl"], content=content).raise_for_status()
        self._given({"media_id": made["mediaId"]}, "/media/{media_id}")

    def _model(self) -> None:
        body = {"modelName": f"{self.marker}-model", "matchPattern": self.marker, "unit": "TOKENS", "inputPrice": 1}
        self._given({"model_id": self._post("/models", body)["id"]}, "/models/{model_id}")

    def _dataset(self) -> None:
        name, item, run = (f"{self.marker}-{kind}" for kind in ("dataset", "item", "run"))
        self.dataset_id = self._post("/v2/datasets", {"name": name, "description": f"{self.marker} about"})["id"]
        body = {"datasetName": name, "id": item, "input": f"{self.marker} question", "sourceTraceId": self.trace_id}
        self._post("/dataset-items", body)
        linked = {"runName": run, "datasetItemId": item, "traceId": self.trace_id}
        self._post("/dataset-run-items", linked)
        of_dataset = "/datasets/{name:path}"
        self._given({"name": name}, of_dataset, f"/v2{of_dataset}", f"{of_dataset}/runs")
        self._given({"name": name, "run_name": run}, f"{of_dataset}/runs/{{run_name:path}}")
        self._given({"item_id": item}, "/dataset-items/{item_id:path}")

"""Media from end to end: through the unmodified client, and by raw HTTP."""

import base64
import hashlib
import stat
import time
from collections.abc import Iterator

import httpx
import pytest
from langfuse import Langfuse
from langfuse.api import LangfuseAPI
from langfuse.media import LangfuseMedia
from opentelemetry.sdk.trace import TracerProvider
from tests.server.serving import Serving

from certtrace.records.catalog import media
from certtrace.records.model import Observation
from certtrace.records.removal import remove_traces
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role
from certtrace.server.media.links import Link, opened, signed
from certtrace.server.media.sweeping import remove_unused

MEDIA = "/api/public/media"
TRACE = "ab" * 16


def _hash(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _request(content: bytes, **more: object) -> dict[str, object]:
    return {
        "traceId": TRACE,
        "contentType": "text/plain",
        "contentLength": len(content),
        "sha256Hash": _hash(content),
        "field": "input",
    } | more


def _uploaded(box: Serving, anyone: httpx.Client, content: bytes, **more: object) -> str:
    answer = box.client().post(MEDIA, json=_request(content, **more)).json()
    anyone.put(answer["uploadUrl"], content=content).raise_for_status()
    return answer["mediaId"]


@pytest.fixture
def langfuse(box: Serving) -> Iterator[Langfuse]:
    key = box.keys[Role.ADMIN]
    client = Langfuse(
        public_key=key.public_key, secret_key=key.secret_key, base_url=box.url, tracer_provider=TracerProvider()
    )
    yield client
    client.shutdown()


def test_the_client_uploads_and_resolves_media(box: Serving, langfuse: Langfuse) -> None:
    content = b"\x89PNG not quite, but bytes \x00\xff" * 50
    medium = LangfuseMedia(content_bytes=content, content_type="image/png")
    with langfuse.start_as_current_observation(name="with media", input={"image": medium}):
        pass
    langfuse.flush()
    known = langfuse.api.media.get(medium._media_id)
    assert (known.media_id, known.content_type, known.content_length) == (medium._media_id, "image/png", len(content))
    assert known.uploaded_at.timestamp() == pytest.approx(time.time(), abs=60)
    resolved = LangfuseMedia.resolve_media_references(
        obj={"deep": [medium._reference_string]}, langfuse_client=langfuse, resolve_with="base64_data_uri"
    )
    assert resolved == {"deep": [f"data:image/png;base64,{base64.b64encode(content).decode()}"]}


def test_an_upload_goes_through_its_steps(box: Serving, anyone: httpx.Client, api: LangfuseAPI) -> None:
    client, content = box.client(), b"an answer sheet"
    asked = client.post(MEDIA, json=_request(content))
    assert asked.status_code == 201
    medium_id = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()[:22]
    assert asked.json()["mediaId"] == medium_id
    waiting = client.get(f"{MEDIA}/{medium_id}")
    assert waiting.status_code == 404
    assert waiting.json() == {"message": "Media not yet uploaded", "error": "LangfuseNotFoundError"}
    put = anyone.put(asked.json()["uploadUrl"], content=content, headers={"Content-Type": "text/plain"})
    assert put.status_code == 200
    report = {"uploadedAt": "2026-11-23T10:00:00.123Z", "uploadHttpStatus": 200, "uploadTimeMs": 12}
    assert client.patch(f"{MEDIA}/{medium_id}", json=report).status_code == 200
    known = client.get(f"{MEDIA}/{medium_id}").json()
    assert {name: known[name] for name in ("mediaId", "contentType", "contentLength", "uploadedAt")} == {
        "mediaId": medium_id,
        "contentType": "text/plain",
        "contentLength": len(content),
        "uploadedAt": "2026-11-23T10:00:00.123Z",
    }
    assert known["urlExpiry"].endswith("Z")
    assert anyone.get(known["url"]).content == content
    assert client.post(MEDIA, json=_request(content, field="output")).json() == {
        "mediaId": medium_id,
        "uploadUrl": None,
    }
    with box.box.store.reading() as connection:
        stored = media.get_medium(connection, "default", medium_id)
    assert stored is not None
    assert stored.is_redacted is False


def test_files_are_for_their_owner_alone_and_leave_no_parts(box: Serving, anyone: httpx.Client) -> None:
    medium_id = _uploaded(box, anyone, b"private bytes")
    path = box.box.media_folder / "default" / medium_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not list(path.parent.glob(".*"))


def test_other_bytes_than_announced_are_refused(box: Serving, anyone: httpx.Client) -> None:
    content = b"announced"
    asked = box.client().post(MEDIA, json=_request(content)).json()
    for wrong in (b"anNounced", b"announced!", b""):
        answer = anyone.put(asked["uploadUrl"], content=wrong)
        assert answer.status_code == 400
        assert answer.json()["error"] == "InvalidRequestError"
    assert box.client().get(f"{MEDIA}/{asked['mediaId']}").status_code == 404


def test_what_a_browser_would_run_comes_as_plain_bytes(box: Serving, anyone: httpx.Client) -> None:
    content = b"<script>alert(1)</script>"
    for kind in ("text/html", "image/svg+xml"):
        medium_id = _uploaded(box, anyone, content + kind.encode(), contentType=kind)
        answer = anyone.get(box.client().get(f"{MEDIA}/{medium_id}").json()["url"])
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


def test_addresses_hold_for_one_purpose_one_medium_and_a_while(box: Serving, anyone: httpx.Client) -> None:
    medium_id = _uploaded(box, anyone, b"linked")
    folder = box.box.media_folder
    soon = int(time.time()) + 60
    good = signed(folder, Link("download", "default", medium_id, soon))
    assert anyone.get(f"{box.url}{MEDIA}/files/{good}").content == b"linked"
    assert opened(folder, good, "download") == Link("download", "default", medium_id, soon)
    for token in (
        signed(folder, Link("upload", "default", medium_id, soon)),
        signed(folder, Link("download", "default", medium_id, int(time.time()) - 1)),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        "A" * 60,
        "!",
        "%00",
    ):
        answer = anyone.get(f"{box.url}{MEDIA}/files/{token}")
        assert answer.status_code == 403
        assert answer.json()["error"] == "ForbiddenError"
    assert anyone.put(f"{box.url}{MEDIA}/uploads/{good}", content=b"linked").status_code == 403
    key = box.keys[Role.ADMIN]
    assert key.public_key not in base64.urlsafe_b64decode(good + "==").decode("latin-1")


@pytest.mark.parametrize(
    "more",
    [
        {"contentType": "text/other"},
        {"contentLength": 0},
        {"contentLength": 1.5},
        {"sha256Hash": "x" * 44},
        {"sha256Hash": "short"},
        {"field": "expectedOutput"},
        {"traceId": None},
        {"datasetId": "d", "datasetItemId": "i"},
        {"traceId": None, "datasetId": "d"},
    ],
)
def test_a_request_that_cannot_be_is_refused(box: Serving, more: dict[str, object]) -> None:
    answer = box.client().post(MEDIA, json=_request(b"x", **more))
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"


def test_a_medium_that_is_too_long_is_refused(box: Serving) -> None:
    most = box.box.limits.packed_bytes
    answer = box.client().post(MEDIA, json=_request(b"x", contentLength=most + 1))
    assert answer.status_code == 400
    assert answer.json() == {
        "message": f"File size must be less than {most} bytes",
        "error": "InvalidRequestError",
    }


def test_media_of_dataset_items_are_kept_too(box: Serving, anyone: httpx.Client) -> None:
    content = b"of an item"
    item = {"traceId": None, "datasetId": "d", "datasetItemId": "i", "field": "expectedOutput"}
    medium_id = _uploaded(box, anyone, content, **item)
    assert box.client().get(f"{MEDIA}/{medium_id}").json()["contentLength"] == len(content)


def test_a_failed_upload_is_told(box: Serving) -> None:
    asked = box.client().post(MEDIA, json=_request(b"never comes")).json()
    report = {"uploadedAt": "2026-11-23T10:00:00Z", "uploadHttpStatus": 503, "uploadHttpError": "secret of others"}
    assert box.client().patch(f"{MEDIA}/{asked['mediaId']}", json=report).status_code == 200
    answer = box.client().get(f"{MEDIA}/{asked['mediaId']}")
    assert answer.status_code == 404
    assert "503" in answer.json()["message"]
    assert "secret" not in answer.text


def test_unknown_media_are_not_found(box: Serving) -> None:
    assert box.client().get(f"{MEDIA}/none").json() == {
        "message": "Media asset not found",
        "error": "LangfuseNotFoundError",
    }
    report = {"uploadedAt": "2026-11-23T10:00:00Z", "uploadHttpStatus": 200}
    answer = box.client().patch(f"{MEDIA}/none", json=report)
    assert answer.status_code == 404
    assert answer.json()["message"] == "Media asset none not found in project default"


def test_roles_are_kept_apart(box: Serving) -> None:
    assert box.client(Role.READER).post(MEDIA, json=_request(b"x")).status_code == 403
    assert box.client(Role.WRITER).get(f"{MEDIA}/none").status_code == 403


def test_media_of_deleted_traces_that_nothing_else_uses_go_with_them(box: Serving, anyone: httpx.Client) -> None:
    gone, other = "01" * 16, "02" * 16
    _record(box, gone)
    alone = _uploaded(box, anyone, b"alone", traceId=gone)
    shared = _uploaded(box, anyone, b"shared", traceId=gone)
    box.client().post(MEDIA, json=_request(b"shared", traceId=other))
    assert box.client().delete(f"/api/public/traces/{gone}").status_code == 200
    assert box.client().get(f"{MEDIA}/{alone}").status_code == 404
    assert box.client().get(f"{MEDIA}/{shared}").status_code == 200
    folder = box.box.media_folder / "default"
    assert not (folder / alone).exists()
    assert (folder / shared).exists()


def test_media_of_traces_that_others_deleted_are_swept(box: Serving, anyone: httpx.Client) -> None:
    gone = "05" * 16
    _record(box, gone)
    medium_id = _uploaded(box, anyone, b"to be swept", traceId=gone)
    path = box.box.media_folder / "default" / medium_id
    assert remove_traces(box.box.store, "default", [gone]) == 1
    assert remove_unused(box.box) == 0, "what is young may be on its way"
    assert path.exists()
    assert remove_unused(box.box, now=time.time() + 3600) == 1
    assert not path.exists()


def test_comments_and_queue_items_go_with_their_traces(box: Serving, api: LangfuseAPI) -> None:
    gone, kept = "03" * 16, "04" * 16
    for trace_id, session in ((gone, "s-gone"), (gone, "s-kept"), (kept, "s-kept")):
        _record(box, trace_id, session)
    objects = [("TRACE", gone), ("OBSERVATION", _span(gone)), ("SESSION", "s-gone"), ("SESSION", "s-kept"),
               ("TRACE", kept), ("OBSERVATION", _span(kept))]  # fmt: skip
    config = api.score_configs.create(name="going", data_type="NUMERIC").id
    queue = api.annotation_queues.create_queue(name="going", score_config_ids=[config]).id
    for kind, object_id in objects:
        api.comments.create(project_id="default", object_type=kind, object_id=object_id, content="seen")
        api.annotation_queues.create_queue_item(queue, object_id=object_id, object_type=kind)
    assert box.client().delete(f"/api/public/traces/{gone}").status_code == 200
    left = objects[3:]
    assert [(each.object_type, each.object_id) for each in api.comments.get().data] == left
    items = api.annotation_queues.list_queue_items(queue).data
    assert sorted((each.object_type, each.object_id) for each in items) == sorted(left)


def _span(trace_id: str) -> str:
    return hashlib.sha256(trace_id.encode()).hexdigest()[:16]


def _record(box: Serving, trace_id: str, session: str | None = None) -> None:
    ids = {_span(trace_id), hashlib.sha256(f"{trace_id}{session}".encode()).hexdigest()[:16]}
    given = [
        Observation(id=each, trace_id=trace_id, start_time_ns=1, end_time_ns=2, session_id=session) for each in ids
    ]
    StoreWriter(box.box.store).write(box.project.id, given)

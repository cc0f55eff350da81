"""Media: uploads and downloads go by signed addresses, as with an object store behind Langfuse."""

import time
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import AfterValidator, Field, model_validator
from starlette.concurrency import run_in_threadpool

from certtrace.records.catalog import media
from certtrace.records.catalog.media import Medium, MediumUse
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Ingesting, Reading, seen
from certtrace.server.answers import answer
from certtrace.server.api.shapes import ExactBody, Moment, iso_or_none, refused
from certtrace.server.box import Box, InBox
from certtrace.server.errors import ApiError, invalid, not_found
from certtrace.server.media import files
from certtrace.server.media.links import DOWNLOAD_SECONDS, UPLOAD_SECONDS, Link, Purpose, opened, signed

router: Final = APIRouter(prefix="/api/public", tags=["media"])

_PREFIX: Final = "/api/public/media/"
_FIELDS: Final = ("input", "output", "metadata")
_ITEM_FIELDS: Final = ("input", "expectedOutput", "metadata")
_SHOWN_AS_THEY_ARE: Final = ("image/", "audio/", "video/")
_SCRIPTED: Final = "image/svg+xml"

ContentType = Literal[
    "image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif", "image/svg+xml", "image/tiff", "image/bmp",
    "image/avif", "image/heic",
    "audio/mpeg", "audio/mp3", "audio/wav", "audio/ogg", "audio/oga", "audio/aac", "audio/mp4", "audio/flac",
    "audio/opus", "audio/webm",
    "video/mp4", "video/webm", "video/ogg", "video/mpeg", "video/quicktime", "video/x-msvideo", "video/x-matroska",
    "text/plain", "text/html", "text/css", "text/csv", "text/markdown", "text/x-python", "application/javascript",
    "text/x-typescript", "application/x-yaml", "application/pdf", "application/msword", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/zip", "application/json",
    "application/xml", "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation", "application/rtf",
    "application/x-ndjson", "application/vnd.apache.parquet", "application/gzip", "application/x-tar",
    "application/x-7z-compressed",
]  # fmt: skip


def _hash(text: str) -> str:
    if media.media_id(text) is None:
        message = "Must be a 44 character base64 encoded SHA-256 hash"
        raise refused(message)
    return text


class UploadRequest(ExactBody):
    """A medium to upload, of a trace or of a dataset item."""

    trace_id: str | None = None
    observation_id: str | None = None
    dataset_id: str | None = None
    dataset_item_id: str | None = None
    content_type: ContentType
    content_length: Annotated[int, Field(gt=0, le=2**53)]
    sha256_hash: Annotated[str, AfterValidator(_hash), Field(alias="sha256Hash")]
    field: str

    @model_validator(mode="after")
    def _belongs_somewhere(self) -> "UploadRequest":
        of_item = self.dataset_id is not None and self.dataset_item_id is not None
        of_trace = self.trace_id is not None
        if of_item == of_trace or (self.dataset_id is None) != (self.dataset_item_id is None):
            message = "Provide either traceId (and observationId) or both datasetId and datasetItemId."
            raise refused(message)
        fields = _ITEM_FIELDS if of_item else _FIELDS
        if self.field not in fields:
            message = f"Invalid field. Only supporting {', '.join(fields)}"
            raise refused(message)
        return self

    def use(self) -> MediumUse:
        """Return where the medium is used."""
        if self.trace_id is not None:
            return MediumUse(owner="TRACE", owner_id=self.trace_id, part_id=self.observation_id, field=self.field)
        owner_id = self.dataset_id or ""
        return MediumUse(owner="DATASET", owner_id=owner_id, part_id=self.dataset_item_id, field=self.field)


class UploadReport(ExactBody):
    """What became of an upload."""

    uploaded_at: Moment
    upload_http_status: Annotated[int, Field(gt=0, le=2**31)]
    upload_http_error: str | None = None
    upload_time_ms: float | None = None


@router.post("/media", status_code=201)
def request_upload(box: InBox, caller: Ingesting, body: UploadRequest) -> Response:
    """Return where to upload a medium; no address where it is here already."""
    if body.content_length > box.limits.packed_bytes:
        message = f"File size must be less than {box.limits.packed_bytes} bytes"
        raise invalid(message)
    medium = Medium(
        id=media.media_id(body.sha256_hash) or "",
        sha256=body.sha256_hash,
        content_type=body.content_type,
        content_length=body.content_length,
    )
    with box.store.writing() as connection:
        known = media.expect_medium(connection, caller.project_id, medium, body.use())
    is_here = known.is_stored and files.path_of(box.media_folder, caller.project_id, known.id).exists()
    url = None if is_here else _url(box, "upload", caller.project_id, known.id, UPLOAD_SECONDS)
    return answer({"mediaId": known.id, "uploadUrl": url}, 201)


@router.patch("/media/{media_id}")
def report_upload(box: InBox, caller: Ingesting, media_id: str, body: UploadReport) -> Response:
    """Take down what became of an upload."""
    failed = body.upload_http_status != 200
    with box.store.writing() as connection:
        known = media.get_medium(connection, caller.project_id, media_id)
        if known is not None:
            reported = Medium(
                id=known.id,
                sha256=known.sha256,
                content_type=known.content_type,
                content_length=known.content_length,
                uploaded_at_ns=body.uploaded_at,
                upload_http_status=body.upload_http_status,
                # The error's text is the server's own answer to the client: it says nothing that is not known here.
                upload_http_error=f"HTTP {body.upload_http_status}" if failed else None,
            )
            media.medium_reported(connection, caller.project_id, reported)
    if known is None:
        message = f"Media asset {media_id} not found in project {caller.project_id}"
        raise not_found(message)
    return answer({"message": "OK"})


@router.get("/media/{media_id}")
def get(request: Request, box: InBox, caller: Reading, media_id: str) -> Response:
    """Return what is known of a medium, and where to download it."""
    with box.store.reading() as connection:
        medium = media.get_medium(connection, caller.project_id, media_id)
        traces = [] if medium is None else media.traces_using(connection, caller.project_id, media_id)
    if medium is None:
        message = "Media asset not found"
        raise not_found(message)
    if not medium.is_stored:
        raise not_found(_why_not_here(medium))
    seen(request, caller, traces)
    return answer(
        {
            "mediaId": medium.id,
            "contentType": medium.content_type,
            "contentLength": medium.content_length,
            "uploadedAt": iso_or_none(medium.uploaded_at_ns),
            "url": _url(box, "download", caller.project_id, medium.id, DOWNLOAD_SECONDS),
            "urlExpiry": iso((int(time.time()) + DOWNLOAD_SECONDS) * 1_000_000_000),
        }
    )


@router.put("/media/uploads/{token}", include_in_schema=False)
async def upload(request: Request, box: InBox, token: str) -> Response:
    """Take the bytes of a medium. The address is the permission; it holds for these bytes alone."""
    link = opened(box.media_folder, token, "upload")
    if link is None:
        raise _no_link()
    content = await request.body()
    return await run_in_threadpool(_store, box, link, content)


@router.get("/media/files/{token}", include_in_schema=False)
def download(box: InBox, token: str) -> Response:
    """Return the bytes of a medium, never in a form that a browser would run."""
    link = opened(box.media_folder, token, "download")
    if link is None:
        raise _no_link()
    with box.store.reading() as connection:
        medium = media.get_medium(connection, link.project, link.medium_id)
    path = files.path_of(box.media_folder, link.project, link.medium_id)
    if medium is None or not path.exists():
        message = "Media asset not found"
        raise not_found(message)
    headers = {
        "Content-Disposition": f'attachment; filename="{medium.id}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    return FileResponse(path, headers=headers, media_type=_harmless(medium.content_type))


def _store(box: Box, link: Link, content: bytes) -> Response:
    with box.store.reading() as connection:
        medium = media.get_medium(connection, link.project, link.medium_id)
    if medium is None:
        message = "Media asset not found"
        raise not_found(message)
    if len(content) != medium.content_length:
        message = f"The body has {len(content)} bytes; {medium.content_length} were announced."
        raise invalid(message)
    if files.hash_of(content) != medium.sha256:
        message = "The SHA-256 of the body is not the one that was announced."
        raise invalid(message)
    files.write(files.path_of(box.media_folder, link.project, medium.id), content)
    with box.store.writing() as connection:
        media.medium_stored(connection, link.project, medium.id)
    return Response(status_code=200)


def _harmless(content_type: str) -> str:
    shown = content_type.startswith(_SHOWN_AS_THEY_ARE) and content_type != _SCRIPTED
    return content_type if shown else "application/octet-stream"


def _why_not_here(medium: Medium) -> str:
    if medium.upload_http_status is None:
        return "Media not yet uploaded"
    return f"Media upload failed with status {medium.upload_http_status}: \n {medium.upload_http_error}"


def _no_link() -> ApiError:
    return ApiError(403, "This address is not valid, or no longer. Ask for another one.", "ForbiddenError")


def _url(box: Box, purpose: Purpose, project: str, medium_id: str, seconds: int) -> str:
    folder = {"upload": "uploads", "download": "files"}[purpose]
    token = signed(box.media_folder, Link(purpose, project, medium_id, int(time.time()) + seconds))
    return f"{box.base_url}{_PREFIX}{folder}/{token}"

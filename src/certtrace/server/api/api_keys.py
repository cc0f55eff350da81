"""The keys of a project, for its admins."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from certtrace.errors import InputError
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Caller, Managing
from certtrace.server.access.keys import KeyEntry, NewKey
from certtrace.server.access.roles import Role
from certtrace.server.answers import answer
from certtrace.server.box import InBox
from certtrace.server.errors import invalid, not_found

router: Final = APIRouter(prefix="/api/public/projects/{project_id}/apiKeys", tags=["projects"])

_USUAL_ROLES: Final = (Role.WRITER, Role.READER)
"""What a key may do where the request does not say: Langfuse knows no roles."""
_LATEST_NS: Final = 2**63 - 1


class NewApiKey(BaseModel):
    """What a new key is to be."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    name: Annotated[str | None, Field(max_length=500)] = None
    note: Annotated[str | None, Field(max_length=500)] = None
    expires_at: datetime | None = None
    public_key: str | None = None
    secret_key: Annotated[str | None, Field(repr=False)] = None
    roles: Annotated[list[Role] | None, Field(min_length=1, max_length=len(Role))] = None


@router.get("")
def list_keys(project_id: str, box: InBox, caller: Managing) -> Response:
    """Return the project's valid keys, without their secrets."""
    _check(project_id, caller)
    entries = box.access.entries(caller.project)
    return answer({"apiKeys": [_summary(entry) for entry in entries if entry.revoked_at_ns is None]})


@router.post("", status_code=201)
def create_key(project_id: str, body: NewApiKey, box: InBox, caller: Managing) -> Response:
    """Make a key; its secret is in this answer and in no other."""
    _check(project_id, caller)
    if (body.public_key is None) != (body.secret_key is None):
        msg = "publicKey and secretKey are given together, or neither is."
        raise invalid(msg)
    chosen = (body.public_key, body.secret_key) if body.public_key and body.secret_key else None
    note = body.name if body.name is not None else body.note
    try:
        new = box.access.create(
            caller.project, body.roles or _USUAL_ROLES, note, expires_at_ns=_nanoseconds(body.expires_at), chosen=chosen
        )
    except InputError as error:
        raise invalid(str(error)) from None
    return answer({**_shared(new), "secretKey": new.secret_key, "roles": sorted(body.roles or _USUAL_ROLES)}, 201)


@router.delete("/{key_id}")
def delete_key(project_id: str, key_id: str, box: InBox, caller: Managing) -> Response:
    """Revoke a key, at once and in every process that serves this data folder."""
    _check(project_id, caller)
    if not box.access.revoke(key_id, caller.project):
        msg = "API key not found"
        raise not_found(msg)
    return answer({"success": True})


def _check(project_id: str, caller: Caller) -> None:
    if project_id != caller.project_id:
        msg = "Project not found or you don't have access to it"
        raise not_found(msg)


def _shared(key: NewKey | KeyEntry) -> dict[str, Any]:
    return {
        "id": key.id,
        "createdAt": iso(key.created_at_ns),
        "expiresAt": _moment(key.expires_at_ns),
        "name": key.note,
        "note": key.note,
        "publicKey": key.public_key,
        "displaySecretKey": key.shown_secret,
    }


def _summary(entry: KeyEntry) -> dict[str, Any]:
    return {**_shared(entry), "lastUsedAt": _moment(entry.used_at_ns), "roles": sorted(entry.roles)}


def _moment(time_ns: int | None) -> str | None:
    return None if time_ns is None else iso(time_ns)


def _nanoseconds(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if zoned <= datetime.now(UTC):
        msg = "expiresAt is in the past. Give a time to come, or leave it out."
        raise invalid(msg)
    return min(int(zoned.timestamp()) * 1_000_000_000, _LATEST_NS)

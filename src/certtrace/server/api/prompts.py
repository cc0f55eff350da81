"""Prompts: versions, labels, tags, and prompts within prompts."""

import json
import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from certtrace.records.catalog import prompt_filters, prompt_lists, prompts
from certtrace.records.catalog.json_values import json_text, json_value
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Caller, Deleting, Editing, Reading
from certtrace.server.answers import answer
from certtrace.server.api.fields import Version, moment_ns
from certtrace.server.api.prompt_bodies import LabelsBody, LegacyPromptBody, PromptBody, PromptsQuery
from certtrace.server.api.refusals import reading, refusals, writing
from certtrace.server.api.templates import redacted_config, redacted_texts
from certtrace.server.box import Box, InBox
from certtrace.server.errors import invalid, not_found
from certtrace.server.intake.redacting import sought_name
from certtrace.server.paging import Page

router: Final = APIRouter(prefix="/api/public", tags=["prompts"])

_VARIABLE: Final = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")


@router.post("/v2/prompts", status_code=201)
def create_prompt(body: PromptBody, box: InBox, caller: Editing) -> Response:
    """Add a version to a prompt."""
    return answer(_created(box, caller, body, body.labels or []), 201)


@router.get("/v2/prompts")
def list_prompts(asked: Annotated[PromptsQuery, Query()], box: InBox, caller: Reading) -> Response:
    """List the prompts by name; only versions that match the filters count."""
    at = Page(asked.page, asked.limit)
    with reading(box) as connection:
        conditions = asked.simple(box).conditions() if asked.filter is None else _conditions(asked.filter)
        found, total = prompt_lists.page(connection, caller.project_id, conditions, limit=at.limit, offset=at.offset)
    body = at.body([_summary_json(each) for each in found], total)
    return answer(body | {"pagination": body["meta"]})


@router.get("/v2/prompts/{name:path}")
def get_prompt(
    name: str, box: InBox, caller: Reading, version: Version = None, label: str | None = None, *, resolve: bool = True
) -> Response:
    """Return one version of a prompt: that of a number or of a label, else the production version."""
    if version and label:
        msg = "Cannot specify both version and label"
        raise invalid(msg)
    body = _found(box, caller.project_id, name, version, label, resolve=resolve)
    if body is None:
        which = f"version {version}" if version else f"label '{label or prompts.PRODUCTION}'"
        msg = f"Prompt not found: '{name}' with {which}"
        raise not_found(msg)
    return answer(body)


@router.delete("/v2/prompts/{name:path}", status_code=204)
def delete_prompt(
    name: str, box: InBox, caller: Deleting, version: Version = None, label: str | None = None
) -> Response:
    """Delete a prompt, or one version of it, or the version of a label."""
    if version and label:
        msg = "Cannot specify both version and label"
        raise invalid(msg)
    with writing(box) as connection:
        wanted = sought_name(box, name), (sought_name(box, label) if label else None)
        prompts.delete(connection, caller.project_id, wanted[0], version=version or None, label=wanted[1])
    return Response(status_code=204)


@router.patch("/v2/prompts/{name:path}/versions/{version}")
def label_prompt(name: str, version: int, body: LabelsBody, box: InBox, caller: Editing) -> Response:
    """Give labels to one version of a prompt; other versions lose them."""
    labels = redacted_texts(box, body.new_labels)
    with writing(box) as connection:
        changed = prompts.add_labels(connection, caller.project_id, sought_name(box, name), version, labels)
    shown = _prompt_json(caller.project_id, changed)
    if not caller.may_read:
        unknown = "" if changed.type == "text" else []
        shown |= {"prompt": unknown, "config": {}, "tags": [], "labels": labels, "commitMessage": None}
    return answer(shown)


@router.get("/prompts", deprecated=True)
def get_prompt_v1(box: InBox, caller: Reading, name: str, version: Version = None) -> Response:
    """Return one version of a prompt, as older clients ask for it."""
    body = _found(box, caller.project_id, name, version, None, resolve=True)
    if body is None:
        msg = "Prompt not found"
        raise not_found(msg)
    return answer(body | {"isActive": prompts.PRODUCTION in body["labels"]})


@router.post("/prompts", status_code=201, deprecated=True)
def create_prompt_v1(body: LegacyPromptBody, box: InBox, caller: Editing) -> Response:
    """Add a version to a prompt, as older clients do."""
    labels = [*(body.labels or []), *([prompts.PRODUCTION] if body.is_active else [])]
    made = _created(box, caller, body, labels)
    return answer(made | {"isActive": prompts.PRODUCTION in made["labels"]}, 201)


def _created(box: Box, caller: Caller, body: PromptBody, labels: list[str]) -> dict[str, Any]:
    content = body.content()
    _check_names(content)
    tags = body.tags or []
    message, *rest = redacted_texts(box, [body.commit_message or "", *tags, *_contents(content)])
    new = prompts.NewPrompt(
        name=sought_name(box, body.name),
        type=body.type,
        prompt=_with_contents(content, rest[len(tags) :]),
        config=redacted_config(box, {} if body.config is None else body.config),
        labels=labels,
        tags=None if body.tags is None else rest[: len(tags)],
        commit_message=None if body.commit_message is None else message,
    )
    with writing(box) as connection:
        made = _prompt_json(caller.project_id, prompts.create(connection, caller.project_id, new))
    # Tags belong to all versions: a new one has those of the others.
    return made if caller.may_read or new.tags is not None else made | {"tags": []}


def _found(
    box: Box, project: str, name: str, version: int | None, label: str | None, *, resolve: bool
) -> dict[str, Any] | None:
    stored_name, stored_label = sought_name(box, name), sought_name(box, label or prompts.PRODUCTION)
    with reading(box) as connection:
        prompt = prompts.find(connection, project, stored_name, version=version or None, label=stored_label)
        if prompt is None:
            return None
        content, graph = prompts.resolved(connection, project, prompt) if resolve else (prompt.prompt, None)
    return _prompt_json(project, prompt) | {"prompt": content, "resolutionGraph": graph}


def _check_names(content: Any) -> None:
    """Check that no variable of a chat prompt has the name of a placeholder."""
    if isinstance(content, str):
        return
    placeholders = {message["name"] for message in content if "name" in message}
    variables = [name for text in _contents(content) for name in _VARIABLE.findall(text)]
    twice = [name for name in dict.fromkeys(variables) if name in placeholders]
    if twice:
        msg = "Cannot create prompt, variables and placeholders must be unique, the following are not: " + ", ".join(
            twice
        )
        raise invalid(msg)


def _contents(content: Any) -> list[str]:
    """Return the texts of a prompt."""
    if isinstance(content, str):
        return [content]
    return [message["content"] for message in content if "content" in message]


def _with_contents(content: Any, texts: list[str]) -> Any:
    """Return a prompt with other texts."""
    if isinstance(content, str):
        return texts[0]
    left = iter(texts)
    return [message | {"content": next(left)} if "content" in message else message for message in content]


def _conditions(filter_json: str) -> tuple[prompt_filters.Condition, ...]:
    try:
        given = json.loads(filter_json)
    except (ValueError, RecursionError) as error:
        msg = "Invalid JSON in filter parameter"
        raise invalid(msg) from error
    if not isinstance(given, list):
        msg = "Invalid filter: a JSON array of conditions is needed"
        raise invalid(msg)
    with refusals():
        return prompt_filters.conditions(json_value(json_text(given)), moment_ns)


def _prompt_json(project: str, prompt: prompts.Prompt) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "createdAt": iso(prompt.created_at_ns),
        "updatedAt": iso(prompt.updated_at_ns),
        "projectId": project,
        "createdBy": prompt.created_by,
        "prompt": prompt.prompt,
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.type,
        "isActive": None,
        "config": prompt.config,
        "tags": list(prompt.tags),
        "labels": list(prompt.labels),
        "commitMessage": prompt.commit_message,
    }


def _summary_json(summary: prompt_lists.PromptSummary) -> dict[str, Any]:
    return {
        "name": summary.name,
        "type": summary.type,
        "versions": list(summary.versions),
        "labels": list(summary.labels),
        "tags": list(summary.tags),
        "lastUpdatedAt": iso(summary.last_updated_at_ns),
        "lastConfig": summary.last_config,
    }

"""Score configs."""

import time
import unicodedata
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from certtrace.records.catalog import score_configs
from certtrace.records.catalog.score_configs import BOOLEAN_CATEGORIES, ScoreConfig
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Editing, Reading
from certtrace.server.answers import answer
from certtrace.server.api.shapes import ExactBody, Number, plain_number, refused
from certtrace.server.box import Box, InBox
from certtrace.server.errors import ApiError, invalid, not_found
from certtrace.server.intake.redacting import redacted_body
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["score configs"])

DataType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]


def _named(name: str) -> str:
    if not all(unicodedata.category(char)[0] in "LN" or char in " _.()-" for char in name):
        message = "Name contains invalid characters"
        raise refused(message)
    return name


Name = Annotated[str, StringConstraints(min_length=1, max_length=35), AfterValidator(_named)]


class Category(ExactBody):
    """One value that a categorical score may have."""

    label: Annotated[str, StringConstraints(min_length=1)]
    value: Number


class NewScoreConfig(ExactBody):
    """A score config to make."""

    name: Name
    data_type: DataType
    categories: list[Category] | None = None
    """Needed by CATEGORICAL; BOOLEAN has its own."""
    min_value: float | None = None
    max_value: float | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "NewScoreConfig":
        problem = _problem(self.data_type, self.categories, self.min_value, self.max_value)
        if self.data_type == "BOOLEAN" and self.categories is not None:
            problem = "Categories of a boolean config are made by the server; leave them out."
        if problem:
            raise refused(problem)
        return self


class ScoreConfigChange(ExactBody):
    """What to change of a score config; what is not given stays."""

    is_archived: bool = False
    name: Name = ""
    categories: list[Category] = Field(default=[])
    min_value: float = 0
    max_value: float = 0
    description: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> "ScoreConfigChange":
        if not self.model_fields_set:
            message = "Request body cannot be empty. At least one field must be provided for update."
            raise refused(message)
        if "categories" in self.model_fields_set and (problem := _repeated(self.categories)):
            raise refused(problem)
        return self


@router.post("/score-configs")
def create(box: InBox, caller: Editing, body: NewScoreConfig) -> Response:
    """Make a score config."""
    given = redacted_body(box, body.given())
    categories = list(BOOLEAN_CATEGORIES) if body.data_type == "BOOLEAN" else given.get("categories")
    numeric = body.data_type == "NUMERIC"
    config = ScoreConfig(
        name=given["name"],
        data_type=body.data_type,
        min_value=body.min_value if numeric else None,
        max_value=body.max_value if numeric else None,
        categories=categories,
        description=given.get("description"),
    )
    with box.store.writing() as connection:
        score_configs.put_score_config(connection, caller.project_id, config)
    return answer(_json(caller.project_id, config))


@router.get("/score-configs")
def list_all(box: InBox, caller: Reading, page: Paged) -> Response:
    """List score configs, newest first."""
    with box.store.reading() as connection:
        found, total = score_configs.list_score_configs(
            connection, caller.project_id, limit=page.limit, offset=page.offset
        )
    return answer(page.body([_json(caller.project_id, config) for config in found], total))


@router.get("/score-configs/{config_id}")
def get(box: InBox, caller: Reading, config_id: str) -> Response:
    """Return one score config."""
    return answer(_json(caller.project_id, _found(box, caller.project_id, config_id)))


@router.patch("/score-configs/{config_id}")
def change(box: InBox, caller: Editing, config_id: str, body: ScoreConfigChange) -> Response:
    """Change a score config, or archive it."""
    given = redacted_body(box, body.given())
    before = _found(box, caller.project_id, config_id)
    names = {"isArchived": "is_archived", "minValue": "min_value", "maxValue": "max_value"}
    changed = replace(
        before, updated_at_ns=time.time_ns(), **{names.get(name, name): value for name, value in given.items()}
    )
    problem = _misfit(changed)
    if problem:
        raise invalid(problem)
    with box.store.writing() as connection:
        score_configs.put_score_config(connection, caller.project_id, changed)
    shown = _json(caller.project_id, changed)
    if not caller.may_read:
        shown |= {key: None for key in ("description", "minValue", "maxValue", "categories") if key not in given}
    return answer(shown)


def _found(box: Box, project: str, config_id: str) -> ScoreConfig:
    with box.store.reading() as connection:
        config = score_configs.get_score_config(connection, project, config_id)
    if config is None:
        raise _unknown()
    return config


def _unknown() -> ApiError:
    return not_found("Score config not found within authorized project")


def _problem(
    data_type: str, categories: list[Category] | None, min_value: float | None, max_value: float | None
) -> str | None:
    if data_type == "CATEGORICAL" and categories is None:
        return "Category must be an array of objects with label value pairs, where labels and values are unique."
    if data_type == "CATEGORICAL" and categories is not None:
        return _not_numeric(min_value, max_value) or _repeated(categories)
    if data_type in ("NUMERIC", "TEXT") and categories is not None:
        return f"A {data_type} config has no categories."
    if data_type == "TEXT":
        return _not_numeric(min_value, max_value)
    if data_type == "NUMERIC" and min_value is not None and max_value is not None and max_value <= min_value:
        return "Maximum value must be greater than Minimum value"
    return None


def _not_numeric(min_value: float | None, max_value: float | None) -> str | None:
    return None if min_value is None and max_value is None else "Only a NUMERIC config has a minimum or a maximum."


def _repeated(categories: list[Category]) -> str | None:
    labels: set[str] = set()
    values: set[float] = set()
    for category in categories:
        if category.label in labels:
            return f"Duplicate category label: {category.label}, category labels must be unique"
        if category.value in values:
            return f"Duplicate category value: {category.value}, category values must be unique"
        labels.add(category.label)
        values.add(category.value)
    return None


def _misfit(config: ScoreConfig) -> str | None:
    """Return why a changed config is none: its kind stays, whatever else changes."""
    if config.data_type == "BOOLEAN":
        same = list(config.categories or ()) == list(BOOLEAN_CATEGORIES)
        return None if same else "Categories of a boolean config are True (1) and False (0)."
    categories = None if config.categories is None else [Category.model_validate(each) for each in config.categories]
    return _problem(config.data_type, categories, config.min_value, config.max_value)


def _json(project: str, config: ScoreConfig) -> dict[str, Any]:
    return {
        "id": config.id,
        "projectId": project,
        "name": config.name,
        "description": config.description,
        "dataType": config.data_type,
        "isArchived": config.is_archived,
        "minValue": plain_number(config.min_value),
        "maxValue": plain_number(config.max_value),
        "categories": None if config.categories is None else [dict(each) for each in config.categories],
        "createdAt": iso(config.created_at_ns),
        "updatedAt": iso(config.updated_at_ns),
    }

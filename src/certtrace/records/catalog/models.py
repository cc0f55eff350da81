"""Models with their prices, as people define them."""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from certtrace.records.mapping.values import json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingTier:
    """Prices in USD per unit by kind of usage, and when they hold."""

    id: str
    name: str
    is_default: bool
    priority: int
    conditions: tuple[Mapping[str, Any], ...] = ()
    """As the API has them: of usage (`usageDetailPattern` ...) or of attributes (`source`, `key`, `values`)."""
    prices: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model definition. The first tier that holds prices an observation; one tier is the default."""

    id: str
    model_name: str
    match_pattern: str
    start_date_ns: int | None = None
    unit: str | None = None
    tokenizer_id: str | None = None
    tokenizer_config: object = None
    input_price: float | None = None
    output_price: float | None = None
    total_price: float | None = None
    pricing_tiers: tuple[PricingTier, ...] = ()
    created_at_ns: int = field(default_factory=time.time_ns)
    updated_at_ns: int = field(default_factory=time.time_ns)

    @property
    def default_prices(self) -> Mapping[str, float]:
        """Return the prices of the default tier."""
        return next((tier.prices for tier in self.pricing_tiers if tier.is_default), {})


def new_model_id() -> str:
    """Return an id that no model has."""
    return str(uuid.uuid4())


def list_models(connection: sqlite3.Connection, project: str, *, limit: int, offset: int) -> tuple[list[Model], int]:
    """Return one page of models by name, and how many there are."""
    statement = (
        "SELECT * FROM models WHERE project = ? "
        "ORDER BY model_name, unit, start_date_ns IS NULL, start_date_ns DESC, id LIMIT ? OFFSET ?"
    )
    found = connection.execute(statement, (project, limit, offset)).fetchall()
    total = connection.execute("SELECT count(*) FROM models WHERE project = ?", (project,)).fetchone()[0]
    return [_model(row) for row in found], total


def all_models(connection: sqlite3.Connection, project: str) -> list[Model]:
    """Return every model of a project, the one that starts last first."""
    statement = "SELECT * FROM models WHERE project = ? ORDER BY start_date_ns IS NULL, start_date_ns DESC, id"
    return [_model(row) for row in _rows(connection, statement, (project,))]


def get_model(connection: sqlite3.Connection, project: str, model_id: str) -> Model | None:
    """Return a model by id."""
    row = connection.execute("SELECT * FROM models WHERE project = ? AND id = ?", (project, model_id)).fetchone()
    return None if row is None else _model(row)


def is_name_taken(connection: sqlite3.Connection, project: str, model_name: str, *, besides: str = "") -> bool:
    """Tell whether another model than `besides` has a name."""
    statement = "SELECT 1 FROM models WHERE project = ? AND model_name = ? AND id <> ?"
    return connection.execute(statement, (project, model_name, besides)).fetchone() is not None


def put_model(connection: sqlite3.Connection, project: str, model: Model) -> Model:
    """Store a model, over the one with its id if there is one; return it as stored."""
    before = get_model(connection, project, model.id)
    if before is not None:
        model = replace(model, created_at_ns=before.created_at_ns)
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    connection.execute(f"INSERT OR REPLACE INTO models VALUES ({marks})", (project, *_row(model)))  # noqa: S608 - marks only
    return model


def delete_model(connection: sqlite3.Connection, project: str, model_id: str) -> bool:
    """Delete a model; tell whether there was one."""
    done = connection.execute("DELETE FROM models WHERE project = ? AND id = ?", (project, model_id))
    return done.rowcount > 0


_COLUMNS: Final = (
    "id",
    "model_name",
    "match_pattern",
    "start_date_ns",
    "unit",
    "tokenizer_id",
    "tokenizer_config",
    "input_price",
    "output_price",
    "total_price",
    "pricing_tiers",
    "created_at_ns",
    "updated_at_ns",
)
_JSON: Final = ("tokenizer_config", "pricing_tiers")


def _row(model: Model) -> list[Any]:
    tiers = [
        {
            "id": tier.id,
            "name": tier.name,
            "is_default": tier.is_default,
            "priority": tier.priority,
            "conditions": [dict(condition) for condition in tier.conditions],
            "prices": dict(tier.prices),
        }
        for tier in model.pricing_tiers
    ]
    config = None if model.tokenizer_config is None else json_text(model.tokenizer_config)
    given = {"tokenizer_config": config, "pricing_tiers": json_text(tiers)}
    return [given[column] if column in _JSON else getattr(model, column) for column in _COLUMNS]


def _model(row: Mapping[str, Any]) -> Model:
    given = {column: row[column] for column in _COLUMNS if column not in _JSON}
    tiers = [
        PricingTier(**(each | {"conditions": tuple(each["conditions"])})) for each in orjson.loads(row["pricing_tiers"])
    ]
    config = None if row["tokenizer_config"] is None else orjson.loads(row["tokenizer_config"])
    return Model(tokenizer_config=config, pricing_tiers=tuple(tiers), **given)


def _rows(connection: sqlite3.Connection, statement: str, values: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Return rows by column name whatever the connection makes of rows: a writer's connection may give tuples."""
    cursor = connection.execute(statement, tuple(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]

"""Models and their prices."""

import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from certtrace.records.catalog import models
from certtrace.records.catalog.model_prices import is_pattern
from certtrace.records.catalog.models import Model, PricingTier
from certtrace.records.langfuse_json import iso
from certtrace.server.access.callers import Deleting, Editing, Reading
from certtrace.server.answers import answer
from certtrace.server.api.shapes import ExactBody, Moment, iso_or_none, plain_number, plain_numbers, refused
from certtrace.server.box import InBox
from certtrace.server.errors import invalid, not_found
from certtrace.server.paging import Paged

router: Final = APIRouter(prefix="/api/public", tags=["models"])

_STANDARD: Final = "Standard"


def _usage_pattern(pattern: str) -> str:
    if not is_pattern(pattern):
        message = "Invalid regex pattern: must be valid regex and not cause catastrophic backtracking"
        raise refused(message)
    return pattern


Text200 = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Price = Annotated[float, Field(ge=0)]


class UsageCondition(ExactBody):
    """Met by a sum of usage."""

    usage_detail_pattern: Annotated[Text200, AfterValidator(_usage_pattern)]
    operator: Literal["gt", "gte", "lt", "lte", "eq", "neq"]
    value: Annotated[float, Field(ge=0)]
    case_sensitive: bool = False


class AttributeCondition(ExactBody):
    """Met by a model parameter or a key of the metadata that has one of some values."""

    source: Literal["model_parameters", "metadata"]
    key: Text200
    operator: Literal["in"] = "in"
    values: Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]


def _flag(value: object) -> object:
    return False if value is None else value


class Tier(ExactBody):
    """Prices in USD per unit, and when they hold."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    is_default: Annotated[bool, BeforeValidator(_flag)] = False
    priority: Annotated[int, Field(ge=0, le=999)]
    conditions: list[UsageCondition | AttributeCondition]
    prices: dict[str, Price]


class ModelBody(ExactBody):
    """A model definition: flat prices or tiers."""

    model_name: str
    match_pattern: str
    start_date: Moment | None = None
    input_price: Price | None = None
    output_price: Price | None = None
    total_price: Price | None = None
    unit: Literal["TOKENS", "CHARACTERS", "MILLISECONDS", "SECONDS", "REQUESTS", "IMAGES"]
    tokenizer_id: Literal["openai", "claude"] | None = None
    tokenizer_config: Any = None
    pricing_tiers: list[Tier] | None = None

    @model_validator(mode="after")
    def _is_priced(self) -> "ModelBody":
        problem = _pricing_problem(self) or (_tiers_problem(self.pricing_tiers) if self.pricing_tiers else None)
        if problem:
            raise refused(problem)
        return self

    def flat_prices(self) -> dict[str, float]:
        """Return the prices that were given without a tier."""
        given = {"input": self.input_price, "output": self.output_price, "total": self.total_price}
        return {kind: price for kind, price in given.items() if price is not None}


@router.get("/models")
def list_all(box: InBox, caller: Reading, page: Paged) -> Response:
    """List the models of the project by name. The box has none of its own."""
    with box.store.reading() as connection:
        found, total = models.list_models(connection, caller.project_id, limit=page.limit, offset=page.offset)
    return answer(page.body([_json(model) for model in found], total))


@router.post("/models")
def create(box: InBox, caller: Editing, body: ModelBody) -> Response:
    """Define a model."""
    return answer(_json(_put(box, caller.project_id, models.new_model_id(), body)))


@router.get("/models/{model_id}")
def get(box: InBox, caller: Reading, model_id: str) -> Response:
    """Return one model."""
    with box.store.reading() as connection:
        model = models.get_model(connection, caller.project_id, model_id)
    if model is None:
        message = "No model with this id found."
        raise not_found(message)
    return answer(_json(model))


@router.put("/models/{model_id}")
def put(box: InBox, caller: Editing, model_id: str, body: ModelBody) -> Response:
    """Define a model under an id, in place of the one that has it."""
    return answer(_json(_put(box, caller.project_id, model_id, body)))


@router.delete("/models/{model_id}")
def delete(box: InBox, caller: Deleting, model_id: str) -> Response:
    """Delete a model; costs that were worked out with it stay."""
    with box.store.writing() as connection:
        done = models.delete_model(connection, caller.project_id, model_id)
    if not done:
        message = (
            "No model with this id found. Note: You cannot delete built-in models, override them with a model with the "
            "same name."
        )
        raise not_found(message)
    return answer({"message": "Model successfully deleted"})


def _put(box: InBox, project: str, model_id: str, body: ModelBody) -> Model:
    if not is_pattern(body.match_pattern):
        message = "matchPattern is not a valid regex pattern (Postgres)"
        raise invalid(message)
    with box.store.writing() as connection:
        if models.is_name_taken(connection, project, body.model_name, besides=model_id):
            message = f"Model name '{body.model_name}' already exists in project"
            raise invalid(message)
        return models.put_model(connection, project, _model(model_id, body))


def _model(model_id: str, body: ModelBody) -> Model:
    return Model(
        id=model_id,
        model_name=body.model_name,
        match_pattern=body.match_pattern,
        start_date_ns=body.start_date,
        unit=body.unit,
        tokenizer_id=body.tokenizer_id,
        tokenizer_config=body.tokenizer_config,
        input_price=body.input_price,
        output_price=body.output_price,
        total_price=body.total_price,
        pricing_tiers=tuple(_tiers(model_id, body)),
    )


def _tiers(model_id: str, body: ModelBody) -> list[PricingTier]:
    if not body.pricing_tiers:
        default = f"{model_id}_tier_default"
        return [PricingTier(id=default, name=_STANDARD, is_default=True, priority=0, prices=body.flat_prices())]
    ordered = sorted(body.pricing_tiers, key=lambda tier: tier.priority)
    return [
        PricingTier(
            id=str(uuid.uuid4()),
            name=tier.name,
            is_default=tier.is_default,
            priority=tier.priority,
            conditions=tuple(condition.model_dump(by_alias=True) for condition in tier.conditions),
            prices=tier.prices,
        )
        for tier in ordered
    ]


def _pricing_problem(body: ModelBody) -> str | None:
    flat = body.flat_prices()
    either = "Must provide either flat prices (inputPrice/outputPrice/totalPrice) OR pricingTiers"
    if flat and body.pricing_tiers:
        return f"{either}, not both"
    if not flat and not body.pricing_tiers:
        return either
    if "total" in flat and len(flat) > 1:
        return "If input and/or output price is set, total price must be null"
    return None


def _tiers_problem(tiers: list[Tier]) -> str | None:
    return _default_problem(tiers) or _unique_problem(tiers) or _prices_problem(tiers)


def _default_problem(tiers: list[Tier]) -> str | None:
    defaults = [tier for tier in tiers if tier.is_default]
    if not defaults:
        return "Exactly one pricing tier must have isDefault: true"
    if len(defaults) > 1:
        return f"Only one pricing tier can have isDefault: true, found {len(defaults)}"
    if defaults[0].priority != 0:
        return "Default pricing tier must have priority: 0"
    if defaults[0].conditions:
        return "Default pricing tier must have empty conditions array"
    bare = next((tier for tier in tiers if not tier.is_default and not tier.conditions), None)
    return None if bare is None else f'Non-default pricing tier "{bare.name}" must have at least one condition'


def _unique_problem(tiers: list[Tier]) -> str | None:
    if len({tier.priority for tier in tiers}) < len(tiers):
        return "Pricing tier priorities must be unique within a model"
    return None if len({tier.name for tier in tiers}) == len(tiers) else "Pricing tier names must be unique"


def _prices_problem(tiers: list[Tier]) -> str | None:
    default = next(tier for tier in tiers if tier.is_default)
    for tier in tiers:
        if not tier.prices:
            return f'Pricing tier "{tier.name}" must have at least one price defined'
        if tier.prices.keys() != default.prices.keys():
            expected, got = ", ".join(sorted(default.prices)), ", ".join(sorted(tier.prices))
            return (
                f'Pricing tier "{tier.name}" must have the same usage keys as the default tier. '
                f"Expected: [{expected}], Got: [{got}]"
            )
    return None


def _json(model: Model) -> dict[str, Any]:
    default = model.default_prices
    return {
        "id": model.id,
        "modelName": model.model_name,
        "matchPattern": model.match_pattern,
        "startDate": iso_or_none(model.start_date_ns),
        "unit": model.unit,
        "inputPrice": plain_number(default.get("input", model.input_price)),
        "outputPrice": plain_number(default.get("output", model.output_price)),
        "totalPrice": plain_number(default.get("total", model.total_price)),
        "tokenizerId": model.tokenizer_id,
        "tokenizerConfig": model.tokenizer_config,
        "isLangfuseManaged": False,
        "createdAt": iso(model.created_at_ns),
        "prices": {kind: {"price": plain_number(price)} for kind, price in default.items()},
        "pricingTiers": [
            {
                "id": tier.id,
                "name": tier.name,
                "isDefault": tier.is_default,
                "priority": tier.priority,
                "conditions": [dict(condition) for condition in tier.conditions],
                "prices": plain_numbers(tier.prices),
            }
            for tier in model.pricing_tiers
        ],
    }

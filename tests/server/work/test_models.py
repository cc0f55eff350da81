"""Models and prices through the unmodified client, raw HTTP, and the store."""

import pytest
from langfuse import Langfuse
from langfuse.api import LangfuseAPI, PricingTierInput, PricingTierUsageConditionInput
from opentelemetry.sdk.trace import TracerProvider
from tests.server.serving import Serving

from certtrace.records.catalog.model_prices import ModelPrices, priced
from certtrace.records.model import Observation
from certtrace.server.access import Role

MODELS = "/api/public/models"
FLAT = {"modelName": "m", "matchPattern": "^m$", "unit": "TOKENS", "inputPrice": 0.5}


def _tier(name: str, priority: int, price: float, **more: object) -> dict[str, object]:
    return {"name": name, "priority": priority, "conditions": [], "prices": {"input": price}} | more


def _tiered(*tiers: dict[str, object]) -> dict[str, object]:
    return {"modelName": "tiered", "matchPattern": "x", "unit": "TOKENS", "pricingTiers": list(tiers)}


CONDITION = {"usageDetailPattern": "input", "operator": "gt", "value": 10}


def test_a_flat_model_comes_back_field_by_field(box: Serving, api: LangfuseAPI) -> None:
    made = api.models.create(
        model_name="flat",
        match_pattern="(?i)^flat(-\\d+)?$",
        unit="TOKENS",
        input_price=0.000003,
        output_price=0.000015,
        tokenizer_id="openai",
        tokenizer_config={"tokensPerMessage": 3},
    )
    answer = box.client().get(f"{MODELS}/{made.id}").json()
    assert answer.pop("createdAt").endswith("Z")
    assert answer == {
        "id": made.id,
        "modelName": "flat",
        "matchPattern": "(?i)^flat(-\\d+)?$",
        "startDate": None,
        "unit": "TOKENS",
        "inputPrice": 0.000003,
        "outputPrice": 0.000015,
        "totalPrice": None,
        "tokenizerId": "openai",
        "tokenizerConfig": {"tokensPerMessage": 3},
        "isLangfuseManaged": False,
        "prices": {"input": {"price": 0.000003}, "output": {"price": 0.000015}},
        "pricingTiers": [
            {
                "id": f"{made.id}_tier_default",
                "name": "Standard",
                "isDefault": True,
                "priority": 0,
                "conditions": [],
                "prices": {"input": 0.000003, "output": 0.000015},
            }
        ],
    }


def test_the_client_makes_tiers_replaces_lists_and_deletes(api: LangfuseAPI) -> None:
    tiers = [
        PricingTierInput(
            name="Large",
            priority=1,
            conditions=[PricingTierUsageConditionInput(usage_detail_pattern="^input", operator="gt", value=100)],
            prices={"input": 2.0},
        ),
        PricingTierInput(name="Standard", is_default=True, priority=0, conditions=[], prices={"input": 1.0}),
    ]
    made = api.models.create(model_name="atiers", match_pattern="tiers", unit="TOKENS", pricing_tiers=tiers)
    assert [(tier.name, tier.is_default, tier.priority) for tier in made.pricing_tiers] == [
        ("Standard", True, 0), ("Large", False, 1),
    ]  # fmt: skip
    assert made.pricing_tiers[1].conditions[0].case_sensitive is False
    assert made.input_price == 1.0
    put = api.models.upsert(made.id, model_name="atiers", match_pattern="other", unit="TOKENS", total_price=3)
    assert (put.id, put.match_pattern, put.total_price, put.input_price) == (made.id, "other", 3, None)
    assert put.created_at == made.created_at
    fresh = api.models.upsert("my-own-id", model_name="b", match_pattern="b", unit="TOKENS", total_price=0)
    assert (fresh.id, fresh.total_price) == ("my-own-id", 0)
    listed = api.models.list(limit=2)
    assert [model.model_name for model in listed.data] == ["atiers", "b"]
    api.models.delete(made.id)
    assert made.id not in {model.id for model in api.models.list().data}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (FLAT | {"inputPrice": None}, "Must provide either flat prices (inputPrice/outputPrice/totalPrice) OR"),
        (FLAT | {"totalPrice": 1}, "If input and/or output price is set, total price must be null"),
        (FLAT | {"inputPrice": -1}, ""),
        (FLAT | {"unit": "WORDS"}, ""),
        (FLAT | {"pricingTiers": [_tier("a", 0, 1, isDefault=True)]}, "Must provide either flat prices"),
        (_tiered(_tier("a", 0, 1)), "Exactly one pricing tier must have isDefault: true"),
        (_tiered(*[_tier(n, 0, 1, isDefault=True) for n in "ab"]), "Only one pricing tier can have isDefault"),
        (_tiered(_tier("a", 1, 1, isDefault=True)), "Default pricing tier must have priority: 0"),
        (
            _tiered(_tier("a", 0, 1, isDefault=True, conditions=[CONDITION])),
            "Default pricing tier must have empty conditions array",
        ),
        (_tiered(_tier("a", 0, 1, isDefault=True), _tier("b", 1, 1)), 'Non-default pricing tier "b" must have at'),
        (
            _tiered(_tier("a", 0, 1, isDefault=True), _tier("b", 0, 1, conditions=[CONDITION])),
            "Pricing tier priorities must be unique within a model",
        ),
        (
            _tiered(_tier("a", 0, 1, isDefault=True), _tier("a", 1, 1, conditions=[CONDITION])),
            "Pricing tier names must be unique",
        ),
        (_tiered(_tier("a", 0, 1, isDefault=True, prices={})), 'Pricing tier "a" must have at least one price'),
        (
            _tiered(_tier("a", 0, 1, isDefault=True), _tier("b", 1, 1, conditions=[CONDITION], prices={"x": 1})),
            'Pricing tier "b" must have the same usage keys as the default tier. Expected: [input], Got: [x]',
        ),
    ],
)
def test_a_model_that_cannot_be_is_refused(box: Serving, body: dict[str, object], message: str) -> None:
    answer = box.client().post(MODELS, json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
    assert answer.json()["error"][0]["message"].startswith(message)


def test_names_are_unique_and_patterns_are_regular(box: Serving) -> None:
    client = box.client()
    assert client.post(MODELS, json=FLAT | {"modelName": "once"}).status_code == 200
    again = client.post(MODELS, json=FLAT | {"modelName": "once"})
    assert (again.status_code, again.json()["message"]) == (400, "Model name 'once' already exists in project")
    bad = client.post(MODELS, json=FLAT | {"modelName": "bad", "matchPattern": "("})
    assert bad.status_code == 400
    assert bad.json() == {
        "message": "matchPattern is not a valid regex pattern (Postgres)",
        "error": "InvalidRequestError",
    }
    assert client.get(f"{MODELS}/none").json()["message"] == "No model with this id found."
    assert client.delete(f"{MODELS}/none").status_code == 404
    assert client.put(f"{MODELS}/fresh", json=FLAT | {"modelName": "once"}).status_code == 400


def test_roles_are_kept_apart(box: Serving) -> None:
    assert box.client(Role.READER).post(MODELS, json=FLAT).status_code == 403
    assert box.client(Role.WRITER).get(MODELS).status_code == 403
    assert box.client(Role.WRITER).delete(f"{MODELS}/none").status_code == 403


@pytest.fixture(scope="module")
def _priced(box: Serving) -> None:
    client = box.client()
    day = 86_400_000_000_000
    large = _tier("large", 2, 0.2, conditions=[{"usageDetailPattern": "^INPUT", "operator": "gte", "value": 1000}])
    fast = _tier("fast", 1, 0.4, conditions=[{"source": "model_parameters", "key": "tier", "values": ["fast", "now"]}])
    body = _tiered(_tier("base", 0, 0.1, isDefault=True), large, fast)
    assert client.post(MODELS, json=body | {"modelName": "p", "matchPattern": "^p-"}).status_code == 200
    later = FLAT | {"modelName": "p2", "matchPattern": "^p-new", "inputPrice": 7, "startDate": "1970-01-02T00:00:00Z"}
    assert client.post(MODELS, json=later).status_code == 200
    assert day


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"model": "p-1", "usage_details": {"input": 3, "output": 9}}, {"input": 0.3, "total": 0.3}),
        ({"model": "p-1", "usage_details": {"input": 1000, "total": 5}}, {"input": 200.0, "total": 200.0}),
        ({"model": "p-1", "usage_details": {"input": 1}, "model_parameters": {"tier": "now"}},
         {"input": 0.4, "total": 0.4}),
        ({"model": "p-1", "usage_details": {"input": 1}, "cost_details": {"total": 9}}, {"total": 9}),
        ({"model": "other", "usage_details": {"input": 1}}, {}),
        ({"model": None, "usage_details": {"input": 1}}, {}),
        ({"model": "p-1", "usage_details": {"output": 1}}, {}),
        ({"model": "p-1"}, {}),
        ({"model": "p-new", "usage_details": {"input": 2}}, {"input": 0.2, "total": 0.2}),
        ({"model": "p-new", "usage_details": {"input": 2}, "start_time_ns": 86_400_000_000_000},
         {"input": 14.0, "total": 14.0}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_priced")
def test_an_observation_is_priced_by_the_tier_that_holds(
    box: Serving, fields: dict[str, object], cost: dict[str, float]
) -> None:
    given = {"id": "a" * 16, "trace_id": "b" * 32, "start_time_ns": 1, "end_time_ns": 1} | fields
    observation = Observation(**given)  # type: ignore[arg-type]  # the fields of the table
    with box.box.store.reading() as connection:
        (done,) = priced(connection, "default", [observation])
        prices = ModelPrices.of(connection, "default")
        model = prices.matching(observation.model, observation.start_time_ns)
    assert dict(done.cost_details) == cost
    assert (model is None) == (observation.model in (None, "other"))


def test_a_project_without_models_prices_nothing(box: Serving) -> None:
    observation = Observation(
        id="a" * 16, trace_id="b" * 32, start_time_ns=1, end_time_ns=1, model="p-1", usage_details={"input": 1}
    )
    with box.box.store.reading() as connection:
        assert priced(connection, "elsewhere", [observation]) == [observation]


def test_what_the_client_sends_is_priced_as_it_arrives(box: Serving, api: LangfuseAPI) -> None:
    made = api.models.create(
        model_name="end to end", match_pattern="(?i)^e2e-.*$", unit="TOKENS", input_price=0.25, output_price=0.5
    )
    key = box.keys[Role.ADMIN]
    langfuse = Langfuse(
        public_key=key.public_key, secret_key=key.secret_key, base_url=box.url, tracer_provider=TracerProvider()
    )
    try:
        usage = {"input": 4, "output": 2}
        with langfuse.start_as_current_observation(
            name="priced", as_type="generation", model="E2E-large", usage_details=usage
        ) as generation:
            trace_id = generation.trace_id
        langfuse.flush()
        (found,) = langfuse.api.observations.get_many(trace_id=trace_id, fields="core,basic,model,usage").data
    finally:
        langfuse.shutdown()
    assert found.cost_details == {"input": 1.0, "output": 1.0, "total": 2.0}
    assert found.model_id == made.id
    assert float(found.input_price) == 0.25

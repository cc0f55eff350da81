"""What a documented answer looks like: exactly which fields, and what each may hold."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def moment(value: Any) -> bool:
    """An ISO date with milliseconds in UTC, as JavaScript writes it."""
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value) is not None


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def mapping(value: Any) -> bool:
    return isinstance(value, dict)


def anything(_value: Any) -> bool:
    return True


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def numbers_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(number(one) for one in value.values())


def null(value: Any) -> bool:
    return value is None


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def one_of(*allowed: Any) -> Check:
    return lambda value: value in allowed


def assert_shape(value: Any, shape: Mapping[str, Check]) -> None:
    """Assert that an object has exactly the fields of the shape, each as described."""
    assert isinstance(value, dict), value
    assert sorted(value) == sorted(shape)
    wrong = {name: value[name] for name, check in shape.items() if not check(value[name])}
    assert wrong == {}


def assert_page(answer: Any, shape: Mapping[str, Check]) -> None:
    """Assert a numbered page: its rows and its meta."""
    assert sorted(answer) == ["data", "meta"]
    assert_shape(answer["meta"], PAGE_META)
    for row in answer["data"]:
        assert_shape(row, shape)


PAGE_META: Mapping[str, Check] = {"page": whole, "limit": whole, "totalItems": whole, "totalPages": whole}
LEVEL = one_of("DEBUG", "DEFAULT", "WARNING", "ERROR")

TRACE: Mapping[str, Check] = {
    "id": text,
    "externalId": null,
    "timestamp": moment,
    "name": optional(text),
    "userId": optional(text),
    "metadata": anything,
    "release": optional(text),
    "version": optional(text),
    "projectId": text,
    "environment": text,
    "public": flag,
    "bookmarked": flag,
    "tags": texts,
    "input": anything,
    "output": anything,
    "sessionId": optional(text),
    "createdAt": moment,
    "updatedAt": moment,
}
LISTED_TRACE: Mapping[str, Check] = {
    **TRACE,
    "observations": texts,
    "scores": texts,
    "totalCost": number,
    "latency": number,
    "htmlPath": text,
}
FULL_TRACE: Mapping[str, Check] = {**LISTED_TRACE, "observations": rows, "scores": rows}

USAGE: Mapping[str, Check] = {"unit": optional(text), "input": number, "output": number, "total": number}
OBSERVATION: Mapping[str, Check] = {
    "id": text,
    "projectId": text,
    "traceId": optional(text),
    "parentObservationId": optional(text),
    "name": optional(text),
    "type": text,
    "environment": text,
    "startTime": moment,
    "endTime": optional(moment),
    "version": optional(text),
    "createdAt": moment,
    "updatedAt": moment,
    "input": anything,
    "output": anything,
    "metadata": anything,
    "level": LEVEL,
    "statusMessage": optional(text),
    "model": optional(text),
    "modelParameters": anything,
    "completionStartTime": optional(moment),
    "promptId": optional(text),
    "promptName": optional(text),
    "promptVersion": optional(whole),
    "usageDetails": numbers_by_name,
    "costDetails": numbers_by_name,
    "usage": mapping,
    "unit": optional(text),
    "promptTokens": number,
    "completionTokens": number,
    "totalTokens": number,
    "usagePricingTierName": optional(text),
    "usagePricingTierId": optional(text),
    "modelId": optional(text),
    "inputPrice": optional(number),
    "outputPrice": optional(number),
    "totalPrice": optional(number),
    "calculatedInputCost": optional(number),
    "calculatedOutputCost": optional(number),
    "calculatedTotalCost": optional(number),
    "latency": optional(number),
    "timeToFirstToken": optional(number),
}

"""The current span within OpenTelemetry's context, and what a generator and its consumer see of each other's."""

from typing import Any, Final

from opentelemetry.context.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

SPAN_KEY: Final = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""The key under which OpenTelemetry keeps the current span, learned through its public API."""


def with_span(context: Context, span: Any) -> Context:
    """Return `context` with `span` as the current one; `None` for no span."""
    others = {key: value for key, value in context.items() if key != SPAN_KEY}
    return Context(others if span is None else {**others, SPAN_KEY: span})


def across(current: Context, left: Context, entered: Context) -> Context:
    """Return the context for the other side of a `yield`.

    Only the current span is each side's own. Whatever else one side has set since it was entered, such as baggage, is
    seen on the other, as in a generator that is not traced.

    Args:
        current: The context of the side that is left, as it is now.
        left: The same as it was when that side was entered.
        entered: The context of the other side, as it was when that side was left.
    """
    return entered if current is left else with_span(current, entered.get(SPAN_KEY))

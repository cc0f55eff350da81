"""Addresses of a trace's page and of its parts."""

from urllib.parse import quote, urlencode


def trace_href(trace_id: str, **parameters: str) -> str:
    """Return the address of a trace's page; what is empty is left out."""
    given = {name: value for name, value in parameters.items() if value}
    return f"/traces/{quote(trace_id)}" + (f"?{urlencode(given)}" if given else "")


def list_href(**parameters: str) -> str:
    """Return the address of the list of traces that have a value."""
    return f"/?{urlencode(parameters)}"

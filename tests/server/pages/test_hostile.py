"""Content that would like to be more than content, in every field."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from tests.server.pages import stored
from tests.server.pages.browsing import NARROW, WIDE, window
from tests.server.serving import Serving, serving

from certtrace import semconv
from certtrace.records.model import Observation, Score

EVIL = (
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)><style>*{display:none}</style>"
    '" onmouseover="alert(1)" autofocus onfocus=\'alert(1)\' </pre></title></textarea></details></table></select>'
    "<iframe src=https://evil.example/x></iframe><link rel=stylesheet href=https://evil.example/c.css>"
    "<meta http-equiv=refresh content='0;url=https://evil.example'><a href='javascript:alert(1)'>x</a>"
    "<form action=https://evil.example><base href=https://evil.example> https://evil.example/link "
    "{{ 7*191 }} {% for x in y %} ${7*191} <person:7f3a91c204> \u202etxt.exe\u202c \x00 \u200b \x1b[31m \ufeff "
    "&lt;b&gt; %3Cscript%3E"
)
ID = "3" * 32


def hostile(text: str, trace_id: str = ID) -> tuple[list[Observation], tuple[Score, ...]]:
    nested = orjson.dumps({text: [text, {text: text}]}).decode()
    messages = orjson.dumps([{"role": text, "content": text, text: text}, {"role": "user", "content": nested}]).decode()
    facts = {
        semconv.SUBMISSION_ID: text,
        semconv.CANDIDATE: {"person": text},
        semconv.FAILURE_CLASS: text,
        semconv.ERROR_TYPE: text,
        semconv.ROUTE: text,
        semconv.CONTENT_LOST: text,
        semconv.CRITERION_ID: text,
        semconv.PASS_INDEX: 1,
        text: text,
        semconv.SAMPLING: {"rule": text, "th": text},
        "nested": {text: [text]},
        "attributes": {text: text},
        semconv.REDACTION_RECEIPT: {"policy": text, "counts": {text: 1}, "operators": {text: 2}, "withheld": 1},
        "resourceAttributes": {"service.name": text, text: text},
        "scope": {"name": text},
    }
    root = Observation(
        id="a" * 16,
        trace_id=trace_id,
        name=text,
        type=text,
        level="ERROR",
        status_message=text,
        environment=text,
        release=text,
        version=text,
        user_id=text,
        session_id=text,
        trace_name=text,
        tags=(text, text + "2"),
        model=text,
        model_parameters={text: text},
        usage_details={text: 1, "total": 3},
        cost_details={text: 0.1, "total": 0.2},
        prompt_name=text,
        prompt_version=1,
        input=text,
        output=nested,
        metadata=facts,
        start_time_ns=stored.START_NS,
        end_time_ns=stored.START_NS + stored.SECOND,
    )
    below = dataclasses.replace(
        root, id="b" * 16, parent_observation_id=root.id, input=messages, output=text, type="GENERATION"
    )
    scores = tuple(
        Score(
            id=f"{at}{trace_id}",
            name=text,
            value=text,
            data_type="CATEGORICAL",
            comment=text,
            source=text,
            trace_id=trace_id,
            observation_id=observation_id,
            timestamp_ns=stored.START_NS,
        )
        for at, observation_id in enumerate((None, root.id))
    )
    return [root, below], scores


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("poisoned")) as box:
        observations, scores = hostile(EVIL)
        stored.write(box, *observations, scores=scores)
        yield box


PATHS = (
    "/",
    f"/traces/{ID}",
    f"/traces/{ID}?observation={'a' * 16}",
    f"/traces/{ID}?observation={'b' * 16}",
    *(f"/traces/{ID}?observation={'b' * 16}&whole={part}" for part in ("input", "output", "message", "metadata")),
)


def query_of(text: str) -> str:
    from urllib.parse import urlencode

    names = (
        "q",
        "service",
        "name",
        "environment",
        "session",
        "user",
        "candidate",
        "submission",
        "tag",
        "since",
        "until",
        "status",
    )
    return "/?" + urlencode(dict.fromkeys(names, text[:900]))


@pytest.mark.parametrize("width", [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)])
def test_nothing_that_was_recorded_runs_loads_or_leads_anywhere(chromium: Any, poisoned: Serving, width: int) -> None:
    with window(chromium, poisoned, width=width) as tab:
        for path in (*PATHS, query_of(EVIL), "/traces/" + query_of(EVIL)[2:], f"/sign-in{query_of(EVIL)[1:]}"):
            tab.go(path)
            own = tab.page.evaluate("document.querySelectorAll('script, iframe, img, base, object, embed').length")
            assert own == 0, path
            assert tab.page.locator("head > link").count() == 2
            assert (
                tab.page.locator(
                    "style, meta[http-equiv], a[href*='evil.example/'][href^='http'], a[href^='javascript']"
                ).count()
                == 0
            )
            assert tab.page.evaluate(
                "[...document.querySelectorAll('*')].every(element => [...element.attributes].every("
                "({name}) => !name.startsWith('on') && name !== 'style'))"
            )
            assert tab.page.locator("main").is_visible()
            assert "1337" not in tab.page.locator("main").inner_text()
            assert tab.page.evaluate(r"!/[\u202e\u0000\u200b\ufeff\u001b]/.test(document.body.innerText)")
            assert tab.overflow() <= 0, (path, tab.overflow())
        expected = "console Failed to load resource: the server responded with a status of 404 (Not Found)"
        assert [said for said in tab.complaints if said != expected] == []


@pytest.mark.slow
def test_what_was_recorded_is_seen_as_it_is(chromium: Any, poisoned: Serving) -> None:
    with window(chromium, poisoned) as tab:
        tab.go(f"/traces/{ID}?observation={'b' * 16}&whole=output")
        seen = tab.page.locator("pre").inner_text()
        for part in (
            "<script>alert(1)</script>",
            "{{ 7*191 }}",
            r"\u202etxt.exe\u202c",
            r"\x00",
            "https://evil.example/link",
            "&lt;b&gt;",
        ):
            assert part in seen, part


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["n" * 10_000, "عربي" * 2500, "\u0300" * 5000, "<" * 10_000, "a b " * 2500, "\n" * 10_000]
)
def test_very_long_names_stay_within_the_page(chromium: Any, tmp_path, text: str) -> None:
    with serving(tmp_path) as box:
        observations, scores = hostile(text)
        stored.write(box, *observations, scores=scores)
        for width in (WIDE, NARROW):
            with window(chromium, box, width=width) as tab:
                for path in PATHS[:4]:
                    tab.go(path)
                    assert tab.overflow() <= 0, path
                assert tab.complaints == []


@pytest.mark.slow
def test_values_of_a_megabyte_show_cut_and_whole(chromium: Any, tmp_path) -> None:
    with serving(tmp_path) as box:
        observations, scores = hostile("")
        big = dataclasses.replace(
            observations[0], name="big", type="SPAN", input=EVIL * 1000, output=orjson.dumps([EVIL] * 1000).decode()
        )
        stored.write(box, big, scores=scores)
        with window(chromium, box, width=NARROW) as tab:
            tab.go(f"/traces/{ID}")
            assert len(tab.page.content()) < 300_000
            tab.page.get_by_role("link", name="Show whole").first.click()
            tab.page.wait_for_url("**whole=input")
            assert tab.page.locator("pre").inner_text().count("evil.example/link") == 1000
            assert tab.overflow() <= 0
            assert tab.complaints == []

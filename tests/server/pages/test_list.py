"""The list of traces over HTTP."""

import re

import httpx
import pytest
from tests.server.pages import stored
from tests.server.pages.signing import signed_in
from tests.server.serving import Serving

_LINK = re.compile(r'class="row-link" href="/traces/([0-9a-f]{32})"')


def listed(client: httpx.Client, path: str = "/") -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return _LINK.findall(answer.text)


def test_failed_traces_stand_first_and_newest_first_is_one_link_away(reader: httpx.Client) -> None:
    assert listed(reader)[0] == stored.FAILED
    text = reader.get("/").text
    assert 'href="/?order=newest"' in text
    newest = listed(reader, "/?order=newest")
    assert set(newest[:2]) == {stored.FAILED, stored.GRADED}


def test_paging_shows_every_trace_once(reader: httpx.Client) -> None:
    for order in ("", "&order=newest"):
        path, found = f"/?service=&x=y{order}", []
        while path:
            page = reader.get(path).text
            found += _LINK.findall(page)
            older = re.search(r'rel="next" href="([^"]+)"', page)
            path = older[1].replace("&amp;", "&") if older else ""
        assert len(found) == len(set(found)) == 62


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("failed=1", {stored.FAILED}),
        ("status=error", {stored.FAILED}),
        ("failure=malformed_json", {stored.FAILED}),
        ("failure=rubric_missing", set()),
        ("name=grade.parse", {stored.FAILED, stored.GRADED}),
        ("service=grader", {stored.FAILED, stored.GRADED}),
        ("environment=staging&failed=1", {stored.FAILED}),
        ("session=attempt-1", {stored.FAILED, stored.GRADED}),
        ("user=user-1", {stored.FAILED, stored.GRADED}),
        ("candidate=person:7f3a91c204", {stored.FAILED, stored.GRADED}),
        ("candidate=%3Cperson:7f3a91c204%3E", {stored.FAILED, stored.GRADED}),
        ("submission=sa-01", {stored.FAILED, stored.GRADED}),
        ("tag=pilot", {stored.FAILED, stored.GRADED}),
        ("q=unexpected+end", {stored.FAILED, stored.GRADED}),
        ("q=unexpected+end&failed=1", {stored.FAILED}),
        ("since=2100-01-01", set()),
        ("until=2000-01-01", set()),
        ("tag=pilot&name=plain+100", set()),
    ],
)
def test_each_filter_is_an_address(reader: httpx.Client, query: str, expected: set[str]) -> None:
    assert set(listed(reader, f"/?{query}")) == expected


def test_each_filter_that_is_on_can_be_taken_off_alone(reader: httpx.Client) -> None:
    text = reader.get("/?failed=1&tag=pilot&order=newest").text
    assert 'href="/?tag=pilot&amp;order=newest"' in text
    assert 'href="/?failed=1&amp;order=newest"' in text
    assert '<a class="clear" href="/?order=newest">' in text


def test_a_filter_that_is_not_understood_says_so_and_is_left_out(reader: httpx.Client) -> None:
    for query in ("since=yesterday", "until=99999999999999", "status=fine", "within=x"):
        answer = reader.get(f"/?{query}")
        assert answer.status_code == 200
        assert "not applied" in answer.text


def test_nothing_that_matches_says_how_to_go_on(reader: httpx.Client) -> None:
    text = reader.get("/?name=none").text
    assert "Nothing matches" in text
    assert "clear all filters" in text


def test_an_empty_store_says_how_to_fill_it_without_any_key(empty: Serving) -> None:
    with signed_in(empty) as client:
        text = client.get("/").text
    assert "Nothing recorded yet" in text
    for variable in ("LANGFUSE_BASE_URL=" + empty.url, "LANGFUSE_PUBLIC_KEY=", "LANGFUSE_SECRET_KEY="):
        assert variable in text
    assert "sk-lf-" not in text


def test_the_list_says_how_many_there_are(reader: httpx.Client) -> None:
    text = re.sub(r"<[^>]+>", "", reader.get("/").text)
    assert "62 traces, 1 failed" in text


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=%00",
        "after=AAAA",
        "q=%00",
        "q=%22",
        "q=NEAR(",
        "q=*",
        "q=a" + "%20b" * 400,
        "q=%F0%9F%98%80",
        "q=%ff",
        "since=%00",
        "since=-1",
        "until=0001-01-01T00:00%2B14:00",
        "since=9999-12-31",
        "candidate=%3C%3E",
        "tag=" + "x" * 5000,
        "order=x",
        "status=%00",
        "since=999999w",
        "failed=0",
        "q=" + "%27" * 9,
    ],
)
def test_no_address_breaks_the_list(reader: httpx.Client, query: str) -> None:
    assert reader.get(f"/?{query}").status_code in (200, 400)


def test_a_failure_leads_to_all_traces_with_the_same_one(reader: httpx.Client) -> None:
    alike = 'href="/?failure=malformed_json"'
    assert alike in reader.get("/").text
    assert alike in reader.get(f"/traces/{stored.FAILED}").text
    assert alike not in reader.get(f"/traces/{stored.GRADED}").text
    text = reader.get("/?failure=malformed_json").text
    assert "<b>1</b> trace<" in text
    assert 'aria-label="Remove the filter failure malformed_json"' in text


def test_a_row_says_which_submission_it_graded(reader: httpx.Client) -> None:
    assert '<span class="of">sa-01</span>' in reader.get("/").text

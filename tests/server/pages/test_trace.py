"""The page of one trace over HTTP."""

import html
import re
import time

import httpx
import pytest
from tests.server.pages import stored
from tests.server.serving import Serving

from certtrace import semconv
from certtrace.records.model import TraceChange
from certtrace.records.store import StoreWriter

CALL = f"/traces/{stored.GRADED}?observation={20:016x}"
_TAG = re.compile(r"<[^>]+>")


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", _TAG.sub(" ", text)))


def section(text: str, title: str) -> str:
    return words(text.split(f'id="{title}"', 1)[1].split("</section>", 1)[0])


def test_the_head_says_what_the_trace_was_and_where_it_belongs(reader: httpx.Client) -> None:
    text = reader.get(f"/traces/{stored.GRADED}").text
    shown = words(text)
    for fact in (
        "answer.grade",
        "ok",
        "grade 2.5/4",
        "confidence 0.80",
        "passes 3",
        "observations 6",
        "tokens 1,234",
        "cost $0.0123",
    ):
        assert fact in shown, fact
    for link in (
        "/?service=grader",
        "/?environment=staging",
        "/?submission=sa-01",
        "/?candidate=%3Cperson%3A7f3a91c204%3E",
        "/?session=attempt-1",
        "/?user=user-1",
        "/?tag=pilot",
    ):
        assert f'href="{link}"' in text, link


def test_a_failed_trace_shows_where_it_failed_without_a_click(reader: httpx.Client) -> None:
    text = reader.get(f"/traces/{stored.FAILED}").text
    failed = section(text, "failures-title")
    assert "answer.grade" not in failed
    assert "grade.parse malformed_json, JSONDecodeError: unexpected end of data" in failed
    assert "grade.pass" not in failed
    assert "ERROR" in words(text) or "error" in words(text)


def test_passes_stand_side_by_side(reader: httpx.Client) -> None:
    table = section(reader.get(f"/traces/{stored.GRADED}").text, "passes-1")
    assert "pass 1 of 3 grade 2.5/4 confidence 0.81 grader-1 cached: no 1.00 s" in table
    assert "pass 2 of 3 grade 2.5/4 confidence 0.81 cached" in table
    assert "pass 3 of 3 grade – confidence – 1.00 s JSONDecodeError: unexpected end of data" in table


def test_an_observation_shows_everything_recorded_of_it(reader: httpx.Client) -> None:
    shown = words(reader.get(CALL).text.split('id="detail-title"')[1])
    for part in (
        "GENERATION llm.call",
        "model grader-1",
        "total tokens 1,234",
        "total cost $0.0123",
        "prompt grade v3",
        "system You grade one answer.",
        '"grade" : 2.5',
        "temperature 0.7",
        "tone calm",
        "withheld 1",
        "policy 0cba78ec5791",
    ):
        assert part in shown, part
    assert "2 PERSON 1 EMAIL" in shown


def test_redactions_are_marked_with_their_kind(reader: httpx.Client) -> None:
    text = reader.get(CALL).text
    said = "person, pseudonym: the same digits mean the same person"
    assert f'<span class="mark who" title="{said}">&lt;person:7f3a91c204&gt;</span>' in text
    assert '<span class="mark gone" title="email removed">[EMAIL]</span>' in text
    assert '<span class="mark held" title="exam-secret withheld, 383 characters' in text


def test_scores_receipt_and_sampling_of_the_trace_are_shown(reader: httpx.Client) -> None:
    text = reader.get(f"/traces/{stored.GRADED}").text
    assert "expert agrees true API as I would" in section(text, "scores-title")
    assert "4 PERSON 2 EMAIL withheld 2 drop 2 policy 0cba78ec5791" in section(text, "receipt-title")
    assert "rule error, certain" in section(text, "sampling-title")


def test_a_long_value_is_cut_and_has_a_page_of_its_own(filled: Serving, reader: httpx.Client) -> None:
    trace_id = f"{900:032x}"
    stored.write(
        filled, stored.step(trace_id, 1, start=-5000, input="x" * 50_000 + "END", metadata={"k": "m" * 9000 + "META"})
    )
    text = reader.get(f"/traces/{trace_id}").text
    assert "END" not in text
    assert "50,003 characters in all" in text
    address = html.unescape(re.search(r'href="([^"]+whole=input)"', text)[1])
    whole = reader.get(address)
    assert "x" * 50_000 + "END" in whole.text
    assert "META" in reader.get(address.replace("input", "metadata")).text
    assert reader.get(address.replace("input", "nothing")).status_code == 404
    assert reader.get(address.replace("input", "output")).status_code == 200


def test_the_trace_as_json_is_what_the_terminal_gives(reader: httpx.Client) -> None:
    answer = reader.get(f"/traces/{stored.GRADED}?format=json")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["trace_id"] == stored.GRADED
    assert len(answer.json()["observations"]) == 6


@pytest.mark.parametrize(
    "path",
    [
        "/traces/none",
        f"/traces/{stored.GRADED}?observation=none",
        "/traces/",
        "/traces/%00",
        "/traces/a/b",
        "/traces/%2e%2e%2f",
    ],
)
def test_what_is_not_there_says_so(reader: httpx.Client, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_content_that_was_lost_says_so(filled: Serving, reader: httpx.Client) -> None:
    trace_id = f"{901:032x}"
    stored.write(filled, stored.step(trace_id, 1, start=-5001, metadata={semconv.CONTENT_LOST: "crash"}))
    assert "Content lost: crash" in words(reader.get(f"/traces/{trace_id}").text)


def test_what_was_said_of_the_trace_itself_is_shown_also_without_observations(
    filled: Serving, reader: httpx.Client
) -> None:
    trace_id = f"{902:032x}"
    said = TraceChange(trace_id=trace_id, name="older client", input="asked " + "x" * 20_000 + "END", metadata={"k": 1})
    StoreWriter(filled.box.store).write("default", traces=[said])
    text = reader.get(f"/traces/{trace_id}").text
    assert "older client" in text
    assert "asked xxx" in text
    assert "no observation yet" in text
    whole = reader.get(f"/traces/{trace_id}?whole=input").text
    assert "END" in whole
    assert reader.get(f"/traces/{trace_id}?whole=message").status_code == 200


def test_ids_of_other_tools_work_too(filled: Serving, reader: httpx.Client) -> None:
    import dataclasses

    odd = dataclasses.replace(stored.step("odd/id ä?#&<b>", 1, start=-5002), id="o/1?x&y", input="found it")
    stored.write(filled, odd)
    page = reader.get("/?name=step+1&order=newest").text
    address = html.unescape(
        next(link for link in re.findall(r'class="row-link" href="([^"]+)"', page) if "odd" in link)
    )
    text = reader.get(address).text
    assert "found it" in text
    step = html.unescape(re.search(r'class="step" href="([^"]+)"', text)[1])
    assert "found it" in reader.get(step).text


def tree(trace_id: str, number: int, shape: str) -> list:
    parents = {"flat": lambda at: 1, "deep": lambda at: at - 1, "bushy": lambda at: max(at // 8, 1)}
    return [stored.step(trace_id, 1, start=-6000, took=number)] + [
        stored.step(trace_id, at, parents[shape](at), start=at - 6000, took=0.5, input="x" * 2000)
        for at in range(2, number + 1)
    ]


@pytest.mark.parametrize("shape", ["flat", "deep", "bushy"])
def test_a_tree_of_500_is_quick_and_whole(filled: Serving, reader: httpx.Client, shape: str) -> None:
    trace_id = f"{1000 + len(shape):032x}"
    stored.write(filled, *tree(trace_id, 500, shape))
    reader.get(f"/traces/{trace_id}")
    started = time.process_time()
    text = reader.get(f"/traces/{trace_id}").text
    assert time.process_time() - started < 3
    assert text.count('class="step"') == 500
    assert text.count("<details") == text.count("</details>")
    assert text.count("<ul") == text.count("</ul>")
    assert text.count("<li>") == text.count("</li>")
    nesting = deepest = 0
    for tag in re.findall(r"</?ul", text):
        nesting += -1 if "/" in tag else 1
        deepest = max(deepest, nesting)
    assert deepest <= 30
    everything = reader.get(f"/traces/{trace_id}?open=all").text
    assert everything.count('<details class="below" open>') == everything.count('<details class="below"')


def test_a_long_tree_is_folded_but_for_what_failed(filled: Serving, reader: httpx.Client) -> None:
    trace_id = f"{1100:032x}"
    steps = tree(trace_id, 400, "bushy")
    import dataclasses

    steps[-1] = dataclasses.replace(steps[-1], level="ERROR", status_message="here")
    stored.write(filled, *steps)
    text = reader.get(f"/traces/{trace_id}").text
    assert "Unfold all" in text
    before = text.split('id="row-', 1)[1].split("here</span>", 1)[0]
    open_lists = (
        before.count('<details class="below" open>')
        + before.count('<details class="below">')
        - before.count("</details>")
    )
    assert open_lists >= 1
    closed = re.findall(r'<details class="below"( open)?>', text)
    assert "" in closed

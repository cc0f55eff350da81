"""The shipped recognizer of names: what it finds, what it leaves, and that every way of asking agrees."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.ports import Recognized, Recognizer
from certtrace.redaction.recognize import weights
from certtrace.redaction.recognize.shipped import ShippedNames, load

ENGINES = [pytest.param(True, id="arrays"), pytest.param(False, id="integers")]


def names_in(text: str, *, sensitivity: str = "standard") -> list[str]:
    return [text[place.start : place.end] for place in load(sensitivity=sensitivity).recognize([text])[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Submitted by Ingrid Solheim on Monday.", ["Ingrid Solheim"]),
        ("Dear Tomasz,\nyour result is attached.", ["Tomasz"]),
        ("Dr. Okonkwo agreed with the first grader.", ["Okonkwo"]),
        ('{"candidate": "Wei-Ling Tan", "score": 4}', ["Wei-Ling Tan"]),
        ("ValueError: no candidate named Aylin Kaya", ["Aylin Kaya"]),
        ("Reviewed by Anna van der Berg.", ["Anna van der Berg"]),
        ("my name is priya raghunathan and i would use a queue", ["priya raghunathan"]),
        ("Miriam's answer is better than Farid's.", ["Miriam", "Farid"]),
        ("Author: J. Haverkamp", ["J. Haverkamp"]),
        ("Kind regards,\nSiobhán O'Connell", ["Siobhán O'Connell"]),
    ],
    ids=lambda value: re.sub(r"\W+", "-", value)[:32] if isinstance(value, str) else "",
)
def test_people_are_found_whole(text: str, expected: list[str]) -> None:
    assert names_in(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "We use Kafka in front of Jenkins and store the session in Redis.",
        "By Conway's law the team layout drives the module layout.",
        "Dijkstra's algorithm finds the shortest path; a Bloom filter saves lookups.",
        "Score 4: names the right pattern (Saga) but no reason for Prometheus.",
        "## Consequences\n- **Advantages:** easier to test\n- **Disadvantages:** higher cost",
        "The data centre in Frankfurt failed on Wednesday.",
        "(A, B, drop) because C is not on the path from A to D",
        "Dear candidate, your result is attached.",
        "OSPF floods link state; the Router decrements the TTL.",
        "As Martin Fowler writes, a microservice is built around a business capability.",
        "name: grader\nimage: registry/grader:1.4",
    ],
    ids=lambda text: re.sub(r"\W+", "-", text)[:32],
)
def test_words_of_the_trade_are_left_alone(text: str) -> None:
    assert names_in(text) == []


def test_a_quoted_author_of_the_trade_stays_and_a_candidate_of_that_name_does_not() -> None:
    assert names_in("According to Martin Fowler this is a smell.") == []
    assert names_in("Candidate: Martin Fowler\nScore: 3") == ["Martin Fowler"]
    assert names_in("According to Martin Fowler this is a smell.", sensitivity="high") == ["Martin Fowler"]


def test_high_sensitivity_finds_all_that_standard_finds() -> None:
    texts = ["Ask Marek or the tutor.", "We met Lupita in Rome.", "Zoltan says it scales.", "Grading by R. Achterberg"]
    for standard, high in zip(load().recognize(texts), load(sensitivity="high").recognize(texts), strict=True):
        covered = {place for found in high for place in range(found.start, found.end)}
        assert all(place in covered for found in standard for place in range(found.start, found.end))


def test_it_is_a_recognizer() -> None:
    recognizer: Recognizer = load()
    assert recognizer.name == "names"
    assert recognizer.recognize(["Graded by Ingrid Solheim."]) == [[Recognized(10, 24, "PERSON")]]
    assert recognizer.recognize([]) == []
    assert recognizer.recognize([""]) == [[]]


def test_the_model_says_where_it_comes_from() -> None:
    provenance = load().provenance
    assert provenance["seed"] == 7
    assert "train_names.py" in provenance["command"]
    assert all(source["licence"] and source["by"] for source in provenance["sources"])


def test_the_model_is_small() -> None:
    assert weights.SHIPPED.stat().st_size < 3_000_000


def test_an_unknown_sensitivity_is_refused() -> None:
    with pytest.raises(ValueError, match="standard or high"):
        ShippedNames(sensitivity="low")  # type: ignore[arg-type]  # the refusal is what is tested


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.model"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"other\.model is no model"):
        ShippedNames(path=path)


def test_a_stored_model_is_read_back_as_it_was(tmp_path: Path) -> None:
    model = weights.load()
    weights.store(model, tmp_path / "again.model")
    assert weights.load(tmp_path / "again.model") == model


_PIECES = """
Ingrid Solheim Kafka the candidate van der Berg O'Neil Jean-Luc said , . : " ( ) ' 42 x 3 _ @ ß İ ŉ é ﬁ 王伟 Ольга 😀
Dr. von MARIA J. _id Ada's ١٢ --
"""
WORDS = st.sampled_from([*_PIECES.split(), "\n", "\n\n", "\t", "\ud800", "\u200d", "\u0301"])
TEXTS = st.one_of(
    st.lists(WORDS, max_size=40).map(" ".join),
    st.lists(WORDS, max_size=20).map("".join),
    st.text(max_size=60),
)


@given(texts=st.lists(TEXTS, max_size=6))
@settings(max_examples=150, deadline=None)
def test_both_engines_and_every_batch_find_the_same(texts: list[str]) -> None:
    arrays, integers = _engine(arrays=True), _engine(arrays=False)
    together = arrays.recognize(texts)
    assert together == integers.recognize(texts)
    assert together == [arrays.recognize([text])[0] for text in texts]


@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_findings_lie_in_the_text_in_order_and_apart(text: str) -> None:
    last = 0
    for found in _engine(arrays=True).recognize([text])[0]:
        assert last <= found.start < found.end <= len(text)
        last = found.end


_ENGINES: dict[bool, ShippedNames] = {}


def _engine(*, arrays: bool) -> ShippedNames:
    if arrays not in _ENGINES:
        if arrays:
            pytest.importorskip("numpy", reason="the extra `names` is not installed")
        _ENGINES[arrays] = ShippedNames(sensitivity="high", arrays=arrays)
    return _ENGINES[arrays]


@pytest.mark.parametrize("arrays", ENGINES)
def test_a_long_text_is_read_without_a_seam(arrays: bool) -> None:
    sentence = "The answer of Ingrid Solheim covers the broker. "
    text = sentence * 1_200
    found = _engine(arrays=arrays).recognize([text])[0]
    assert [place.start for place in found] == [len(sentence) * at + 14 for at in range(1_200)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(" " * 400_000, id="spaces"),
        pytest.param("\n" * 400_000, id="lines"),
        pytest.param("A" * 400_000, id="one-word"),
        pytest.param("A-" * 200_000, id="hyphens"),
        pytest.param("O'" * 200_000, id="apostrophes"),
        pytest.param("7" * 400_000, id="digits"),
        pytest.param("van der " * 50_000, id="particles"),
        pytest.param("J. " * 100_000, id="initials"),
        pytest.param("\ud800" * 100_000, id="surrogates"),
        pytest.param("王" * 400_000, id="no-spaces"),
    ],
)
def test_no_text_takes_more_than_linear_time(text: str) -> None:
    recognizer = _engine(arrays=True)
    half = _seconds(recognizer, text[: len(text) // 2])
    # Twice the text may take twice the time; the rest is room for other work on the machine.
    assert _seconds(recognizer, text) < 4 * half + 1.0


def _seconds(recognizer: ShippedNames, text: str) -> float:
    begin = time.thread_time()
    recognizer.recognize([text])
    return time.thread_time() - begin


def test_distinct_words_without_end_are_forgotten_in_time() -> None:
    recognizer = _engine(arrays=True)
    text = " ".join(f"Q{at:x}z".translate(str.maketrans("0123456789", "ghijklmnop")) for at in range(34_000))
    before = recognizer.recognize(["Graded by Ingrid Solheim."])
    recognizer.recognize([text])
    assert recognizer.recognize(["Graded by Ingrid Solheim."]) == before


_WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
from certtrace.redaction.recognize.shipped import ShippedNames
print(ShippedNames().recognize(["Graded by Ingrid Solheim."])[0][0].start)
try:
    ShippedNames(arrays=True)
except ImportError:
    print("refused")
"""


def test_names_are_found_without_numpy() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT_NUMPY], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["10", "refused"]


def test_words_quoted_in_an_identifier_are_no_names() -> None:
    assert names_in("call get_maria_id(), then /home/anna7/x and sk_live_KevinQ9") == []

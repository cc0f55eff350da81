import sqlite3

import pytest
from tests.records.filling import START_NS, observation, score, trace_id

from certtrace.records.database import Database
from certtrace.records.model import ObservationChange, TraceChange
from certtrace.records.removal import remove_scores, remove_traces
from certtrace.records.search import SearchIndex, locate, query_of
from certtrace.records.search.words import words_of
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.records.store import StoreWriter


@pytest.fixture
def store(tmp_path):
    made = Database(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def writer(store):
    return StoreWriter(store)


def found(store, text, project="p", **conditions):
    SearchIndex(store).catch_up(10)
    source = StoreSource(store, project)
    ids, cursor = [], None
    while True:
        page = source.list_traces(TraceFilter(text=text, **conditions), limit=2, cursor=cursor)
        ids += [int(each.trace_id, 16) for each in page.traces]
        cursor = page.cursor
        if cursor is None:
            return ids


def files(store):
    """Return everything that the store has on disk."""
    return b"".join(path.read_bytes() for path in store.path.parent.iterdir())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("llm_timeout grade.pass sub-12", ["llm", "timeout", "grade", "pass", "sub", "12"]),
        ("Größe ÄÖÜ naïve", ["grosse", "aou", "naive"]),
        ('{"a": "one\\ntwo \\u00e4rger \\"x\\""}', ["a", "one", "two", "arger", "x"]),
        ("C:\\new", ["c", "new"]),
        ("採点の結果", ["採", "点", "の", "結", "果"]),
        ("x" * 99, ["x" * 40]),
        ("", []),
        ("\0 \ud800", ["\ud800"]),
    ],
)
def test_text_becomes_words(text, words):
    if "\ud800" in text:
        assert words_of(text) in (words, [])
    else:
        assert words_of(text) == words


def test_words_phrases_and_beginnings_are_told_apart():
    query = query_of('rubric "missing answer" grad* sub-12 ""')
    assert query.parts == (("rubric",), ("missing", "answer"), ("sub", "12"))
    assert query.beginnings == ("grad",)
    assert query.phrases == (("missing", "answer"), ("sub", "12"))
    assert not query_of(' "" * !! ')


@pytest.mark.parametrize(
    "field", ["name", "input", "output", "status_message", "user_id", "session_id", "trace_name", "model"]
)
def test_every_text_of_an_observation_is_searched(store, writer, field):
    writer.write("p", [observation(1, **{field: "a quokka here"}), observation(2)])
    assert found(store, "quokka") == [1]
    assert found(store, "wombat") == []


def test_metadata_tags_ids_scores_and_what_is_said_of_a_trace_are_searched(store, writer):
    one = observation(1, metadata={"note": {"deep": "quokka"}}, tags=("marsupial",))
    writer.write(
        "p",
        [one],
        [score(2, comment="kindly wombat"), score(2, value="numbat", data_type="CATEGORICAL"), score(None)],
        traces=[TraceChange(trace_id=trace_id(2), name="bandicoot", input='["dunnart"]', timestamp_ns=START_NS)],
    )
    assert found(store, "quokka marsupial") == [1]
    assert found(store, one.id) == [1]
    assert found(store, trace_id(1)) == [1]
    for word in ("wombat", "numbat", "bandicoot", "dunnart"):
        assert found(store, word) == [2]


def test_all_words_must_be_there_and_phrases_in_order(store, writer):
    writer.write("p", [observation(1, input="the red fox jumps"), observation(2, input="fox red", output="the")])
    assert found(store, "red fox") == [1, 2] or found(store, "red fox") == [2, 1]
    assert found(store, '"red fox"') == [1]
    assert found(store, '"fox the"') == []
    assert found(store, "jum*") == [1]
    assert found(store, '"RED fox" ju*') == [1]


@pytest.mark.parametrize(
    "text",
    ['"', "NEAR(a b)", "a OR b", "input:x", "^a", "a*b", "-", "'; DROP TABLE traces", "\0", "%", "(" * 900, "NOT", "*"],
)
def test_no_text_is_an_error(store, writer, text):
    writer.write("p", [observation(1, input="something else")])
    assert found(store, text) == []


def test_blank_text_is_no_condition(store, writer):
    writer.write("p", [observation(1)])
    assert found(store, "  ") == [1]


def test_the_other_conditions_hold_beside_the_text_and_projects_stay_apart(store, writer):
    writer.write(
        "p",
        [
            observation(1, input="quokka", user_id="u", environment="staging", start_time_ns=START_NS),
            observation(2, input="quokka", level="ERROR", start_time_ns=START_NS + 5),
            observation(3, input="nothing", user_id="u"),
        ],
    )
    writer.write("q", [observation(4, input="quokka")])
    assert found(store, "quokka") == [2, 1]
    assert found(store, "quokka", user_id="u") == [1]
    assert found(store, "quokka", environment="staging") == [1]
    assert found(store, "quokka", failed=True) == [2]
    assert found(store, "quokka", status="error") == [2]
    assert found(store, "quokka", until_ns=START_NS + 5) == [1]
    assert found(store, "quokka", project="q") == [4]


@pytest.mark.parametrize("few", [0, 10_000])
def test_pages_of_a_search_follow_each_other_without_gap_or_repetition(store, writer, few, monkeypatch):
    monkeypatch.setattr("certtrace.records.selecting._FEW", few)
    monkeypatch.setattr("certtrace.records.selecting._AT_ONCE", 7)
    writer.write(
        "p",
        [observation(n, input="red fox" if n % 3 else "fox red", start_time_ns=START_NS + n % 4) for n in range(1, 60)],
    )
    expected = sorted((n for n in range(1, 60) if n % 3), key=lambda n: (n % 4, n), reverse=True)
    assert found(store, '"red fox"') == expected


def test_what_was_replaced_is_found_by_its_new_words_only(store, writer):
    one = observation(1, input="quokka")
    writer.write("p", [one])
    assert found(store, "quokka") == [1]
    writer.write("p", changes=[ObservationChange(id=one.id, trace_id=one.trace_id, values={"input": "wombat"})])
    assert found(store, "quokka") == []
    assert found(store, "wombat") == [1]
    writer.write("p", scores=[score(1, id="s", comment="numbat")])
    assert found(store, "numbat") == [1]
    writer.write("p", scores=[score(1, id="s", comment="dunnart")])
    assert (found(store, "numbat"), found(store, "dunnart")) == ([], [1])


def test_what_was_replaced_before_it_was_indexed_is_indexed_once(store, writer):
    one = observation(1, input="quokka")
    writer.write("p", [one])
    writer.write("p", changes=[ObservationChange(id=one.id, trace_id=one.trace_id, values={"output": "wombat"})])
    assert found(store, "quokka wombat") == [1]
    with store.reading() as connection:
        documents = [row["documents"] for row in connection.execute("SELECT documents FROM search_chunks")]
    assert documents == [1]


@pytest.mark.parametrize("indexed", [True, False])
def test_deleting_a_trace_takes_its_words_off_the_disk(store, writer, indexed):
    secret = "xylophonist"
    writer.write(
        "p",
        [observation(1, input=f"{secret} plays"), observation(2, input="plays on")],
        [score(1, comment=f"{secret}s")],
        traces=[TraceChange(trace_id=trace_id(1), name=secret, timestamp_ns=START_NS)],
    )
    if indexed:
        assert found(store, secret) == [1]
    assert secret.encode() in files(store)
    assert remove_traces(store, "p", [trace_id(1), trace_id(9)]) == 1
    assert secret.encode() not in files(store)
    assert found(store, "plays") == [2]
    with store.reading() as connection:
        left = {row["word"] for row in connection.execute("SELECT word FROM search_words WHERE kind <> 0")}
        counts = tuple(connection.execute("SELECT * FROM counts").fetchone())
    assert left == set()
    assert counts == ("p", 1, 1, 0)


def test_deleting_a_score_takes_its_words_along(store, writer):
    writer.write("p", [observation(1)], [score(1, id="s", comment="xylophonist")])
    assert found(store, "xylophonist") == [1]
    assert remove_scores(store, "p", ["s"]) == 1
    assert found(store, "xylophonist") == []
    assert b"xylophonist" not in files(store)


def test_a_number_is_never_given_twice(store, writer):
    writer.write("p", [observation(1, input="quokka")])
    assert found(store, "quokka") == [1]
    remove_traces(store, "p", [trace_id(1)])
    writer.write("p", [observation(2, input="wombat")])
    assert found(store, "wombat") == [2]


def test_words_longer_than_any_are_found_whole(store, writer):
    word, other = "a" * 60, "a" * 40 + "b"
    writer.write("p", [observation(1, input=f"{word} {other}")])
    assert found(store, word) == [1]
    remove_traces(store, "p", [trace_id(1)])
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM search_words").fetchone()[0] == 0


def test_more_than_one_stretch_of_records_is_searched(store, writer):
    for first in range(0, 9000, 3000):
        writer.write("p", [observation(1 + n // 10, input=f"fox n{n}") for n in range(first, first + 3000)])
    assert found(store, "n8999") == [900]
    assert found(store, "n1 fox") == [1]
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM search_chunks").fetchone()[0] == 3


def test_catching_up_says_what_is_left_and_a_busy_store_is_left_for_later(store, writer):
    writer.write("p", [observation(1)])
    index = SearchIndex(store)
    assert index.catch_up(0) == 1
    blocker = sqlite3.connect(store.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert index.catch_up(5) == 1
    blocker.execute("ROLLBACK")
    blocker.close()
    assert index.catch_up(5) == 0


def test_what_changes_between_reading_and_indexing_is_indexed_as_it_is_then(store, writer, monkeypatch):
    one, two = observation(1, input="quokka"), observation(2, input="numbat")
    writer.write("p", [one, two])
    original, done = Database.writing, []

    def slipped(self, busy_seconds=None):
        if not done:
            done.append(True)
            writer.write("p", changes=[ObservationChange(id=one.id, trace_id=one.trace_id, values={"input": "wombat"})])
            remove_traces(store, "p", [two.trace_id])
        return original(self, busy_seconds)

    index = SearchIndex(store)
    with monkeypatch.context() as patched:
        patched.setattr(Database, "writing", slipped)
        index.catch_up(5)
    assert done
    assert (found(store, "wombat"), found(store, "quokka"), found(store, "numbat")) == ([1], [], [])
    with store.reading() as connection:
        words = {row["word"] for row in connection.execute("SELECT word FROM search_words")}
    assert not words & {"quokka", "numbat"}


def test_an_observation_is_located_by_its_id_alone_indexed_or_not(store, writer):
    one, two = observation(1), observation(2)
    writer.write("p", [one])
    SearchIndex(store).catch_up(5)
    writer.write("p", [two, observation(3, id=one.id)])
    writer.write("q", [observation(4, id=two.id), observation(5, id="any-Id é"), observation(6, id="--")])
    with store.reading() as connection:
        assert sorted(locate(connection, "p", one.id)) == [trace_id(1), trace_id(3)]
        assert locate(connection, "p", two.id) == [trace_id(2)]
        assert locate(connection, "p", "f" * 16) == []
        assert locate(connection, "q", "any-Id é") == [trace_id(5)]
        assert locate(connection, "q", "--") == [trace_id(6)]
    SearchIndex(store).catch_up(5)
    with store.reading() as connection:
        assert locate(connection, "q", "any-Id é") == [trace_id(5)]
        assert locate(connection, "q", "--") == [trace_id(6)]

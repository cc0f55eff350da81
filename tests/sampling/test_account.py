import threading
from dataclasses import asdict, replace

import orjson
import pytest

from certtrace.sampling.account import Account, AccountSnapshot, Handover, Passage


@pytest.fixture
def account():
    return Account(threading.Lock(), "grading")


def test_kept_and_dropped_units_are_counted_by_service_rule_and_reason(account):
    account.count_kept("error")
    account.count_kept("baseline")
    account.count_kept("baseline", "capture")
    account.dropped("baseline")
    account.dropped("spool_full", "error")
    account.dropped("spool_full", "baseline")
    snapshot = account.snapshot(["error"])
    assert snapshot.kept == 4
    assert snapshot.kept_by_rule == {"error": 2, "baseline": 2}
    assert snapshot.dropped == {"baseline": 1, "spool_full": 2}
    own = snapshot.by_service["grading"]
    assert own.kept == {"error": 2, "baseline": 1}
    assert own.dropped == {"baseline": {"baseline": 1}, "spool_full": {"error": 1, "baseline": 1}}
    assert snapshot.by_service["capture"].kept == {"baseline": 1}
    orjson.dumps(asdict(snapshot))


def test_the_account_balances_with_what_the_tracer_adds(account):
    account.count_kept("error")
    account.count_kept("error", "capture")
    account.dropped("baseline")
    whole = account.snapshot([]).with_undecided(started=8, open_units=3, pending=2)
    assert whole.balanced
    assert whole.describe() == "8 started = 3 open + 2 pending + 2 kept + 1 dropped (baseline)"
    own = whole.by_service["grading"]
    assert (own.started, own.open, own.pending) == (7, 3, 2)
    assert whole.by_service["capture"].started == 1


def test_an_account_that_is_off_says_by_how_much():
    assert AccountSnapshot(started=5, kept=3).describe() == "5 started, but 3 kept: 2 nowhere"
    assert AccountSnapshot(started=5, kept=6).describe() == "5 started, but 6 kept: 1 counted twice"
    assert AccountSnapshot().describe() == "0 started = 0"
    assert not AccountSnapshot(started=5, kept=3).balanced


def test_counting_from_many_threads_loses_nothing():
    lock = threading.Lock()
    account = Account(lock)

    def work(number):
        for n in range(3_000):
            account.dropped(f"reason {n % 3}", f"rule {number % 2}")
            with lock:
                account.count_kept(f"rule {n % 2}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with lock:
        snapshot = account.snapshot([])
    assert snapshot.kept_by_rule == {"rule 0": 6_000, "rule 1": 6_000}
    assert snapshot.dropped == {f"reason {n}": 4_000 for n in range(3)}
    assert snapshot.by_service[""].dropped["reason 0"] == {"rule 0": 2_000, "rule 1": 2_000}


def test_every_record_is_somewhere_on_its_way_to_a_destination():
    passage = Passage("store", records=9, spooled=2, delivered=4, dead_lettered=1, degraded=2)
    assert passage.balanced
    text = "store: 9 records = 2 spooled + 4 delivered + 1 dead-lettered + 2 degraded"
    assert passage.describe() == text
    lost = replace(passage, delivered=3)
    assert not lost.balanced
    assert lost.describe().endswith(": 1 nowhere")
    assert replace(lost, lost=1).balanced
    assert (lost.off, replace(lost, lost=3).off) == (1, 2)


def test_account_and_spool_agree_on_what_is_kept():
    handover = Handover(accepted=9, kept=6, begun=1, recalled=1, accepting=1, taken=10, waiting=3, settled=7)
    assert handover.balanced
    text = "9 accepted = 6 kept + 1 begun + 1 recalled + 1 accepting; 10 accepted = 3 waiting + 7 settled"
    assert handover.describe() == text
    unkept = replace(handover, kept=5, settled=9)
    assert unkept.off == 3
    assert unkept.describe().split("; ") == [
        "9 accepted, but 5 kept + 1 begun + 1 recalled + 1 accepting: 1 nowhere",
        "10 accepted, but 3 waiting + 9 settled: 2 counted twice",
    ]


def test_what_is_brought_back_for_another_process_was_never_dropped_here():
    lock = threading.RLock()
    account = Account(lock)
    account.dropped("baseline")
    account.promoted("")
    account.promoted("baseline")
    account.promoted("baseline")
    with lock:
        snapshot = account.snapshot([])
    assert (snapshot.kept_by_rule, snapshot.dropped, account.recalled) == ({"promoted": 1}, {}, 2)


def test_a_unit_dropped_at_its_start_is_started_and_dropped_at_once():
    account = Account(threading.RLock())
    account.dropped_at_start("drop_rule", "health")
    assert (account.at_start, account.snapshot([]).dropped) == (1, {"drop_rule": 1})

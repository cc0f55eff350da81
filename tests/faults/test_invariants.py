"""Whatever host and backend do at once: the account balances meanwhile, and at the end every kept unit arrived."""

import asyncio
import json
import random
import threading
import time
from collections import Counter

import pytest
from tests.faults.service import Service, attributes_of, start, wait_until

import certtrace
from certtrace import assembly, current_span, semconv, span, traced

THREADS = 4
SAMPLING = semconv.metadata(semconv.SAMPLING)


@traced(name="work")
def work(chance, depth=0):
    if chance.random() < 0.1:
        raise ValueError("told")
    if depth < 3 and chance.random() < 0.5:
        work(chance, depth + 1)


@traced(name="stream")
def stream(chance):
    for number in range(5):
        yield chance.random() + number


@traced(name="cancelled")
async def sleeper():
    await asyncio.sleep(60)


async def cancel():
    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Host:
    """One thread of a host that does a little of everything, by chance."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.units = 0
        self._headers = []
        self._late = []

    def run(self, until):
        while time.monotonic() < until:
            step = self.chance.choice(
                [self.call, self.fail, self.abandon, self.late, self.share, self.score, self.drop]
            )
            try:
                step()
            except ValueError:
                continue
        asyncio.run(cancel())
        for each in self._late:
            each("late")

    def call(self):
        with span("unit"):
            work(self.chance)

    def fail(self):
        with span("unit") as handle:
            handle.set_attribute(semconv.CONFIDENCE, self.chance.random())
            raise ValueError("told")

    def abandon(self):
        with span("unit"):
            next(stream(self.chance))

    def late(self):
        with span("unit"):
            self._late.append(certtrace.in_context(traced(name="late")(len)))
        if len(self._late) > 5:
            self._late.pop(self.chance.randrange(5))("late")

    def share(self):
        headers = {}
        with span("unit"):
            certtrace.inject(headers)
        self._headers.append(headers)
        with certtrace.continue_trace(self.chance.choice(self._headers[-20:])), span("consume"):
            work(self.chance)

    def score(self):
        with span("unit") as handle:
            handle.score("quality", self.chance.random())
            if self.chance.random() < 0.3:
                current_span().keep()
        handle.score("afterwards", 1.0)

    def drop(self):
        with span("health"), span("below"):
            pass


class Backend:
    """Answers by chance: takes, refuses for now, refuses for good, breaks off, hangs; until it is mended."""

    def __init__(self, sink, seed):
        self._sink = sink
        self._chance = random.Random(seed)
        self.mended = False

    def __call__(self, request):
        answer = self._sink.Answer
        if self.mended:
            return answer()
        kind = self._chance.choice(["take", "take", "500", "503", "400", "reset", "hang"])
        if kind == "take":
            return answer()
        if kind in {"reset", "hang"}:
            return answer(behaviour=kind)
        return answer(status=int(kind), headers=(("Retry-After", "0"),) if kind == "503" else ())


class Watch:
    """Reads every sum over and over, on a thread of its own, and keeps what must not be."""

    def __init__(self, *, promotes=False):
        self.readings = 0
        self.wrong = []
        self._promotes = promotes
        self._before = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.002):
            status = assembly.status()
            self.readings += 1
            if not status.balanced:
                self.wrong.append(status.describe())
            if self._before is not None and not _grew(self._before, status.account, promotes=self._promotes):
                self.wrong.append((self._before, status.account))
            self._before = status.account


def _grew(before, after, *, promotes):
    dropped = promotes or all(after.dropped.get(reason, 0) >= count for reason, count in before.dropped.items())
    kept = all(after.kept_by_rule.get(rule, 0) >= count for rule, count in before.kept_by_rule.items())
    return after.started >= before.started and dropped and kept


def churn(seed, seconds):
    hosts = [Host(seed * 100 + number) for number in range(THREADS)]
    until = time.monotonic() + seconds
    running = [threading.Thread(target=host.run, args=(until,)) for host in hosts]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(seconds + 60)
        assert not thread.is_alive()


def assert_everything_is_somewhere(service: Service, watch: Watch):
    assert watch.wrong == []
    assert watch.readings > 50
    running = assembly.current_running()
    status = assembly.status()
    account = status.account
    assert status.balanced
    assert (account.open, account.pending, status.account_faults) == (0, 0, 0)
    assert set(account.dropped) <= {"baseline", "drop_rule"}
    counters = running.spool.counters()
    assert counters.accepted == account.kept
    assert status.faults == {}
    assert status.withheld == 0
    # Exactly the kept units, each with all its spans, in the store; the server has them too, or a dead letter has.
    stored = service.stored()
    assert sum(stored.values()) == status.spans
    assert not {"health", "below"} & stored.keys()
    lanes = running.delivery.status().destinations
    for name, passage in status.passages.items():
        assert (passage.spooled, passage.degraded, passage.lost) == (0, 0, 0)
        assert passage.delivered == lanes[name].delivered
        assert passage.records == counters.records
    assert lanes["store"].dead_lettered == 0
    sent = {found.span_id: found for found in service.sent()}
    letters = lanes["langfuse"].dead_lettered
    assert len(sent) <= status.spans
    if letters == 0:
        assert Counter(found.name for found in sent.values()) == stored
    else:
        # What was refused for good came without its content, or as a dead letter: nothing is missing without a trace.
        assert status.spans - len(sent) <= letters * 40
    return letters


@pytest.mark.parametrize("seed", [1])
def test_the_account_balances_under_everything_at_once(configured, home, sink, seed):
    backend = Backend(sink, seed)
    sink.answer = backend
    service = start(
        configured,
        home,
        sink,
        sample_rate=0.3,
        drop_names={"health"},
        delivery_timeout_seconds=0.3,
        shutdown_timeout_seconds=1,
    )
    with Watch() as watch:
        churn(seed, 0.8)
        backend.mended = True
        sink.released.set()
        assembly.current_running().delivery.retry_now()
        assert wait_until(lambda: certtrace.force_flush(5).delivered, 120)
    assert_everything_is_somewhere(service, watch)


def test_without_rejections_every_kept_span_arrives_exactly_once_per_id(configured, home, sink):
    backend = Backend(sink, 3)
    sink.answer = lambda request: answer if (answer := backend(request)).status != 400 else sink.Answer()
    service = start(configured, home, sink, sample_rate=0.5, drop_names={"health"}, delivery_timeout_seconds=0.3)
    with Watch() as watch:
        churn(3, 0.8)
        backend.mended = True
        sink.released.set()
        assembly.current_running().delivery.retry_now()
        assert wait_until(lambda: certtrace.force_flush(5).delivered, 120)
    assert assert_everything_is_somewhere(service, watch) == 0
    rules = {json.loads(attributes_of(found)[SAMPLING])["rule"] for found in service.sent()}
    assert {"baseline", "error", "cancelled", "forced"} <= rules


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_the_account_balances_for_longer(configured, home, sink, seed):
    backend = Backend(sink, seed)
    sink.answer = backend
    service = start(configured, home, sink, sample_rate=0.1, drop_names={"health"}, delivery_timeout_seconds=0.3)
    with Watch() as watch:
        churn(seed, 3)
        backend.mended = True
        sink.released.set()
        assembly.current_running().delivery.retry_now()
        assert wait_until(lambda: certtrace.force_flush(5).delivered, 240)
    assert_everything_is_somewhere(service, watch)

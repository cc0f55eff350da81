"""What another process can read of a destination that takes nothing."""

import time
from pathlib import Path
from typing import Any

from tests.faults.network import quick, send  # noqa: F401 - fixtures
from tests.faults.service import wait_until

from certtrace.delivery.trouble import Trouble, troubles


def test_trouble_can_be_read_while_it_lasts(send: Any, sink: Any, quick: None) -> None:  # noqa: F811
    sink.answer = lambda _: sink.Answer(401)
    sending = send(sink.url)
    directory = sending.spool.path
    before = time.time_ns()
    sending.write("unit")
    assert wait_until(lambda: list(troubles(directory)))

    (found,) = troubles(directory)
    assert (found.destination, found.failure, found.last_success_ns) == ("langfuse", "config", None)
    assert "401" in found.error
    assert before <= found.since_ns <= time.time_ns()
    assert found.retry_at_ns > before
    sink.answer = lambda _: sink.Answer(503)
    assert wait_until(lambda: any("503" in each.error for each in troubles(directory)))
    sink.answer = lambda _: sink.Answer()
    assert wait_until(lambda: not list(troubles(directory)))
    assert sending.status.pending_units == 0


def test_nothing_is_written_while_nothing_is_wrong(send: Any, sink: Any) -> None:  # noqa: F811
    sending = send(sink.url)
    sending.write("unit")

    assert sending.delivery.flush(5).complete
    assert not list(sending.spool.path.glob("trouble*"))


def test_damaged_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    good = Trouble("langfuse", "network", "No.", 3, 1, 2, None)
    (tmp_path / "trouble-a.json").write_text("{")
    (tmp_path / "trouble-b.json").write_text('{"destination": "x"}')
    (tmp_path / "trouble-c.json").write_text("[]")
    (tmp_path / "trouble-d.json").write_text(
        '{"destination": "langfuse", "failure": "network", "error": "No.", "failures": 3, "since_ns": 1,'
        ' "retry_at_ns": 2, "last_success_ns": null}'
    )

    assert list(troubles(tmp_path)) == [good]
    assert list(troubles(tmp_path / "nowhere")) == []

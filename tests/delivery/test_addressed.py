"""Content that is for some destinations only."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from certtrace.delivery import deadletter, frames
from certtrace.delivery.addressed import holds_content, is_for, payload_of, record_of
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.ports import BatchRejectedError, Payload

TRACE = f"{7:032x}"


@dataclass
class Taker:
    """Keeps what it is given."""

    name: str
    refuses: bool = False
    got: list[bytes] = field(default_factory=list)

    def deliver(self, batch: Sequence[Payload], deadline: float) -> None:
        if self.refuses:
            raise BatchRejectedError("never")
        self.got += [payload.data for payload in batch]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", ["spans", "scores"])
@pytest.mark.parametrize("names", [(), ("store",), ("store", "langfuse")], ids=["all", "one", "two"])
def test_an_address_survives_the_disk(kind, names):
    payload = Payload(kind, b"line one\nline two", TRACE, names)
    data = frames.pack(record_of(payload, 3, 99))
    (found,) = frames.scan(data)
    assert found.record is not None
    assert holds_content(found.record)
    assert payload_of(found.record) == payload


def test_a_record_of_another_kind_is_no_content():
    skeleton = frames.Record(frames.RecordType.SKELETON, 1, 0, b"")
    assert not holds_content(skeleton)
    with pytest.raises(ValueError, match="holds no content"):
        payload_of(skeleton)


def test_who_is_not_named_does_not_get_it():
    assert is_for(Payload("spans", b"", ""), "store")
    assert is_for(Payload("spans", b"", "", ("store",)), "store")
    assert not is_for(Payload("spans", b"", "", ("store",)), "langfuse")


def test_each_destination_gets_its_own_content_and_the_account_is_even(tmp_path):
    store, langfuse = Taker("store"), Taker("langfuse")
    spool = Spool(tmp_path)
    delivery = Delivery(spool, [store, langfuse])
    spool.content(0, Payload("spans", b"all", TRACE))
    spool.content(0, Payload("spans", b"mine", TRACE, ("store",)), Payload("spans", b"yours", TRACE, ("langfuse",)))
    spool.content(0, Payload("scores", b"[]", TRACE, ("langfuse",)))
    delivery.wake()
    assert delivery.flush(10.0).complete
    assert store.got == [b"all", b"mine"]
    assert sorted(langfuse.got) == [b"[]", b"all", b"yours"]
    lanes = delivery.status().destinations
    assert (lanes["store"].delivered, lanes["langfuse"].delivered) == (2, 3)
    assert (lanes["store"].pending_units, lanes["langfuse"].pending_units) == (0, 0)
    delivery.close(2.0)
    spool.close()


def test_a_dead_letter_goes_back_to_those_it_was_for_only(tmp_path):
    store, langfuse = Taker("store"), Taker("langfuse", refuses=True)
    spool = Spool(tmp_path)
    delivery = Delivery(spool, [store, langfuse])
    spool.content(0, Payload("scores", b"[1]", TRACE, ("langfuse",)))
    delivery.wake()
    delivery.flush(10.0)
    (letter,) = deadletter.letters(tmp_path)
    assert letter.payload.destinations == ("langfuse",)
    langfuse.refuses = False
    assert deadletter.replay(letter, spool)
    delivery.wake()
    assert delivery.flush(10.0).complete
    assert (store.got, langfuse.got) == ([], [b"[1]"])
    delivery.close(2.0)
    spool.close()

"""Personal data goes into every channel and comes out of none, whichever way it is known."""

import pytest
from tests.leaks.channels import CHANNELS
from tests.leaks.plants import CANDIDATE, ENCODINGS, FORMS_TEXT, IDENTITY, PERSONAL_TEXT

import certtrace
from certtrace import span, traced


@traced
def register(candidate):
    return None


def known_before(channel):
    with span("unit"):
        certtrace.identify(**IDENTITY)
        channel(PERSONAL_TEXT)


def known_afterwards(channel):
    with span("unit"):
        channel(PERSONAL_TEXT)
        certtrace.identify(**IDENTITY)


def declared(channel):
    with span("unit"):
        channel(PERSONAL_TEXT)
        register(CANDIDATE)


def of_a_form(channel):
    with span("unit"):
        channel(FORMS_TEXT)


@pytest.mark.parametrize("name", CHANNELS)
def test_nothing_personal_leaves(way_out, name):
    channel = CHANNELS[name]
    way_out.sent()
    for how in (known_before, known_afterwards, declared, of_a_form):
        how(channel)
    way_out.check(carries=channel.carries)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("how", [known_before, of_a_form], ids=lambda how: how.__name__)
@pytest.mark.parametrize(
    "name", ["argument", "exception message", "attribute", "score", "foreign span", "value: nested"]
)
def test_nothing_personal_leaves_encoded(way_out, name, how, encoding):
    way_out.sent()
    how(lambda text: CHANNELS[name](ENCODINGS[encoding](text)))
    way_out.check()


def test_nothing_personal_was_written(way_out):
    """Comes last: store, spool, ledger and log hold what all the others recorded."""
    way_out.check_disk()

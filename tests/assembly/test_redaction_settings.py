"""Policy, keys and destinations as a host sets them."""

import json
import os
import stat
from collections.abc import Sequence

import pytest

import certtrace
from certtrace import ConfigurationError, assembly
from certtrace.assembly import keys
from certtrace.assembly.redaction import key_of, policy_of, routes
from certtrace.ports import Recognized
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.redaction import RedactionPolicy
from certtrace.settings import isolated
from certtrace.testing import recording


class Canaries:
    name = "canaries"

    def recognize(self, texts: Sequence[str]) -> list[list[Recognized]]:
        return [
            [Recognized(text.index("canary"), text.index("canary") + 6)] if "canary" in text else [] for text in texts
        ]


def test_a_policy_file_rules_what_leaves(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text('[operators]\nEMAIL = "drop"\n')
    with recording(redaction_policy=file) as seen:
        with certtrace.span("s") as span:
            span.update(output="jane@example.org")
        assert seen.one("s").output == "<email>"
        assert seen.one("s").receipt["policy"] == RedactionPolicy(operators={"EMAIL": "drop"}).version


@pytest.mark.parametrize("environment", ["production", "prod", "eu-prod", "live"])
def test_the_profile_open_does_not_start_in_production(environment, tmp_path):
    with pytest.raises(ConfigurationError, match="must not run in the environment"):
        policy_of(isolated(redaction_profile="open", environment=environment))
    file = tmp_path / "policy.toml"
    file.write_text('profile = "open"')
    with pytest.raises(ConfigurationError, match="must not run"):
        policy_of(isolated(redaction_policy=file, environment=environment))
    assert policy_of(isolated(redaction_profile="open", environment="staging")).profile == "open"
    assert policy_of(isolated(redaction_profile="open", environment="reproduction")).profile == "open"


def test_a_policy_that_cannot_be_read_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read.*CERTTRACE_REDACTION_POLICY"):
        certtrace.configure(home=tmp_path, redaction_policy=tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("profile = 3")
    with pytest.raises(ConfigurationError, match=r"bad\.toml, line 1"):
        certtrace.configure(home=tmp_path, redaction_policy=tmp_path / "bad.toml")


def test_profile_and_policy_file_together_are_refused():
    with pytest.raises(ConfigurationError, match="Write the profile into the policy file"):
        isolated(redaction_profile="strict", redaction_policy="policy.toml")


def test_recognizers_are_objects_or_names_of_what_makes_one(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    name = 'mine'\n    def recognize(self, texts):\n        return [[] for _ in texts]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for given in (Canaries(), "mine:Mine"):
        with recording(recognizers=[given]) as seen:
            with certtrace.span("s") as span:
                span.update(output="the canary sang")
            expected = "the canary sang" if given == "mine:Mine" else "the <person:"
            assert str(seen.one("s").output).startswith(expected)
    for wrong in ("mine:Nobody", "no.such.module:x", "mine:__name__"):
        with pytest.raises(ConfigurationError, match="recognizer"):
            certtrace.configure(home=tmp_path, recognizers=[wrong])


def test_each_destination_gets_what_the_policy_lets_go_there(tmp_path, sink, monkeypatch):
    file = tmp_path / "policy.toml"
    file.write_text('[[rules]]\nclass = "C"\ndestination = "langfuse"\noperator = "hash"\n')
    certtrace.configure(
        home=tmp_path / "home",
        destinations=["store", "langfuse"],
        langfuse_base_url=sink.url,
        langfuse_public_key="pk-lf-x",
        langfuse_secret_key="sk-lf-x",
        redaction_policy=file,
        instrument_langfuse=False,
    )
    with certtrace.span("grade", as_type="generation") as span:
        span.update(output="TCP repeats what is lost", model="claude")
        span.score("correct", 1.0, comment="the canary comment")
    assert certtrace.force_flush(10.0)
    source = StoreSource(tmp_path / "home" / "store.db")
    (summary,) = source.list_traces(TraceFilter()).traces
    (observation,) = source.get_trace(summary.trace_id).observations
    assert "TCP repeats what is lost" in json.dumps(observation.output)
    sent = b"".join(request.body for request in sink.taken)
    assert b"TCP repeats" not in sent
    assert b"<value:" in sent
    assert b"claude" in sent
    status = assembly.status()
    assert status is not None
    assert status.pending == {"store": 0, "langfuse": 0}
    certtrace.shutdown()


def test_destinations_that_are_treated_alike_share_one_redactor():
    policy = RedactionPolicy.model_validate({"rules": [{"class": "C", "operator": "hash", "destination": "langfuse"}]})
    assert [route.destinations for route in routes(policy, b"k" * 32, ["langfuse", "store"])] == [
        ("store",),
        ("langfuse",),
    ]
    assert [route.destinations for route in routes(RedactionPolicy(), b"k" * 32, ["langfuse", "store"])] == [()]


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_comes_from_a_function_a_file_or_a_text(tmp_path):
    file = tmp_path / "key"
    file.write_text("f" * 20 + "\n")
    file.chmod(0o600)
    assert key_of(isolated(redaction_key_file=file)) == b"f" * 20
    assert key_of(isolated(redaction_key="t" * 20)) == b"t" * 20
    assert key_of(isolated(redaction_key=lambda: "c" * 20)) == b"c" * 20
    assert key_of(isolated(redaction_key=lambda: b"b" * 20)) == b"b" * 20


def test_a_mounted_secret_may_be_a_link(tmp_path):
    (tmp_path / "data").write_text("f" * 20)
    (tmp_path / "data").chmod(0o400)
    (tmp_path / "key").symlink_to(tmp_path / "data")
    assert key_of(isolated(redaction_key_file=tmp_path / "key")) == b"f" * 20


def test_a_key_that_others_may_read_or_that_is_short_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_text("f" * 20)
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        key_of(isolated(redaction_key_file=file))
    file.write_text("short")
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="holds 5 bytes"):
        key_of(isolated(redaction_key_file=file))
    with pytest.raises(ConfigurationError, match="returned 5 bytes"):
        key_of(isolated(redaction_key=lambda: "short"))


def test_a_function_that_fails_is_named_without_what_it_said():
    def broken() -> str:
        raise RuntimeError("hunter22")

    with pytest.raises(ConfigurationError) as caught:
        key_of(isolated(redaction_key=broken))
    assert "RuntimeError" in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_rotation_makes_a_new_key_and_keeps_the_old_one_private(tmp_path):
    before = keys.load_or_create(tmp_path)
    retired, current = keys.rotate(tmp_path)
    assert keys.load_or_create(tmp_path) != before
    assert keys.read(retired.path) == before
    assert current.fingerprint != retired.fingerprint
    assert [entry.name for entry in keys.entries(tmp_path)] == ["current", retired.name]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    keys.rotate(tmp_path)
    assert len(keys.entries(tmp_path)) == 3


def test_a_destroyed_key_is_gone_and_the_current_one_cannot_be_destroyed(tmp_path):
    keys.load_or_create(tmp_path)
    retired, _ = keys.rotate(tmp_path)
    held = os.open(retired.path, os.O_RDONLY)
    old = os.pread(held, 64, 0)
    keys.destroy(tmp_path, retired.name)
    assert not retired.path.exists()
    assert os.pread(held, 64, 0) != old, "the bytes themselves are overwritten"
    os.close(held)
    with pytest.raises(ConfigurationError, match="Rotate it first"):
        keys.destroy(tmp_path, "current")
    with pytest.raises(ConfigurationError, match="Retired are: none"):
        keys.destroy(tmp_path, retired.name)


def test_rotation_without_a_key_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no key"):
        keys.rotate(tmp_path)


def test_the_ledger_has_a_key_of_its_own_that_rotation_leaves_alone(tmp_path):
    certtrace.configure(home=tmp_path, instrument_langfuse=False)
    certtrace.shutdown()
    ledger = (tmp_path / "keys" / "ledger.key").read_bytes()
    keys.rotate(tmp_path / "keys")
    assert (tmp_path / "keys" / "ledger.key").read_bytes() == ledger
    assert (tmp_path / "keys" / "redaction.key").read_bytes() != ledger

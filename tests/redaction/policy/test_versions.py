"""A policy's version follows its content."""

from certtrace.redaction.policy.model import RedactionPolicy


def test_a_changed_copy_has_a_version_of_its_own():
    policy = RedactionPolicy()
    before = policy.version
    changed = policy.model_copy(update={"profile": "strict"})
    assert changed.version == RedactionPolicy(profile="strict").version
    assert policy.version == before

"""Policies as TOML: what is wrong is said with its line, and what is printed can be read again."""

import pytest

from certtrace import ConfigurationError
from certtrace.redaction import RedactionPolicy
from certtrace.redaction.policy.loading import policy_from_toml
from certtrace.redaction.policy.printing import policy_to_toml

WHOLE = """
profile = "strict"
names = "off"
period = "quarter"
allow = ["support@example.org", "Mr. Proper"]
max_value_bytes = 4096

[operators]
DOB = "generalise"   # the year is enough
PHONE = "mask:4"

[key_paths]
"input.candidate.*" = "person"
"output.rubric" = "exam_secret"

[[rules]]
class = "C"
destination = "langfuse"
operator = "hash"

[[rules]]
detector = "EMAIL"
attribute = "gen_ai.*"
span = "generation"
operator = "drop"
"""


def test_a_policy_says_what_its_file_says():
    policy = policy_from_toml(WHOLE, "policy.toml")
    assert policy.profile == "strict"
    assert policy.operators == {"DOB": "generalise", "PHONE": "mask:4"}
    assert [rule.destination for rule in policy.rules] == ["langfuse", None]
    assert policy.rules[0].sensitivity == "C"
    assert policy.recognizes_names == "off"
    assert policy.withholds_free_text


@pytest.mark.parametrize("text", ["", 'profile = "open"', WHOLE], ids=["empty", "open", "whole"])
def test_what_is_printed_can_be_read_again_and_is_the_same_policy(text):
    policy = policy_from_toml(text, "policy.toml")
    again = policy_from_toml(policy_to_toml(policy), "printed")
    assert again.version == policy.version
    assert again.canonical() == policy.canonical()


def test_a_default_written_out_does_not_change_the_version():
    assert policy_from_toml('names = "standard"\n[operators]\nDOB = "drop"', "x").version == RedactionPolicy().version
    assert policy_from_toml('[operators]\nDOB = "hash"', "x").version != RedactionPolicy().version


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('profile = "open"\nprofil = "open"', 2, "Did you mean 'profile'"),
        ('\n\nprofile = "lax"', 3, "'standard', 'strict' or 'open'"),
        ('[operators]\nEMAIL = "drop"\nDOB = "erase"', 3, "Unknown operator 'erase'"),
        ('[operators]\nEMIAL = "drop"', 2, "Unknown type 'EMIAL'"),
        ('[key_paths]\n"input.*" = "name"', 2, "Unknown marker 'name'"),
        ('[[rules]]\nclass = "C"\noperator = "hash"\n\n[[rules]]\nmarker = "who"\noperator = "drop"', 6, "rule 2"),
        ('[[rules]]\nclass = "Z"\noperator = "hash"', 2, "'O', 'P', 'D', 'C', 'X' or 'K'"),
        ('[[rules]]\noperator = "hash"', 1, "selects nothing"),
        ('[[rules]]\nkey_path = "input.*"\nspan = "tool"\noperator = "hash"', 1, "Make two rules of it"),
        ('[[rules]]\nattribute = "x"\noperator = "generalise"', 1, "Use it with marker or detector"),
        ('[[rules]]\nmarker = "person"\ndetector = "EMAIL"\noperator = "hash"', 1, "Make two rules of it"),
        ('[[rules]]\nspan = "span"\noperatr = "hash"', 3, "Did you mean 'operator'"),
        ("max_depth = 4000", 1, "less than or equal to 200"),
        ('detectors = ["EMAIL", "FACE"]', 1, "FACE"),
        ('operators.DOB = "mask:99"', 1, "mask:4"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text, line, said):
    with pytest.raises(ConfigurationError) as caught:
        policy_from_toml(text, "my.toml")
    assert f"my.toml, line {line}" in str(caught.value)
    assert said in str(caught.value)


def test_what_is_no_toml_is_said_with_its_line():
    with pytest.raises(ConfigurationError, match=r"my\.toml is not valid TOML.*line 2"):
        policy_from_toml('profile = "open"\nnames == 3\n', "my.toml")

"""All recognizers together: what each of them is asked."""

from collections.abc import Sequence

from certtrace.ports import Recognized
from certtrace.redaction.recognize.finder import Recognizers
from certtrace.redaction.recognize.shipped import load


class Everything:
    name = "everything"

    def recognize(self, texts: Sequence[str]) -> list[list[Recognized]]:
        return [[Recognized(0, len(text))] for text in texts]


def test_keys_and_codes_are_not_taken_for_names():
    texts = ["kwargs", "gpt-4o", "expert_review", "cert.pass.index", "Björn Lindqvist", "x"]
    found = Recognizers([load()], [], 1.0).find_all(texts)
    assert [bool(each) for each in found] == [False, False, False, False, True, False]


def test_a_recognizer_of_the_host_is_asked_about_each_text():
    found = Recognizers([], [Everything()], 5.0).find_all(["kwargs", "Björn", ""])
    assert [len(each) for each in found] == [1, 1, 0]
    assert found[0][0].rule == "everything"

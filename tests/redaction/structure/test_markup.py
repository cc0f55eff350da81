"""Text keeps its form when something in it is replaced."""

import html.parser
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.structure.jsonedit import apply
from certtrace.redaction.structure.markup import escape_for, escaper, text_kind
from certtrace.redaction.unit import Unit

EMAIL = "jane.doe@example.com"
NAME = "Wanda Zettel"
PLAIN = st.text(alphabet="abc <>&\"'\u00e4\n", max_size=8)
UNIT = Unit(Redactor(RedactionPolicy(), b"k" * 32), [{"name": NAME}], ())


def redacted(text):
    """Replace what is found as the text needs it."""
    escaped = escaper(text)
    return apply(text, [(c.start, c.end, escaped(c.start, c.replacement)) for c in UNIT.changes(text)])


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag):
        self.seen.append((tag, None))


@settings(deadline=None)
@given(before=PLAIN, behind=PLAIN, secret=st.sampled_from([EMAIL, NAME]))
def test_xml_stays_well_formed_and_keeps_its_elements(before, behind, secret):
    inner = f"{before} {secret} {behind}"
    text = f"<?xml version='1.0'?>\n<a x={quoteattr(inner)}><b>{escape(inner)}</b><c/><!-- n --></a>"
    out = redacted(text)
    tree = ElementTree.fromstring(out)
    assert [element.tag for element in tree.iter()] == ["a", "b", "c"]
    assert secret not in out
    assert re.search("<(person|email):[0-9a-f]{10}>", tree.find("b").text)
    assert re.search("<(person|email):[0-9a-f]{10}>", tree.attrib["x"])


@settings(deadline=None)
@given(before=PLAIN, secret=st.sampled_from([EMAIL, NAME]))
def test_html_keeps_its_tags(before, secret):
    inner = escape(f"{before} {secret} ")
    text = f'<!DOCTYPE html><p class=x>{inner}<br>{inner}</p><a href="/f?q=1" title="{secret}">{inner}</a>'
    out = redacted(text)
    assert secret not in out
    assert Tags(out).seen == Tags(text).seen


@settings(deadline=None)
@given(secret=st.sampled_from([EMAIL, NAME, "4111 1111 1111 1111"]), rows=st.integers(1, 3))
def test_markdown_keeps_tables_fences_and_links(secret, rows):
    row = f"| {secret} | 3 | `{secret}` |\n"
    text = f"# Of {secret}\n\n| who | points | code |\n|---|---|---|\n{row * rows}\n```py\nx = '{secret}'\n```\n"
    text += f"[{secret}](https://x.org/a) and ![i](https://x.org/{secret.replace(' ', '-')}/1)\n- {secret}\n"
    out = redacted(text)
    assert secret not in out
    for sign in "|`#[]()!-\n":
        assert out.count(sign) == text.count(sign) - (secret.replace(" ", "-").count(sign) if sign == "-" else 0)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<p>x</p>", "markup"),
        ("  \n<?xml version='1.0'?><a/>\n", "markup"),
        ("<!-- c --><a></a>", "markup"),
        ("<answer>x</answer> Grade this.", "plain"),
        ("use the <div> tag", "plain"),
        ("<person:7f3a91c04d> wrote <b>x</b>", "plain"),
        ("<dob>", "plain"),
        ("a < b and c > d", "plain"),
        ("<p>never closed", "plain"),
        ("", "plain"),
    ],
)
def test_only_a_text_that_is_markup_as_a_whole_counts(text, kind):
    assert text_kind(text) == kind


def test_a_placeholder_is_escaped_in_markup_only():
    mark = "<person:7f3a91c04d>"
    assert escape_for("<p>x</p>", 3, mark) == "&lt;person:7f3a91c04d&gt;"
    assert escape_for("say x", 4, mark) == mark
    assert escape_for("https://h.org/x", 14, mark) == mark
    assert escape_for("<p>x</p>", 3, "****") == "****"


def test_a_url_stays_in_one_piece():
    text = "see https://h.org/x?y=1 now"
    out = apply(text, [(18, 19, escape_for(text, 18, "<exam-secret:7f3a91c04d len=12>"))])
    assert out.split()[1] == "https://h.org/<exam-secret:7f3a91c04d%20len=12>?y=1"
    assert urlsplit(out.split()[1]).query == "y=1"
    assert escape_for("[a](x)", 4, "<dob 1990>") == "<dob%201990>"


@settings(deadline=None)
@given(text=st.text(max_size=30), start=st.integers(0, 30))
def test_any_text_has_a_kind(text, start):
    assert escape_for(text, start, "<x:1>") in {"<x:1>", "&lt;x:1&gt;"}

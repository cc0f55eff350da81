import pytest

from .finding import of_type


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mail jane.doe+exam@mail.example.co.uk, please", "jane.doe+exam@mail.example.co.uk"),
        ("<jane@example.museum>", "jane@example.museum"),
        ("user=jane@example.com&x=1", "jane@example.com"),
        ("mailto:jane@example.com?subject=x", "jane@example.com"),
        ("o'neil@example.ie.", "o'neil@example.ie"),
        ('"jane doe"@example.com', '"jane doe"@example.com'),
        ("jane@[192.168.1.1]", "jane@[192.168.1.1]"),
        ("jane@xn--80ak6aa92e.com", "jane@xn--80ak6aa92e.com"),
        ("jane@例子.com", "jane@例子.com"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("jane (at) example (dot) com", "jane (at) example (dot) com"),
        ("jane.doe [at] example.com, thanks", "jane.doe [at] example.com"),
        ("write to jane at example dot org", "jane at example dot org"),
        ("https://jane.doe@example.com/", "jane.doe@example.com"),
    ],
)
def test_an_address_is_found_to_the_character(text, address):
    assert of_type("EMAIL", text) == [address]


def test_addresses_side_by_side_are_two():
    assert of_type("EMAIL", "a@b.co,b@c.io") == ["a@b.co", "b@c.io"]


@pytest.mark.parametrize(
    "text",
    [
        "@alone not-an-email@ a@b 5 @ 3",
        "git@github.com:org/repo.git",
        "logo@2x.png and vue@next.js and lodash@4.17.21 and @angular/core@17.0.1",
        "x@w.sum() and A @ B.T",
        "/[a-z]+@[a-z]+/",
        "meet (at) the corner; look at that dot on the map; at work dot dot dot",
    ],
)
def test_what_only_has_the_sign_is_no_address(text):
    assert of_type("EMAIL", text) == []


def test_the_host_behind_credentials_stays():
    assert of_type("EMAIL", "postgres://svc:secret@db.example.org:5432/exam") == []

"""What every page says to browsers."""

import httpx
import pytest
from tests.server.pages import stored
from tests.server.pages.signing import ask, visitor
from tests.server.serving import Serving

POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
PAGES = (
    "/",
    "/?order=newest&q=x",
    f"/traces/{stored.GRADED}",
    f"/traces/{stored.GRADED}?observation={20:016x}&whole=input",
    f"/traces/{stored.GRADED}?format=json",
    "/traces/none",
    "/sign-in",
    "/nowhere",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_loads_nothing_from_elsewhere_and_is_kept_nowhere(reader: httpx.Client, path: str) -> None:
    headers = reader.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == POLICY
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", [path for path in PAGES if "json" not in path])
def test_no_page_has_a_script_or_an_inline_style(reader: httpx.Client, path: str) -> None:
    text = reader.get(path).text.lower()
    assert "<script" not in text
    assert "<style" not in text
    assert " style=" not in text
    assert "javascript:" not in text


def test_assets_may_be_kept_for_their_address_changes_with_them(filled: Serving) -> None:
    page = ask("GET", f"{filled.url}/sign-in").text
    address = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
    answer = ask("GET", filled.url + address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    old = ask("GET", f"{filled.url}/assets/000000000000/page.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-store")
    assert ask("GET", f"{filled.url}/assets/x/..%2f..%2fapp.py").status_code == 404


def test_an_address_of_the_api_that_leads_nowhere_answers_in_json(filled: Serving, reader: httpx.Client) -> None:
    assert ask("GET", f"{filled.url}/api/public/nowhere").json()["message"]
    page = reader.get("/nowhere/at/all")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["experiments/results?baseline=1", "datasets/1/runs/2", "prompts/grading"])
def test_an_address_of_a_page_that_only_langfuse_has_says_so(reader: httpx.Client, path: str) -> None:
    page = reader.get(f"/project/default/{path}")
    assert (page.status_code, page.headers["content-type"]) == (501, "text/html; charset=utf-8")
    assert "for the Langfuse SDK and over the API" in page.text


def test_pages_are_no_part_of_the_api_document(filled: Serving) -> None:
    paths = ask("GET", f"{filled.url}/openapi.json").json()["paths"]
    assert all(path.startswith("/api/") for path in paths)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_stays(filled: Serving, theme: str) -> None:
    with visitor(filled) as client:
        answer = client.post("/theme", data={"theme": theme, "back": "/sign-in"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert f'<html lang="en" data-theme="{theme}">' in client.get("/sign-in").text
        client.post("/theme", data={"theme": "system"})
        assert '<html lang="en">' in client.get("/sign-in").text


def test_a_theme_that_is_none_changes_nothing(filled: Serving) -> None:
    cookies = {"certtrace_theme": '"><script>'}
    assert '<html lang="en">' in ask("GET", f"{filled.url}/sign-in", cookies=cookies).text

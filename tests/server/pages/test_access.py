"""Who gets to see a page: signing in and out, roles, forms of other sites, addresses to go on to."""

import httpx
import pytest
from tests.server.pages import stored
from tests.server.pages.signing import ask, signed_in, visitor
from tests.server.serving import Serving

from certtrace.server.access import Role
from certtrace.server.access.attempts import FailedLogins

PAGES = ("/", f"/traces/{stored.GRADED}", f"/project/default/traces/{stored.GRADED}", "/?failed=1")


def sign_in(box: Serving, role: Role = Role.READER, **given: str) -> httpx.Response:
    key = box.keys[role]
    form = {"public_key": key.public_key, "secret_key": key.secret_key, **given}
    return ask("POST", f"{box.url}/sign-in", data=form)


@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_every_page_leads_to_the_sign_in_and_back(filled: Serving, path: str) -> None:
    answer = ask("GET", filled.url + path)
    assert answer.status_code == 303
    with signed_in(filled) as client:
        form = client.get(answer.headers["location"]).text
    assert f'name="next" value="{path.replace("&", "&amp;")}"' in form


def test_a_session_ends_with_the_sign_out_also_for_who_kept_the_cookie(filled: Serving) -> None:
    with signed_in(filled) as client:
        cookies = dict(client.cookies)
        assert client.get("/").status_code == 200
        out = client.post("/sign-out")
        assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
        assert client.get("/").status_code == 303
    assert ask("GET", filled.url, cookies=cookies).status_code == 303


def test_signing_in_again_ends_the_session_before(filled: Serving) -> None:
    with signed_in(filled) as client:
        before = dict(client.cookies)
        key = filled.keys[Role.READER]
        client.post("/sign-in", data={"public_key": key.public_key, "secret_key": key.secret_key})
    assert ask("GET", filled.url, cookies=before).status_code == 303


@pytest.mark.parametrize("given", [{"secret_key": "sk-lf-wrong"}, {"public_key": "pk-lf-unknown"}, {"secret_key": ""}])
def test_a_wrong_key_is_told_so_and_gets_no_cookie(empty: Serving, given: dict[str, str]) -> None:
    answer = sign_in(empty, **given)
    assert answer.status_code == 403
    assert "Not signed in" in answer.text
    assert "set-cookie" not in answer.headers
    for value in given.values():
        assert not value or value not in answer.text


def test_guessing_is_answered_with_a_wait(tmp_path) -> None:
    from tests.server.serving import serving

    with serving(tmp_path) as box:
        box.box.access._failed_logins = FailedLogins(per_minute=5)
        answers = [sign_in(box, secret_key=f"sk-lf-{number}") for number in range(8)]
        waits = [answer for answer in answers if answer.status_code == 429]
        assert waits, [answer.status_code for answer in answers][-5:]
        assert int(waits[-1].headers["retry-after"]) > 0
        assert "Too many attempts failed" in waits[-1].text


def test_the_cookie_is_for_this_site_only_and_no_script_reads_it(filled: Serving) -> None:
    cookie = sign_in(filled).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.replace("; ", ";").split(";"))
    assert filled.keys[Role.READER].secret_key not in cookie


def test_a_key_that_may_not_read_gets_a_page_that_names_the_role_it_needs(filled: Serving) -> None:
    with signed_in(filled, Role.WRITER) as client:
        for path in PAGES:
            answer = client.get(path)
            assert answer.status_code == 403
            assert "reader" in answer.text
            assert "answer.grade" not in answer.text


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.ADMIN])
def test_keys_that_may_read_see_the_list(filled: Serving, role: Role) -> None:
    with signed_in(filled, role) as client:
        assert "answer.grade" in client.get("/").text


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/theme"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(filled: Serving, path: str, headers: dict[str, str]) -> None:
    with signed_in(filled) as client:
        key = filled.keys[Role.READER]
        form = {"public_key": key.public_key, "secret_key": key.secret_key, "theme": "dark"}
        answer = client.post(path, data=form, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert client.get("/").status_code == 200


def test_a_form_of_the_own_site_is_taken(filled: Serving) -> None:
    with signed_in(filled) as client:
        answer = client.post(
            "/theme", data={"theme": "dark"}, headers={"origin": filled.url, "sec-fetch-site": "same-origin"}
        )
        assert answer.status_code == 303


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/%0d%0aset-cookie:a=b\r\nx: y",
        "",
        "evil.example",
        "/" + "a" * 5000,
        "/ok\nLocation: x",
        "/sign-out",
        "/é",
    ],
)
def test_signing_in_leads_to_own_pages_only(filled: Serving, to: str) -> None:
    answer = sign_in(filled, next=to)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    theme = ask("POST", f"{filled.url}/theme", data={"theme": "dark", "back": to})
    assert theme.headers["location"] == "/"


def test_signing_in_leads_to_the_page_that_was_wanted(filled: Serving) -> None:
    assert sign_in(filled, next="/traces/abc?observation=1").headers["location"] == "/traces/abc?observation=1"


def test_a_link_on_another_site_is_asked_again_from_here(filled: Serving) -> None:
    answer = ask("GET", f"{filled.url}/traces/{stored.GRADED}", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0")
    assert "answer.grade" not in answer.text


def test_the_address_that_the_sdk_makes_leads_to_the_trace(filled: Serving, reader: httpx.Client) -> None:
    from langfuse import Langfuse

    key = filled.keys[Role.ADMIN]
    client = Langfuse(public_key=key.public_key, secret_key=key.secret_key, base_url=filled.url)
    try:
        address = client.get_trace_url(trace_id=stored.GRADED)
    finally:
        client.shutdown()
    assert address
    answer = reader.get(f"{address}?observation={20:016x}", follow_redirects=True)
    assert answer.status_code == 200
    assert "grader-1" in answer.text


def test_the_address_of_another_project_says_so(reader: httpx.Client) -> None:
    answer = reader.get(f"/project/other/traces/{stored.GRADED}")
    assert answer.status_code == 404
    assert "other" in answer.text


def test_nothing_of_another_project_is_seen(filled: Serving) -> None:
    access = filled.box.access
    project = access.project("elsewhere")
    key = access.create(project, [Role.READER])
    with visitor(filled) as client:
        client.post("/sign-in", data={"public_key": key.public_key, "secret_key": key.secret_key})
        assert "Nothing recorded yet" in client.get("/").text
        assert client.get(f"/traces/{stored.GRADED}").status_code == 404


def test_who_saw_which_trace_is_recorded(filled: Serving) -> None:
    with signed_in(filled, Role.AUDITOR) as client:
        client.get(f"/traces/{stored.FAILED}")
        client.get("/?name=answer.grade")
    found, _ = filled.box.access.reads.page("default", trace_id=stored.FAILED)
    auditor = filled.keys[Role.AUDITOR].public_key
    routes = {read.route for read in found if read.public_key == auditor}
    assert {"/", "/traces/{trace_id}"} <= routes


def test_a_revoked_key_ends_its_sessions(filled: Serving) -> None:
    access = filled.box.access
    key = access.create(filled.project, [Role.READER])
    with visitor(filled) as client:
        client.post("/sign-in", data={"public_key": key.public_key, "secret_key": key.secret_key})
        assert client.get("/").status_code == 200
        access.revoke(key.public_key)
        assert client.get("/").status_code == 303


def test_the_secret_is_nowhere_on_disk(filled: Serving) -> None:
    sign_in(filled)
    secret = filled.keys[Role.READER].secret_key.encode()
    for path in filled.home.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes()

"""The pages in a real Chromium, as somebody on call uses them."""

from typing import Any

import pytest
from tests.server.pages import stored
from tests.server.pages.browsing import MIDDLE, NARROW, WIDE, window
from tests.server.serving import Serving

from certtrace.server.access import Role

TRACE = f"/traces/{stored.FAILED}"


def test_from_the_sign_in_over_a_search_to_a_trace_and_out_again(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled, role=None) as tab:
        tab.go("/?status=error")
        assert tab.heading() == "Sign in"
        tab.sign_in()
        tab.page.wait_for_url("**/?status=error")
        assert tab.page.locator(".row-link").count() == 1
        tab.page.get_by_role("link", name="Remove the filter status error").click()
        tab.page.get_by_label("Search in inputs, outputs, names and errors").fill("unexpected end")
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_url("**/?q=unexpected+end**")
        assert tab.page.locator(".row-link").count() == 2
        tab.page.locator(".row-link").first.click()
        tab.page.wait_for_url(f"**{TRACE}")
        assert tab.heading() == "answer.grade"
        assert "unexpected end of data" in tab.page.locator(".failures").inner_text()
        tab.page.get_by_role("link", name="GENERATION llm.call").click()
        tab.page.wait_for_url("**?observation=**")
        assert "You grade one answer." in tab.page.locator("#observation").inner_text()
        tab.page.locator("summary", has_text="default").click()
        tab.page.get_by_role("button", name="Sign out").click()
        tab.page.wait_for_url("**/sign-in")
        tab.go(TRACE)
        assert tab.heading() == "Sign in"
        assert tab.complaints == []


@pytest.mark.slow
def test_paging_and_the_order_are_links(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled) as tab:
        first = tab.page.locator(".row-link").evaluate_all("links => links.map(link => link.href)")
        tab.page.get_by_role("link", name="Older").click()
        tab.page.wait_for_url("**after=**")
        second = tab.page.locator(".row-link").evaluate_all("links => links.map(link => link.href)")
        assert not set(first) & set(second)
        tab.page.get_by_role("link", name="First page").click()
        tab.page.get_by_role("link", name="Newest first").click()
        tab.page.wait_for_url("**order=newest")
        assert tab.page.get_by_role("link", name="Newest first").get_attribute("aria-current") == "true"


def test_a_wrong_key_and_a_wrong_role_are_told_what_to_do(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled, role=None) as tab:
        tab.go("/sign-in")
        tab.sign_in(secret="sk-lf-wrong")
        assert "Not signed in" in tab.page.get_by_role("alert").inner_text()
        tab.sign_in(Role.WRITER)
        tab.page.wait_for_url(f"{filled.url}/")
        assert tab.heading() == "This key may not read"
        assert "reader" in tab.page.locator("main").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system_until_one_is_chosen(chromium: Any, filled: Serving, system: str) -> None:
    other = "dark" if system == "light" else "light"
    with window(chromium, filled, theme=system) as tab:

        def is_dark() -> bool:
            channels = tab.page.evaluate(
                "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)"
            )
            return sum(channels[:3]) < 300

        assert is_dark() is (system == "dark")
        tab.page.get_by_role("button", name=other.capitalize()).click()
        assert is_dark() is (other == "dark")
        tab.go(TRACE)
        assert is_dark() is (other == "dark")
        tab.page.get_by_role("button", name="Auto").click()
        assert is_dark() is (system == "dark")
        assert tab.page.url.endswith(TRACE)


@pytest.mark.parametrize(
    "width", [NARROW, *(pytest.param(width, marks=pytest.mark.slow) for width in (WIDE, MIDDLE, 320))]
)
def test_no_page_scrolls_sideways(chromium: Any, filled: Serving, width: int) -> None:
    with window(chromium, filled, width=width) as tab:
        for path in (
            "/",
            "/?failed=1&tag=pilot&since=soon",
            "/?name=none",
            TRACE,
            f"{TRACE}?observation={20:016x}",
            "/nowhere",
        ):
            tab.go(path)
            assert tab.overflow() <= 0, path


@pytest.mark.slow
def test_bars_of_the_waterfall_stand_on_one_scale(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled) as tab:
        tab.go(f"/traces/{stored.GRADED}")
        rails = tab.page.locator(".bar").evaluate_all(
            "bars => bars.map(bar => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().width])"
        )
        assert len({(round(left), round(width)) for left, width in rails}) == 1
        runs = dict(
            tab.page.locator(".row").evaluate_all(
                "rows => rows.map(row => [row.querySelector('b').innerText,"
                " row.querySelector('.run').getBoundingClientRect().left])"
            )
        )
        assert runs["answer.grade"] < runs["llm.call"] < runs["grade.parse"]


@pytest.mark.slow
def test_a_branch_folds_without_any_script(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled) as tab:
        tab.go(f"/traces/{stored.GRADED}")
        call = tab.page.get_by_role("link", name="GENERATION llm.call")
        assert call.is_visible()
        tab.page.locator("summary.fold").first.click()
        assert not call.is_visible()
        tab.page.locator("summary.fold").first.press("Enter")
        assert call.is_visible()


@pytest.mark.slow
def test_the_keyboard_gets_everywhere_and_its_place_is_seen(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled) as tab:
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("document.activeElement.innerText") == "Skip to content"
        assert tab.page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
        tab.page.keyboard.press("Enter")
        assert tab.page.evaluate("document.activeElement.id") == "main"
        for _ in range(40):
            tab.page.keyboard.press("Tab")
            if tab.page.evaluate("document.activeElement.className") == "row-link":
                break
        outline = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_url("**/traces/*")


@pytest.mark.slow
def test_the_chosen_observation_is_in_sight_in_a_long_tree(chromium: Any, filled: Serving) -> None:
    trace_id = f"{700:032x}"
    steps = [stored.step(trace_id, 1, start=-900, took=9)]
    steps += [stored.step(trace_id, number, max(number // 6, 1), start=-900 + number / 60) for number in range(2, 501)]
    stored.write(filled, *steps)
    with window(chromium, filled) as tab:
        tab.go(f"/traces/{trace_id}")
        tab.page.locator(".tree-scroll").evaluate("tree => tree.scrollTo(0, 0)")
        link = tab.page.locator(".step", has_text="step 333")
        address = link.get_attribute("href")
        tab.go(address)
        chosen = tab.page.locator(".chosen")
        assert "step 333" in chosen.inner_text()
        box = chosen.bounding_box()
        assert box
        assert 0 <= box["y"] < 900
        assert tab.page.locator("#observation h2").bounding_box()["y"] < 900


@pytest.mark.slow
def test_a_page_prints_whole(chromium: Any, filled: Serving) -> None:
    with window(chromium, filled) as tab:
        tab.go(TRACE)
        tab.page.emulate_media(media="print")
        assert not tab.page.locator(".top").is_visible()
        assert tab.page.locator(".tree-scroll").evaluate("tree => tree.scrollHeight <= tree.clientHeight + 1")

"""The report of a run in a real browser: wide and narrow, light and dark, by pointer and by keyboard."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cc_ci.report.html.run_page import run_page
from cc_ci.results.store import load
from cc_ci.system.machine import BROWSERS
from cc_ci.timing.critical_path import attribute

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "report"
"""Screenshots stay, for people to look at."""
EXAMPLE = ROOT / "docs" / "runs" / "custom-html.json"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        # root, which these tests run as, can't have the browser's own sandbox; the page is our own
        launched = playwright.chromium.launch(executable_path=program, chromium_sandbox=False)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = load(EXAMPLE)
    phases = attribute(result.spans, end=result.total_seconds)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(run_page(msgspec.structs.replace(result, phases=phases)))
    return path


def opened(browser: Browser, file: Path, *, width: int, scheme: str) -> tuple[Page, list[str]]:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: None if request.url == file.as_uri() else troubles.append(request.url))
    page.goto(file.as_uri())
    return page, troubles


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_asks_for_nothing(browser: Browser, file: Path, width: int, scheme: str) -> None:
    page, troubles = opened(browser, file, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(21, 24, 27)") == (scheme == "dark")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{width}-{scheme}.png", full_page=True)
    assert troubles == []


def test_the_theme_can_be_turned(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, width=1280, scheme="light")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_filter_and_zoom(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, width=1280, scheme="light")
    everything = page.locator(".bar:not(.dim)").count()
    page.fill("#find", "converge")
    assert 0 < page.locator(".bar:not(.dim)").count() < everything
    assert page.locator(".filtered tr.row:visible").count() > 0
    page.fill("#find", "")
    assert page.locator(".bar:not(.dim)").count() == everything
    width = "document.querySelector('.timeline').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.click("[data-zoom=in]")
    assert page.evaluate(width) > 1.5 * before
    page.focus(".zoomed")
    page.keyboard.press("0")
    assert page.evaluate(width) == pytest.approx(before, abs=1)
    box = page.locator(".zoomed").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 60)
    page.mouse.up()
    assert page.evaluate(width) > 3 * before


def test_details_by_pointer_and_by_keyboard(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, width=1280, scheme="light")
    page.hover(".bar >> nth=2")
    assert page.locator("#tip").is_visible()
    page.mouse.move(5, 5)
    page.focus(".timeline [tabindex='0']")
    first = page.locator("#tip").text_content()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").text_content() != first
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_paper_has_no_tools(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, width=1280, scheme="dark")
    page.emulate_media(media="print")
    assert page.locator(".tools").is_hidden()
    assert page.locator(".timeline").is_visible()

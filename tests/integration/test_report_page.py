"""The report in a real browser: what is seen, by pointer and by keyboard, on a screen and on a phone."""

import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from example_result import example
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cc_ci.perf.baselines.measured_set import newest
from cc_ci.perf.baselines.sets import trace_path
from cc_ci.report.html.run_page import run_page
from cc_ci.report.html.set_page import MedianAndLimit, set_page
from cc_ci.results.measured import Cache, Cell, Measured
from cc_ci.results.schema import RunResult
from cc_ci.results.store import load
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.parts import Part
from cc_ci.timing.spans import Span

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "report"
WIDTHS = {"screen": 1280, "phone": 360}
SEEN = """(() => {
  const frame = document.getElementById("timeline"), width = document.getElementById("canvas").clientWidth;
  return [frame.scrollLeft / width, frame.clientWidth / width];
})()"""
"""Where the shown stretch of the timeline begins, and how long it is, as shares of the whole."""
CACHES: tuple[Cache, ...] = ("cold", "warm")
HOSTILE = "</script><img src=x onerror=alert(1)>"

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found, "chromium is not there; cc-ci doctor says how to get it"
    with sync_playwright() as driver:
        # tests run as root, for whom there is no sandbox; the page is our own
        made = driver.chromium.launch(executable_path=found, chromium_sandbox=False, args=["--disable-gpu"])
        yield made
        made.close()


def a_run() -> RunResult:
    """Of spans in a tree, side by side, short and long, one with a name that means harm."""
    spans = [Span(id=1, name="install: deploy", start=1.0, end=60.0, stage="install")]
    spans += [
        Span(id=2, name="converge", start=2.0, end=50.0, parent=1, phase="converge", stage="install",
             attributes={"waits_for": "all tasks to run"}),
        Span(id=3, name="db: boot", start=3.0, end=20.0, parent=2, phase="converge", stage="install"),
        Span(id=4, name="app: boot", start=3.0, end=48.0, parent=2, phase="converge", stage="install"),
        Span(id=5, name=HOSTILE, start=60.0, end=90.0, phase="backup", stage="backup"),
        Span(id=6, name="remove the stack", start=90.0, end=100.0, phase="teardown", stage="teardown"),
    ]  # fmt: skip
    return msgspec.structs.replace(
        example(), spans=tuple(spans), phases=attribute(spans, end=100.0), total_seconds=100.0
    )


def a_set() -> tuple[Measured, ...]:
    return tuple(
        Measured(
            cell=Cell(recipe="custom-html", cache=cache),
            place=place,
            result=msgspec.structs.replace(example(), exit_code=0, total_seconds=40.0 + place),
            parts=(
                Part(name="boot", stage="install", phase="converge", seconds=30.0 + place),
                Part(name="pull", stage="install", phase="images_pull", seconds=10.0),
            ),
        )
        for place, cache in enumerate(CACHES * 4, start=1)
    )


@pytest.fixture(params=[(kind, theme) for kind in WIDTHS for theme in ("light", "dark")], ids="-".join)
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A page to open files in, and its name; there must be neither errors nor requests in the end."""
    kind, theme = request.param
    context = browser.new_context(
        viewport={"width": WIDTHS[kind], "height": 800}, color_scheme=theme, has_touch=kind == "phone"
    )
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda said: trouble.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda asked: trouble.append(asked.url) if not asked.url.startswith("file:") else None)
    yield page, f"{kind}-{theme}"
    context.close()
    assert trouble == []


def show(page: Page, html: str, folder: Path, shot: str) -> None:
    path = folder / "report.html"
    path.write_text(html)
    page.goto(path.as_uri())
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{shot}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def zoomed(times: str) -> re.Pattern[str]:
    """The canvas's style. No function is waited for: the page's policy forbids to evaluate one later."""
    return re.compile(rf"--zoom: ?{re.escape(times)}")


def test_a_run_is_read_filtered_and_zoomed(opened: tuple[Page, str], tmp_path: Path) -> None:
    page, name = opened
    show(page, run_page(a_run()), tmp_path, f"run-{name}")
    assert page.locator("img").count() == 0

    page.fill("#filter", "app boot")
    assert page.inner_text("#found") == "1 of 6"
    assert page.locator(".span:not(.dim)").get_attribute("data-id") == "4"
    page.fill("#filter", "")

    width = "document.getElementById('canvas').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.click("[data-zoom=in]")
    assert page.evaluate(width) == pytest.approx(2 * before)
    page.click("[data-zoom=all]")
    assert page.evaluate(width) == pytest.approx(before)


def test_a_stretch_is_zoomed_by_the_pointer_and_printed_whole(
    opened: tuple[Page, str], tmp_path: Path
) -> None:
    page, _ = opened
    path = tmp_path / "report.html"
    path.write_text(run_page(a_run()))
    page.goto(path.as_uri())
    frame = page.locator("#timeline")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    middle, quarter = box["y"] + box["height"] / 2, box["width"] / 4

    # a phone begins with less than the whole of it
    _, share = page.evaluate(SEEN)
    page.mouse.move(box["x"] + quarter, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * quarter, middle)
    assert page.locator("#brush").is_visible()
    page.mouse.up()
    assert page.evaluate(SEEN) == pytest.approx([share / 4, share / 4], abs=0.01)

    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(page.locator("#canvas")).to_have_attribute("style", zoomed("10."))
    assert page.evaluate(SEEN)[1] == pytest.approx(share / 4 / math.e, abs=0.01)

    page.pdf(path=tmp_path / "zoomed.pdf")
    assert page.evaluate(SEEN) == pytest.approx([0, share], abs=0.01)


def test_details_are_there_by_keyboard(opened: tuple[Page, str], tmp_path: Path) -> None:
    page, name = opened
    show(page, run_page(a_run()), tmp_path, f"keys-{name}")
    page.focus(".span[tabindex='0']")
    assert "install: deploy" in page.inner_text("#tip")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".span[data-id='2']")).to_be_focused()
    assert "waits for all tasks to run" in page.inner_text("#tip")
    page.keyboard.press("+")
    expect(page.locator("#canvas")).to_have_attribute("style", zoomed("2"))
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_a_set_shows_every_value(opened: tuple[Page, str], tmp_path: Path) -> None:
    page, name = opened
    bounds = (
        MedianAndLimit(recipe="custom-html", cache="warm", run=44.0, limit=12.0, floor=15.0, rho="3.67"),
    )
    show(page, set_page("2026-11-23-node", a_set(), bounds=bounds), tmp_path, f"set-{name}")
    assert page.locator("#totals .dot").count() == 8
    page.focus("#totals tr[tabindex]")
    assert "median" in page.inner_text("#tip")


def test_a_printed_set_has_all_its_cells(opened: tuple[Page, str], tmp_path: Path) -> None:
    page, name = opened
    show(page, set_page("2026-11-23-node", a_set()), tmp_path, f"cells-{name}")
    closed = page.locator("main details:not([open])")
    before = closed.count()
    assert before
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0
    for title in page.locator("#distribution details").all():
        assert title.locator("circle").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert closed.count() == before


def test_what_the_filter_finds_is_to_be_seen(opened: tuple[Page, str], tmp_path: Path) -> None:
    page, name = opened
    show(page, run_page(a_run()), tmp_path, f"filter-{name}")
    row = page.locator("#all-spans tr", has_text="app: boot")
    assert row.is_hidden()
    page.fill("#filter", "app boot")
    assert row.is_visible()
    assert page.locator("#all-spans tr", has_text="db: boot").is_hidden()
    page.fill("#filter", "")
    assert row.is_hidden()


def test_a_measured_run_is_read_by_tapping(browser: Browser, tmp_path: Path) -> None:
    cell = Cell(recipe="matrix-synapse", cache="warm")
    trace = load(trace_path(newest(ROOT / "baselines"), cell))
    context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    show(page, run_page(trace), tmp_path, "trace-phone")
    assert page.locator(".span").count() == len(trace.spans)
    longest = max(trace.spans, key=lambda span: span.seconds)
    page.locator(f".span[data-id='{longest.id}'] .bar").first.tap()
    assert page.inner_text("#tip").startswith(longest.name)
    page.locator("#phases tr[tabindex]").first.tap()
    assert page.is_visible("#tip")
    assert page.inner_text("#tip").startswith("converge")
    context.close()


def test_the_theme_can_be_turned_and_the_page_printed(opened: tuple[Page, str], tmp_path: Path) -> None:
    page, name = opened
    show(page, run_page(a_run()), tmp_path, f"theme-{name}")
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colour)
    page.click("#theme")
    assert page.evaluate(colour) != before
    page.emulate_media(media="print")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    assert page.locator(".tools").is_hidden()
    page.pdf(path=SHOTS / f"print-{name}.pdf")

"""A real Chromium inside the sandbox, and what it leaves as evidence."""

import contextlib
import functools
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cc_ci.suite.answers import Notebook
from cc_ci.suite.inside.app import SuiteProblem
from cc_ci.suite.inside.pages import Pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, WebError

BROWSERS = ("chromium", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOT_TIMEOUT_MS = 5000
_EXPECTATIONS = ("PageAssertions", "LocatorAssertions", "APIResponseAssertions")
_DEAD = ("has been closed", "crashed", "Connection closed")


_AHEAD: list["Browser"] = []
"""A browser that was started before anybody asked for one."""


@contextlib.contextmanager
def started_ahead() -> Iterator[None]:
    """Start the browser for the first who asks; where it can't be started, they are told why."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(SuiteProblem):
            _AHEAD.append(stack.enter_context(_started()))
        yield


@contextlib.contextmanager
def chromium() -> Iterator["Browser"]:
    """The machine's own browser; its certificates are verified, the lab's CA is in its policy."""
    if _AHEAD and (browser := _AHEAD.pop()).is_connected():
        yield browser
        return
    with _started() as browser:
        yield browser


@contextlib.contextmanager
def _started() -> Iterator["Browser"]:
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - half a second, only where used

    try:
        with sync_playwright() as playwright, contextlib.ExitStack() as stack:
            browser = playwright.chromium.launch(
                executable_path=_executable(), chromium_sandbox=_user_namespaces(), args=list(FLAGS)
            )
            stack.callback(_close, browser)
            yield browser
    except Error as error:
        raise SuiteProblem(f"browser: {_reason(str(error))}") from error


def _reason(said: str) -> str:
    """What the browser itself said before it died, else what Playwright says of it."""
    lines = said.splitlines()
    return next((line.strip() for line in lines if "[err]" in line), lines[0])


def _close(browser: "Browser") -> None:
    if browser.is_connected():
        browser.close()


def _executable() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise SuiteProblem(f"browser: none of {', '.join(BROWSERS)} found; install chromium")
    return found


def _user_namespaces() -> bool:
    """Chromium's own sandbox needs user namespaces, which some kernels deny to users.

    Doing without is still safe for the machine: the whole browser is in our sandbox, and sees one app.
    """
    trial = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False)
    return trial.returncode == 0


def is_dead(error: BaseException) -> bool:
    """The browser itself broke, which says nothing of the app."""
    return is_playwright(error) and any(sign in str(error) for sign in _DEAD)


def is_playwright(error: BaseException) -> bool:
    return type(error).__module__.startswith("playwright.")


class Recorder:
    """Writes what one test's pages logged, and a picture of each at its end.

    `notebook` gets what they were answered and what they showed.
    """

    def __init__(self, *, context: "BrowserContext", folder: Path, notebook: Notebook) -> None:
        self._context = context
        self._folder = folder
        self._pages = Pages(context=context, notebook=notebook)
        self._lines: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._web_error)
        context.on("requestfailed", self._request_failed)

    def _console(self, message: "ConsoleMessage") -> None:
        self._lines.append(json.dumps({"console": message.type, "text": message.text}))

    def _web_error(self, error: "WebError") -> None:
        self._lines.append(json.dumps({"error": str(error.error)}))

    def _request_failed(self, request: "Request") -> None:
        self._lines.append(json.dumps({"failed": request.url, "reason": request.failure}))

    def finish(self) -> None:
        from playwright.sync_api import Error  # noqa: PLC0415 - loaded long since

        self._folder.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(self._context.pages, start=1):
            with contextlib.suppress(Error):
                # a page that hangs or has crashed has no picture; the test has said so
                page.screenshot(path=self._folder / f"page-{number}.png", timeout=SCREENSHOT_TIMEOUT_MS)
                self._pages.look(page)
        (self._folder / "console.jsonl").write_text("".join(f"{line}\n" for line in self._lines))


def evidence_name(test_id: str) -> str:
    """A test's id as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", test_id).strip("-.")[:120]


@functools.cache
def count_expectations(count: Callable[[], None]) -> None:
    """Call `count` for each of Playwright's `expect(...)` assertions that holds: they are no `assert`."""
    from playwright import sync_api  # noqa: PLC0415 - half a second, only where used

    for kind in (getattr(sync_api, name) for name in _EXPECTATIONS):
        for name in vars(kind).copy():
            if name.startswith(("to_", "not_to_")):
                setattr(kind, name, _counted(getattr(kind, name), count))


def _counted(assertion: Callable[..., Any], count: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(assertion)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = assertion(*arguments, **options)
        count()
        return result

    return wrapped

"""The pytest plugin of a suite: its fixtures, and the report; `-p cc_ci.suite.inside.plugin`."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from cc_ci.providers.api import SignOn
from cc_ci.suite.answers import ANSWERS_FILE, Notebook, listen
from cc_ci.suite.inside import browser as browsers
from cc_ci.suite.inside.app import Seed, SuiteApp, SuiteProblem, http_client, load_seeds, trust
from cc_ci.suite.inside.recording import ReportRecording
from cc_ci.suite.protocol import BROWSER_FOLDER, EVIDENCE_FOLDER, REPORT_FILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

_RECORDING = pytest.StashKey[ReportRecording]()
_NOTEBOOK = pytest.StashKey[Notebook]()


def pytest_configure(config: pytest.Config) -> None:
    recording = ReportRecording(path=EVIDENCE_FOLDER / REPORT_FILE, last=lambda: config.stash[_NOTEBOOK].last)
    config.stash[_RECORDING] = recording
    config.pluginmanager.register(recording, "cc-ci-recording")
    notebook = Notebook(path=EVIDENCE_FOLDER / ANSWERS_FILE, test=lambda: recording.test)
    config.stash[_NOTEBOOK] = notebook
    listen(notebook)
    with contextlib.suppress(SuiteProblem):
        # its asserts count as well; if the broker is away, each fixture will say so
        if seeds := SuiteApp().seeds:
            pytest.register_assert_rewrite(Path(seeds).stem)


@pytest.fixture(scope="session")
def app() -> SuiteApp:
    """The app under test: domain, url, services, env, secret(name), logs(service)."""
    return SuiteApp()


@pytest.fixture(scope="session")
def _trust() -> ssl.SSLContext:
    return trust()


@pytest.fixture
def http(app: SuiteApp, _trust: ssl.SSLContext) -> Iterator[httpx2.Client]:
    """An HTTP client with the app's URL as its base; follows no redirect unless asked."""
    with http_client(app, verify=_trust) as client:
        yield client


@pytest.fixture(scope="session")
def sso(app: SuiteApp) -> SignOn:
    """The provider's part of the run: issuer, client_id, client_secret, realm, username, password."""
    if app.sso is None:
        raise SuiteProblem("suite.toml: needs: no provider is declared")
    return app.sso


@pytest.fixture
def seed(app: SuiteApp, http: httpx2.Client) -> Seed:
    """The suite's seed module, bound to the app."""
    return Seed(module=load_seeds(app), app=app, http=http)


@pytest.fixture(scope="session")
def _chromium(request: pytest.FixtureRequest) -> Iterator["Browser"]:
    with browsers.chromium() as browser:
        browsers.count_expectations(request.config.stash[_RECORDING].count)
        yield browser


@pytest.fixture
def browser(
    request: pytest.FixtureRequest, _chromium: "Browser", app: SuiteApp
) -> Iterator["BrowserContext"]:
    """A fresh profile (Playwright's BrowserContext) of a real Chromium, with the app's URL as its base."""
    request.config.stash[_RECORDING].browser = f"{_chromium.browser_type.name} {_chromium.version}"
    context = _chromium.new_context(base_url=app.url)
    folder = EVIDENCE_FOLDER / BROWSER_FOLDER / browsers.evidence_name(request.node.nodeid)
    recorder = browsers.Recorder(context=context, folder=folder, notebook=request.config.stash[_NOTEBOOK])
    yield context
    recorder.finish()
    context.close()

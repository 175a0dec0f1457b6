"""`python -m cc_ci.suite.inside.ahead KIND`: what a call needs is loaded, then its order is waited for.

No file of the suite is looked at before the order is there: what runs until then is cc-ci's own.
"""

import argparse
import contextlib
import importlib
from typing import get_args

import msgspec

from cc_ci.suite.inside import seeding
from cc_ci.suite.inside.app import SuiteApp
from cc_ci.suite.protocol import ORDER_PIPE, CallKind, CallOrder

OF_SESSIONS = ("pytest", "cc_ci.suite.answers", "cc_ci.suite.inside.recording", "cc_ci.suite.inside.session")
"""What the plugin needs; the plugin itself is pytest's to load."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=get_args(CallKind))
    parser.add_argument("--browser", action="store_true")
    asked = parser.parse_args()
    if asked.kind == "seeding":
        seeding.main(ordered().line)
        return
    with contextlib.ExitStack() as stack:
        session(stack, browser=asked.browser)


def session(stack: contextlib.ExitStack, *, browser: bool) -> None:
    """Load what tests need, start a browser if it is wanted, and run the tests once that is ordered."""
    for name in OF_SESSIONS:
        importlib.import_module(name)
    from _pytest.config import default_plugins  # noqa: PLC0415 - only tests need it

    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    from cc_ci.suite.inside import browser as browsers  # noqa: PLC0415 - only tests need it
    from cc_ci.suite.inside import session as sessions  # noqa: PLC0415 - only tests need it

    if browser:
        stack.enter_context(browsers.started_ahead())
    sessions.main(ordered().arguments)


def ordered() -> CallOrder:
    """Say that all is loaded, and wait for the order."""
    SuiteApp().say_loaded()
    with ORDER_PIPE.open("rb") as pipe:
        return msgspec.json.decode(pipe.readline(), type=CallOrder)


if __name__ == "__main__":
    main()

"""What all tests have in common."""

import os

from hypothesis import settings

from cc_ci.perf.measuring.lock import under_way

# how long one example takes is the machine's affair, which may be busy
settings.register_profile("cc-ci", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("cc-ci")


def pytest_report_header() -> str | None:
    """Say so when these tests make somebody's measurement void."""
    return "a measurement is under way on this machine: its runs become void" if under_way() else None

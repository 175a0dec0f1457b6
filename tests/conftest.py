"""What all tests have in common."""

from cc_ci.perf.measuring.lock import under_way


def pytest_report_header() -> str | None:
    """Say so when these tests make somebody's measurement void."""
    return "a measurement is under way on this machine: its runs become void" if under_way() else None

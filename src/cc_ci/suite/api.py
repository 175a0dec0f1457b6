"""What stages ask of whatever runs suites; `SuiteRunner` does it in a sandbox."""

from pathlib import Path
from typing import Protocol

from cc_ci.errors import StageFailed
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts, SuitePart
from cc_ci.suite.report import TestReport
from cc_ci.suite.spares import Ahead
from cc_ci.system.http_seen import HttpSeen


class SeedFailed(StageFailed):
    """The app did not take a seed, or not give it back; `exchange` is the request by which that showed."""

    def __init__(self, message: str, *, exchange: HttpSeen | None) -> None:
        super().__init__(message)
        self.exchange = exchange


class Suites(Protocol):
    def run_tests(
        self, suite: Suite, app: AppFacts, *, evidence: Path, part: SuitePart = "app"
    ) -> TestReport:
        """Run one part of the suite's tests; never raises for a test or a suite."""
        ...

    def start_ahead(self, suite: Suite, ahead: Ahead, *, folder: Path) -> None:
        """Begin calls of `suite` before there is an app, until `close`."""
        ...

    def close(self) -> None: ...
    def seed_write(self, suite: Suite, app: AppFacts, key: str, value: str) -> None: ...
    def seed_read(self, suite: Suite, app: AppFacts, key: str) -> str | None: ...
    def seed_delete(self, suite: Suite, app: AppFacts, key: str) -> None: ...

"""Apps in a fake Swarm: what they answer through the proxy, and what their suites find."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from cc_ci.engine.node import Node
from cc_ci.probes.answers import Answer
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts, SuitePart
from cc_ci.suite.report import TestOutcome, TestReport
from cc_ci.suite.spares import Ahead
from cc_ci.system.units import Seconds
from cc_ci.testkit.swarm import FakeSwarm


class FakeProxy:
    """A Requester: an app of a stack that is up says hello, anything else is the proxy's own 404."""

    def __init__(self, swarm: FakeSwarm, *, own: str | None = None) -> None:
        self._swarm = swarm
        self._own = own
        """The container of a proxy that one deployment has: it leads to the stack whose network it is in."""
        self.asked: list[str] = []

    def request(
        self,
        method: str,  # noqa: ARG002 - part of the protocol
        url: str,
        *,
        content: str | None = None,  # noqa: ARG002 - part of the protocol
        headers: Mapping[str, str] = {},  # noqa: ARG002 - part of the protocol
        timeout: Seconds = 10.0,  # noqa: ARG002 - part of the protocol
    ) -> Answer:
        self.asked.append(url)
        self._swarm.clock.sleep(0.01)
        scheme, _, rest = url.partition("://")
        host = rest.partition("/")[0]
        stack = self._joined() if self._own else host.replace(".", "_")
        if not self._swarm.running(stack):
            return Answer(url=url, status=404, body="404 page not found")
        if scheme == "http":
            return Answer(url=url, status=308, headers={"location": f"https://{rest}"})
        return Answer(url=url, status=200, headers={"server": "fake"}, body="hello")

    @contextlib.contextmanager
    def reached(self, node: Node, *_: object, **__: object) -> Iterator["FakeProxy"]:
        """As `Instruments.requester`."""
        own = (node.proxy_container or "").startswith("proxy-")
        yield FakeProxy(self._swarm, own=node.proxy_container) if own else self

    def _joined(self) -> str:
        networks = (network for network, container in tuple(self._swarm.joined) if container == self._own)
        return next(networks, "").removesuffix("_ccproxy")


class FakeSuites:
    """A Suites: seeds are kept in the stack's first volume, and each part has one test, which passes.

    `outcomes` says otherwise by part.
    """

    def __init__(self, swarm: FakeSwarm) -> None:
        self._swarm = swarm
        self.outcomes: dict[SuitePart, str] = {}
        self.begun: list[Ahead] = []
        """What was begun ahead."""
        self.ended = True

    def run_tests(
        self, suite: Suite, app: AppFacts, *, evidence: Path, part: SuitePart = "app"
    ) -> TestReport:
        del app
        evidence.mkdir(parents=True, exist_ok=True)
        (evidence / "suite.log").write_text(f"{part}\n")
        start = self._swarm.clock.monotonic()
        self._swarm.clock.sleep(1.0)
        test = TestOutcome(
            id=f"test_{part}.py::test_it",
            outcome=self.outcomes.get(part, "passed"),  # type: ignore[arg-type]
            start=start,
            seconds=1.0,
            assertions=1,
        )
        return TestReport(suite_hash=suite.hash, seconds=1.0, tests=(test,), problems=(), warnings=())

    def start_ahead(self, suite: Suite, ahead: Ahead, *, folder: Path) -> None:
        del suite, folder
        self.begun.append(ahead)
        self.ended = False

    def close(self) -> None:
        self.ended = True

    def seed_write(self, suite: Suite, app: AppFacts, key: str, value: str) -> None:
        del suite
        self._kept(app)[key] = value

    def seed_read(self, suite: Suite, app: AppFacts, key: str) -> str | None:
        del suite
        return self._kept(app).get(key)

    def seed_delete(self, suite: Suite, app: AppFacts, key: str) -> None:
        del suite
        self._kept(app).pop(key, None)

    def _kept(self, app: AppFacts) -> dict[str, str]:
        self._swarm.clock.sleep(0.01)
        (volume, *_) = self._swarm.volumes_of(app.stack_name)
        return self._swarm.data.setdefault(volume, {})

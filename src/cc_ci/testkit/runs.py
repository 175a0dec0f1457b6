"""Whole runs in a fake Swarm: all of cc-ci but the engine, the proxy, the suites' sandbox and the tools."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import msgspec

from cc_ci.engine.labels import SERVES
from cc_ci.engine.node import Node
from cc_ci.pipeline.instruments import Instruments
from cc_ci.pipeline.request import Ran, Request
from cc_ci.pipeline.run import Run
from cc_ci.results.store import Store
from cc_ci.system.process import Completed, LocalRunner, Runner
from cc_ci.system.redaction import Redactor
from cc_ci.testkit.apps import FakeProxy, FakeSuites
from cc_ci.testkit.recipes import IMAGES, small_recipe
from cc_ci.testkit.swarm import FakeSwarm

NODE = Node(
    name="fake",
    kind="private",
    docker_host="unix:///fake.sock",
    address="10.0.0.2",
    ci_domain="ci.test",
    ipvs=True,
    stand_ins=False,
)


class Unmeasured:
    """A sampler that samples nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def sample(self) -> None: ...
    def resources(self) -> None:
        return None


class FakeRunProxy:
    """The run's own proxy, which is there at once."""

    def __init__(self, node: Node, *_: object, labels: Mapping[str, str] = {}, **__: object) -> None:
        self._node = node
        self._serves = labels.get(SERVES)

    def start(self) -> Node:
        """The node as it was given, but for a proxy of one deployment, which has an address of its own."""
        if self._serves is None:
            return self._node
        own = f"proxy-{self._serves}"
        return msgspec.structs.replace(self._node, proxy_container=own, address=f"10.0.1.{len(own)}")

    def remove(self) -> None: ...
    def leave_kept(self) -> None: ...
    def require_served(self) -> None: ...
    def log(self) -> str:
        return ""


class OneAtATime:
    """Anything whose methods are called by one thread at a time, so that chains may go side by side."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: object, **options: object) -> object:
            with self._lock:
                return found(*args, **options)

        return call


class Lab:
    """One fake node, a recipe and a store below `root`; each `run` is a whole one, in this thread.

    `made` is where `small_recipe` put its recipe, if it did already.
    """

    def __init__(self, root: Path, *, made: Path | None = None) -> None:
        self.swarm = FakeSwarm()
        for reference in IMAGES:
            self.swarm.has_image(reference)
        self.recipe = made / "recipes" / "small" if made else small_recipe(root)
        self._shared = cast("FakeSwarm", OneAtATime(self.swarm))
        self.suites = FakeSuites(self._shared)
        self.proxy = FakeProxy(self._shared)
        self.store = Store(root / "runs")
        self.told: list[str] = []
        self.tell: Callable[[str], None] = self.told.append
        self._suite_roots = ((made or root) / "suites",)
        self._git = LocalRunner()

    def run(self, **asked: Any) -> Ran:
        return self.prepared(**asked)()

    def prepared(self, *, watched: bool = False, **asked: Any) -> Run:
        """A run of the small recipe; `asked` are fields of its Request."""
        request = Request(
            **{"recipe": str(self.recipe), "node": NODE, "suite_roots": self._suite_roots, **asked}
        )
        return Run(
            request,
            runner=self._runner,
            clock=self.swarm.clock,
            redact=Redactor(),
            store=self.store,
            started=self.swarm.clock.monotonic(),
            tell=self._tell,
            watched=watched,
            instruments=Instruments(
                connect=lambda _node, _runner: self._shared,
                requester=self.proxy.reached,
                suites=lambda *_: self.suites,
                sampler=lambda *_, **__: Unmeasured(),  # type: ignore[arg-type]
                proxy=FakeRunProxy,  # type: ignore[arg-type]
            ),
        )

    def _tell(self, line: str) -> None:
        self.tell(line)

    def _runner(self, argv: Sequence[str], **options: Any) -> Completed:
        """Git is real: a recipe is read from its repository."""
        run: Runner = self._git if argv[0] == "git" else self._shared.runner
        return run(argv, **options)

"""A node in memory, with only what censuses, leases and removals ask of it."""

from collections.abc import Callable, Mapping

import pytest

from cc_ci.engine.state import Container, ContainerState, Listed
from cc_ci.errors import InfrastructureError
from cc_ci.system.clock import ManualClock
from cc_ci.system.units import EpochSeconds

Labels = Mapping[str, str]
KINDS = ("service", "container", "network", "volume", "secret", "config")


class MemoryNode:
    """Things by kind; `refuse` maps a thing's name to how often its removal is refused."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.things: dict[str, list[Listed]] = {kind: [] for kind in KINDS}
        self.attached: dict[str, list[str]] = {}
        self.refuse: dict[str, int] = {}
        self.removed: list[str] = []
        self.disconnected: list[tuple[str, str]] = []
        self._made = 0

    def now(self) -> EpochSeconds:
        return self.clock.now()

    def add(self, kind: str, name: str, labels: Labels | None = None) -> str:
        self._made += 1
        known = {
            "id": f"{kind}-{self._made}",
            "name": name,
            "labels": dict(labels or {}),
            "created": self.now(),
        }
        if kind == "volume":
            known["id"] = name
        made = (
            Container(**known, state="running", image="x", image_id="x")  # type: ignore[arg-type]
            if kind == "container"
            else Listed(**known)  # type: ignore[arg-type]
        )
        self.things[kind].append(made)
        return made.id

    def names(self, kind: str) -> list[str]:
        return [thing.name for thing in self.things[kind]]

    def create_config(self, name: str, *, content: bytes, labels: Labels) -> str:
        assert content
        if name in self.names("config"):
            raise InfrastructureError(f"docker config create: name conflicts with an existing object: {name}")
        return self.add("config", name, labels)

    def container(self, container: str) -> ContainerState | None:
        name = next(thing.name for thing in self.things["container"] if thing.id == container)
        return ContainerState(
            id=container,
            state="running",
            pid=1,
            exit_code=None,
            oom_killed=False,
            health=None,
            health_output=(),
            created=self.now(),
            started=None,
            finished=None,
            addresses=dict.fromkeys(self.attached.get(name, []), "10.0.0.2"),
        )

    def disconnect_network(self, network: str, container: str) -> None:
        self.disconnected.append((network, container))
        for networks in self.attached.values():
            networks.clear()

    def images(self) -> tuple[object, ...]:
        return ()

    def __getattr__(self, name: str) -> Callable[..., object]:
        verb, _, kind = name.partition("_")
        if verb == "remove":
            return lambda thing: self._remove(kind, thing)
        if name.removesuffix("s") in KINDS:
            return lambda labels=None: self._listed(name.removesuffix("s"), labels or {})
        raise AttributeError(name)

    def _listed(self, kind: str, labels: Labels) -> tuple[Listed, ...]:
        return tuple(
            thing
            for thing in self.things[kind]
            if all(key in thing.labels and value in ("", thing.labels[key]) for key, value in labels.items())
        )

    def _remove(self, kind: str, thing: str) -> None:
        for found in [known for known in self.things[kind] if known.id == thing]:
            if self.refuse.get(found.name, 0) > 0:
                self.refuse[found.name] -= 1
                raise InfrastructureError(f"{kind} {found.name} is in use")
            self.things[kind].remove(found)
            self.removed.append(found.name)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def node(clock: ManualClock) -> MemoryNode:
    return MemoryNode(clock)

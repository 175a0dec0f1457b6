"""The fake engine, with things put on it by hand and removals that are refused for a while."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Container
from cc_ci.errors import InfrastructureError
from cc_ci.system.clock import ManualClock


class FakeNode(FakeEngine):
    """`refuse` tells how often the removal of a thing is refused, by its name."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.refuse: dict[str, int] = {}
        self.removed: list[str] = []

    def add(self, kind: str, name: str, labels: Mapping[str, str] = {}) -> str:
        """Put a thing there; its id."""
        if kind != "container":
            return self._create(kind, name, labels, id_=f"{kind} {name}")
        now = self.clock.now()
        self.has(
            kind,
            Container(
                id=name, name=name, labels=labels, created=now, state="running", image="x", image_id="x"
            ),
        )
        return name

    def uses(self, container: str, *, volumes: Sequence[str] = (), networks: Sequence[str] = ()) -> None:
        """Show `container` with these volumes and in these networks, besides those that it has."""
        there = self.items["container"][container]
        assert isinstance(there, Container)
        self.items["container"][container] = msgspec.structs.replace(
            there, volumes=(*there.volumes, *volumes), networks=(*there.networks, *networks)
        )

    def names(self, kind: str) -> list[str]:
        return [thing.name for thing in self.items[kind].values()]

    def _remove(self, kind: str, name: str) -> None:
        thing = self.items[kind].get(name)
        if thing is None:
            return
        if self.refuse.get(thing.name, 0) > 0:
            self.refuse[thing.name] -= 1
            raise InfrastructureError(f"{kind} {thing.name} is in use")
        super()._remove(kind, name)
        self.removed.append(thing.name)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def node(clock: ManualClock) -> FakeNode:
    return FakeNode(clock)

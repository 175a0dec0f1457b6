"""The nodes of a set, one for each of its engines; one at a time is up, since idle ones take CPU, too."""

from collections.abc import Callable, Mapping
from typing import Protocol

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.engine.state import EngineFacts
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.node_records import Wanted
from cc_ci.perf.baselines.sets import Asked
from cc_ci.results.engines import EngineUsed
from cc_ci.system.process import LocalRunner


class Private(Protocol):
    """What is needed of a private node."""

    @property
    def up_now(self) -> bool: ...

    def reset(self, wanted: Wanted | None = None) -> Node: ...

    def up(self, wanted: Wanted | None = None) -> Node: ...

    def down(self) -> None: ...


class ReferenceNodes:
    """Order of calls: `reset`, then `turn_to` as often as needed, then `down`.

    `private` gives the node of a name, `look` says what engine one has.
    """

    def __init__(
        self,
        name: str,
        asked: Asked,
        *,
        private: Callable[[str], Private],
        look: Callable[[Node], EngineUsed],
    ) -> None:
        many = len(asked.engines) > 1
        self._asked = asked
        self._look = look
        self._nodes = {
            engine: private(f"{name}-{at}" if many else name) for at, engine in enumerate(asked.engines, 1)
        }
        self._up: Node | None = None
        self._turn = ""

    @property
    def up(self) -> Node:
        """The one that is up."""
        if self._up is None:
            raise AssertionError("no node is up; call `reset` before")
        return self._up

    def reset(self) -> Mapping[str, EngineUsed]:
        """Make all anew and leave the first one up; by the engine's name, what it is.

        Anew: what an ended process left there is in nobody's way, and takes no CPU.
        """
        used = {}
        for engine in reversed(self._nodes):
            self.down()
            self._turn = engine
            self._up = self._nodes[engine].reset(self._wanted(engine))
            used[engine] = self._look(self._up)
        return dict(reversed(used.items()))

    def turn_to(self, engine: str) -> Node:
        """The node of that engine, up; any other is down. An empty name: the only one."""
        if engine and engine != self._turn:
            self.down()
            self._turn = engine
            self._up = self._nodes[engine].up()
        return self.up

    def down(self) -> None:
        """Works twice."""
        for engine, node in self._nodes.items():
            # also one that was interrupted on its way up
            if engine == self._turn or node.up_now:
                node.down()
        self._up, self._turn = None, ""

    def _wanted(self, engine: str) -> Wanted:
        asked = self._asked
        return Wanted(
            cpus=asked.cpus,
            memory_bytes=asked.memory_bytes,
            bandwidth=asked.bandwidth,
            images=asked.images,
            engine=engine,
        )


def reference_nodes(name: str, asked: Asked, *, say: Callable[[str], None]) -> ReferenceNodes:
    """On this machine."""
    return ReferenceNodes(
        name,
        asked,
        private=lambda one: PrivateNode(one, say=say),
        look=lambda node: engine_used(connect(node, LocalRunner()).system()),
    )


def engine_used(facts: EngineFacts) -> EngineUsed:
    return EngineUsed(
        engine=facts.version,
        containerd=facts.containerd,
        runc=facts.runc,
        image_store=facts.image_store,
        cgroup=facts.cgroup_version,
    )

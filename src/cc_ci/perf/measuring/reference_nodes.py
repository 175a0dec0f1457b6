"""The nodes of a set, one for each of its engines; one at a time is up, since idle ones take CPU, too."""

from collections.abc import Callable, Mapping

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.engine.state import EngineFacts
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.node_records import Wanted
from cc_ci.perf.baselines.sets import Asked
from cc_ci.results.engines import EngineUsed
from cc_ci.system.process import LocalRunner


class ReferenceNodes:
    """Order of calls: `reset`, then `turn_to` as often as needed, then `down`."""

    def __init__(self, name: str, asked: Asked, *, say: Callable[[str], None]) -> None:
        many = len(asked.engines) > 1
        self._asked = asked
        self._nodes = {
            engine: PrivateNode(f"{name}-{at}" if many else name, say=say)
            for at, engine in enumerate(asked.engines, 1)
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
            self._up, self._turn = self._nodes[engine].reset(self._wanted(engine)), engine
            used[engine] = engine_used(connect(self._up, LocalRunner()).system())
        return dict(reversed(used.items()))

    def turn_to(self, engine: str) -> Node:
        """The node of that engine, up; any other is down. An empty name: the only one."""
        if engine and engine != self._turn:
            self.down()
            self._up, self._turn = self._nodes[engine].up(), engine
        return self.up

    def down(self) -> None:
        """Works twice."""
        for node in self._nodes.values():
            if node.record:
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


def engine_used(facts: EngineFacts) -> EngineUsed:
    return EngineUsed(
        engine=facts.version,
        containerd=facts.containerd,
        runc=facts.runc,
        image_store=facts.image_store,
        cgroup=facts.cgroup_version,
    )

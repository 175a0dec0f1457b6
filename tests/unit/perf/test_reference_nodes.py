"""Nodes of a set: one for each engine, one at a time, and none left up."""

import pytest

from cc_ci.engine.fake_events import FACTS
from cc_ci.engine.node import Node
from cc_ci.lab.node_records import Wanted
from cc_ci.perf.baselines.sets import Asked
from cc_ci.perf.measuring.reference_node import finds_a_warm_provider
from cc_ci.perf.measuring.reference_nodes import ReferenceNodes, engine_used
from cc_ci.results.engines import EngineUsed
from cc_ci.results.measured import Cell

ENGINES = ("system", "docker-26.1.5", "docker-28.5.2")


class FakeNode:
    def __init__(self, name: str, told: list[str], *, breaks: bool = False) -> None:
        self.name = name
        self.up_now = False
        self.engine: str | None = None
        self._told = told
        self._breaks = breaks

    def reset(self, wanted: Wanted | None = None) -> Node:
        assert wanted is not None
        self.engine = wanted.engine
        return self.up()

    def up(self, wanted: Wanted | None = None) -> Node:  # noqa: ARG002 - as the protocol has it
        self._told.append(f"up {self.name}")
        if self._breaks:
            raise KeyboardInterrupt
        self.up_now = True
        return Node(name=self.name, kind="private", docker_host="", address="", ci_domain="", ipvs=False)

    def down(self) -> None:
        self._told.append(f"down {self.name}")
        self.up_now = False


class Lab:
    def __init__(self, engines: tuple[str, ...], *, breaks: str = "") -> None:
        self.told: list[str] = []
        self.made: dict[str, FakeNode] = {}
        self._breaks = breaks
        asked = Asked(recipes=("app",), cold=0, warm=1, cpus=2.0, memory_bytes=6 << 30, bandwidth="1mbit",
                      engines=engines)  # fmt: skip
        self.nodes = ReferenceNodes("ref", asked, private=self._make, look=self._look)

    def _make(self, name: str) -> FakeNode:
        self.made[name] = FakeNode(name, self.told, breaks=name == self._breaks)
        return self.made[name]

    def _look(self, node: Node) -> EngineUsed:
        return EngineUsed(engine=self.made[node.name].engine)

    @property
    def up(self) -> list[str]:
        return [name for name, node in self.made.items() if node.up_now]


def test_each_engine_has_a_node_and_one_is_up() -> None:
    lab = Lab(ENGINES)
    assert [(name, used.engine) for name, used in lab.nodes.reset().items()] == [
        (engine, engine) for engine in ENGINES
    ]
    assert lab.up == ["ref-1"]
    for engine, name in ((ENGINES[2], "ref-3"), (ENGINES[2], "ref-3"), (ENGINES[1], "ref-2")):
        assert lab.nodes.turn_to(engine).name == name
        assert lab.up == [name]
    assert lab.told[-4:] == ["down ref-1", "up ref-3", "down ref-3", "up ref-2"]
    lab.nodes.down()
    lab.nodes.down()
    assert lab.up == []


def test_one_engine_alone_has_the_node_of_the_name() -> None:
    lab = Lab(("docker-28.5.2",))
    lab.nodes.reset()
    assert lab.nodes.turn_to("").name == "ref"


def test_one_that_was_interrupted_on_its_way_up_is_taken_down() -> None:
    lab = Lab(ENGINES, breaks="ref-2")
    with pytest.raises(KeyboardInterrupt):
        lab.nodes.reset()
    lab.nodes.down()
    assert lab.told[-2:] == ["up ref-2", "down ref-2"]


def test_what_an_engine_says_of_itself_is_what_a_set_keeps() -> None:
    assert str(engine_used(FACTS)) == "20.10.24, containerd 1.6.20, runc 1.1.5, overlay2, cgroup v1"


def test_only_arms_with_a_warm_provider_have_one_and_only_for_recipes_that_need_it() -> None:
    def finds(recipe: str, arm: str) -> bool:
        return finds_a_warm_provider(Cell(recipe=recipe, cache="warm", arm=arm))

    assert finds("matrix-synapse", "peer")
    assert finds("matrix-synapse", "stock provider.warm=yes")
    assert not finds("matrix-synapse", "stock")
    assert not finds("custom-html", "peer")

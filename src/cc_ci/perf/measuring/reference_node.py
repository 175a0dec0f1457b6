"""The node that is measured on: brought up as asked, put into a cache state, watched from outside."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import cc_ci
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.image_cache import prepare
from cc_ci.lab.images import digest_in_registry, split
from cc_ci.lab.sources import lab_folder
from cc_ci.levers.arms import arm_argv, choose, read_arm
from cc_ci.perf.baselines.sets import code_hash, this_boot
from cc_ci.perf.measuring.canary import canary
from cc_ci.perf.measuring.foreign import CpuCounts, RunGroup, count
from cc_ci.perf.measuring.lock import MEASURED_VARIABLE
from cc_ci.perf.measuring.reference_nodes import ReferenceNodes
from cc_ci.pipeline.fetching import Selection, rehearse, shipped_suites
from cc_ci.pipeline.subject import Subject
from cc_ci.providers import warm_record
from cc_ci.providers.warm import NAME as KEPT_WARM
from cc_ci.results.measured import Canary, Cell
from cc_ci.results.schema import RunResult
from cc_ci.results.store import RUNS_VARIABLE, Store
from cc_ci.system import environment
from cc_ci.system.clock import Clock
from cc_ci.system.files import state_root
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import LocalRunner, follow
from cc_ci.system.settings import load_settings
from cc_ci.system.units import Seconds
from cc_ci.timing.readings import NodeReader

DEADLINE: Seconds = 7200.0


class ReferenceBench:
    """Runs `cc-ci run` as a user does, a process of its own in `group`; `results` keeps what runs left.

    It prepares the node that is up, or, where there is one for each engine, the cell's.
    """

    def __init__(
        self,
        nodes: ReferenceNodes,
        *,
        group: RunGroup,
        results: Path,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self.boot = this_boot()
        self._nodes = nodes
        self._results = results
        self._say = say
        self._group = group

    @property
    def code(self) -> str:
        return this_code()

    def prepare(self, cell: Cell) -> None:
        node = self._nodes.turn_to(cell.engine)
        if cell.cache == "cold" and warm_record.read(node, KEPT_WARM):
            # its images are in use
            self._provider("down", node, cell)
        prepare(connect(node, LocalRunner()), references(cell.recipe), cache=cell.cache)
        if finds_a_warm_provider(cell):
            self._provider("up", node, cell)

    def _provider(self, verb: Literal["up", "down"], node: Node, cell: Cell) -> None:
        argv = [sys.executable, "-m", "cc_ci", "provider", verb, KEPT_WARM, "--node", node.name]
        if code := follow(argv, env=environment.settings(), tell=self._say):
            raise InfrastructureError(f"{cell}: provider {verb}: exit {code}; see the lines above")

    def canary(self) -> Canary:
        return canary(state_root() / "scratch", self.clock)

    def count(self) -> CpuCounts:
        cgroup = self._nodes.up.cgroup
        reader = NodeReader(stack=f"{cgroup}/stack", engine=f"{cgroup}/engine", suite=f"{cgroup}/suite")
        return count(reader(), self._group)

    def run(self, cell: Cell, *, name: str) -> RunResult:
        runs = self._results / name
        argv = [sys.executable, "-m", "cc_ci", "run", cell.recipe, "--cache", cell.cache]
        argv += ["--node", self._nodes.up.name, *arm_argv(cell.arm), "--deadline", str(DEADLINE)]
        before = Store(runs).runs()
        env = {**environment.settings(), RUNS_VARIABLE: str(runs), MEASURED_VARIABLE: "1"}
        exit_code = follow([*self._group.join_argv(), *argv], env=env, tell=self._say)
        # of this run: another set of the same day and node may have left some under the same name
        made = [run for run in Store(runs).runs() if run not in before]
        if not made:
            raise InfrastructureError(f"{cell}: exit {exit_code} and no results; see the lines above")
        return Store(runs).load(made[0])


def this_code() -> str:
    """The state of the code that runs are made with here."""
    return code_hash(Path(cc_ci.__file__).parent, lab_folder() / "recipes", *shipped_suites())


def references(recipe: str) -> tuple[str, ...]:
    """All images that a run of the recipe needs, its provider's too."""
    return tuple(sorted(set(_subject(recipe).references)))


def finds_a_warm_provider(cell: Cell) -> bool:
    """Whether the cell's runs have a realm of a provider that is up before they are timed."""
    if read_arm(cell.arm).word("provider.warm") == "no":
        return False
    need = _subject(cell.recipe).need
    return need is not None and need.name == KEPT_WARM


def services(recipe: str) -> int:
    """How many services its newest version has."""
    return len(_subject(recipe).stacks["new"].services)


def _subject(recipe: str) -> Subject:
    with temporary_folder() as scratch:
        settings = load_settings()
        subject, _ = rehearse(
            Selection(recipe=recipe, recipe_roots=settings.recipes, suite_roots=settings.suites),
            choose(),
            ci_domain="ci.test",
            stage=None,
            keep=False,
            scratch=scratch,
            runner=LocalRunner(),
        )
    return subject


def unreachable(recipes: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """By recipe the images that the lab's registry does not have; recipes that have all are left out."""
    lacking = {
        recipe: tuple(one for one in references(recipe) if digest_in_registry(split(one)) is None)
        for recipe in recipes
    }
    return {recipe: images for recipe, images in lacking.items() if images}

"""The node that is measured on: brought up as asked, put into a cache state, watched from outside."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cc_ci
from cc_ci.engine.docker_engine import connect
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.image_cache import prepare
from cc_ci.lab.images import digest_in_registry, split
from cc_ci.lab.sources import lab_folder
from cc_ci.levers.arms import arm_argv, choose
from cc_ci.perf.baselines.sets import code_hash, this_boot
from cc_ci.perf.measuring.canary import canary
from cc_ci.perf.measuring.foreign import CpuCounts, RunGroup, count
from cc_ci.perf.measuring.lock import MEASURED_VARIABLE
from cc_ci.perf.measuring.reference_nodes import ReferenceNodes
from cc_ci.pipeline.fetching import Selection, rehearse, shipped_suites
from cc_ci.pipeline.subject import Subject
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
        prepare(connect(node, LocalRunner()), references(cell.recipe), cache=cell.cache)

    def canary(self) -> Canary:
        return canary(state_root() / "scratch", self.clock)

    def count(self) -> CpuCounts:
        cgroup = self._nodes.up.cgroup
        return count(NodeReader(stack=f"{cgroup}/stack", engine=f"{cgroup}/engine")(), self._group)

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

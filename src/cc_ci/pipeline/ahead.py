"""What a run begins while its apps boot: calls of its suite, and the repository of its backups."""

import contextlib
from concurrent.futures import Future
from dataclasses import dataclass

from cc_ci.backups.restic import Repository
from cc_ci.levers.arms import Chosen
from cc_ci.pipeline.plan import Action, Plan
from cc_ci.stages import backing_up
from cc_ci.stages.bench import Bench
from cc_ci.suite.browsing import browser_ahead
from cc_ci.suite.facts import Suite
from cc_ci.suite.spares import Ahead
from cc_ci.system.threads import Pool

SEEDED: frozenset[Action] = frozenset(
    {"seed", "verify_upgrade", "backup", "overwrite", "fill", "verify_restore"}
)
"""Actions that call the suite's seed module, several times each."""
READY_SEEDINGS = 4
"""About as many calls as follow each other without a wait; each holds about 30 MB."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What steps find begun; nothing of it has to be there."""

    repository: Future[Repository] | None = None

    def open_repository(self, bench: Bench) -> Repository:
        """The one that was begun ahead, else a new one."""
        if self.repository is None:
            return backing_up.open_repository(bench)
        with bench.span("restic's repository, begun ahead", "backup", waits_for="restic's repository"):
            return self.repository.result()


def begin(plan: Plan, arm: Chosen, suite: Suite | None, bench: Bench, closers: contextlib.ExitStack) -> Begun:
    """Begin what the arm asks for and the plan needs; it ends with `closers`."""
    calls = calls_ahead(plan, arm, suite)
    if suite is not None and calls is not None:
        closers.callback(bench.suites.close)
        bench.suites.start_ahead(suite, calls, folder=bench.scratch / "ahead")
    if arm.word("backup.minimal") == "yes" and any(step.action == "backup" for step in plan.steps):
        pool = closers.enter_context(Pool())
        return Begun(repository=pool.submit(backing_up.repository, bench, lists_ahead=True))
    return Begun()


def calls_ahead(plan: Plan, arm: Chosen, suite: Suite | None) -> Ahead | None:
    """Which calls of the suite are begun; None where there are none."""
    every, browser = arm.word("suite.ahead") == "yes", arm.word("browser.ahead") == "yes"
    if suite is None or not (every or browser):
        return None
    seeds = every and suite.seeds and any(step.action in SEEDED for step in plan.steps)
    browser = browser and browser_ahead(suite)
    sessions = sum(step.action == "test" for step in plan.steps) if every or browser else 0
    return Ahead(seedings=READY_SEEDINGS if seeds else 0, sessions=sessions, browser=browser)

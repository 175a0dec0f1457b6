import os
import signal
from collections.abc import Callable

import pytest

from cc_ci.errors import ContaminationError, InfrastructureError, StageFailed, Unverified
from cc_ci.pipeline.executor import Executor, StageOutcome
from cc_ci.pipeline.interruption import Interruption
from cc_ci.pipeline.plan import Plan, Step
from cc_ci.pipeline.planner import Known, plan_stock
from cc_ci.system.clock import ManualClock

PLAN = plan_stock(Known(previous_version="1", has_suite=True, volumes=("content",), backed_up=True))


class Bench:
    """A run in which each step takes a second, and chosen steps fail."""

    def __init__(self, failing: dict[str, Exception | Callable[[], None]]) -> None:
        self.clock = ManualClock()
        self.failing = failing
        self.acted: list[str] = []
        self.heard: list[StageOutcome] = []
        self.sure_at: list[int] = []
        self.interruption = Interruption(tell=lambda _line: None)

    def act(self, step: Step) -> None:
        self.acted.append(step.name)
        self.clock.advance(1.0)
        trouble = self.failing.get(step.name)
        if isinstance(trouble, Exception):
            raise trouble
        if trouble:
            trouble()

    def run(self, plan: Plan = PLAN) -> dict[str, StageOutcome]:
        executor = Executor(
            act=self.act,
            clock=self.clock,
            interruption=self.interruption,
            stage_done=self.heard.append,
            before_closing=lambda: self.sure_at.append(len(self.acted)),
            unexpected=lambda error: f"bug: {error}",
        )
        with self.interruption.armed(deadline=60):
            executor.execute(plan)
        return {one.stage: one for one in self.heard}


def test_all_steps_run_in_order_when_nothing_fails() -> None:
    bench = Bench({})
    stages = bench.run()
    assert bench.acted == [step.name for step in PLAN.steps]
    assert {one.outcome for stage, one in stages.items() if stage != "sso"} == {"passed"}
    assert stages["sso"].outcome == "skipped"
    assert bench.sure_at[0] == len(PLAN.steps) - 2
    assert sum(one.seconds for one in stages.values()) == len(PLAN.steps)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StageFailed("x"), "failed"),
        (InfrastructureError("x"), "errored"),
        (Unverified("x"), "unverified"),
        (ContaminationError("x"), "errored"),
        (ZeroDivisionError("x"), "errored"),
    ],
)
def test_an_error_becomes_the_outcome_of_whose_fault_it_is(error: Exception, outcome: str) -> None:
    stages = Bench({"install.install.check": error}).run()
    assert stages["install"].outcome == outcome
    assert "x" in str(stages["install"].reason)
    assert stages["functional"].outcome == "passed"


def test_a_provider_that_is_away_is_to_blame_for_what_could_not_be_shown() -> None:
    known = Known(
        previous_version="1",
        has_suite=True,
        volumes=("content",),
        backed_up=True,
        provider="keycloak",
        has_sso_tests=True,
    )
    bench = Bench({"provide": Unverified("keycloak: did not come up")})
    stages = bench.run(plan_stock(known))
    assert stages["install"].outcome == "passed"
    assert (stages["sso"].outcome, stages["sso"].reason) == ("unverified", "keycloak: did not come up")
    assert {stages[name].outcome for name in ("upgrade", "functional", "restore")} == {"unverified"}
    assert {stages[name].blame for name in ("sso", "upgrade", "functional")} == {"provider"}
    assert "withdraw" in bench.acted


def test_what_was_begun_is_removed_after_a_failure() -> None:
    bench = Bench({"upgrade.upgrade.upgrade": StageFailed("service app: still the old image")})
    bench.run()
    assert "upgrade.upgrade.verify_upgrade" not in bench.acted
    assert "upgrade.upgrade.undeploy" in bench.acted


def test_an_old_version_that_does_not_deploy_leaves_the_upgrade_unverified() -> None:
    stages = Bench({"upgrade.upgrade.deploy": StageFailed("crash loop")}).run()
    assert stages["upgrade"].outcome == "unverified"


def test_a_failed_backup_leaves_the_restore_unverified() -> None:
    stages = Bench({"backup.backup.backup": StageFailed("hook failed")}).run()
    assert stages["backup"].outcome == "failed"
    assert stages["restore"].outcome == "unverified"
    assert "backup.backup.backup" in str(stages["restore"].reason)


def test_an_interrupted_run_only_removes_what_is_there() -> None:
    bench = Bench({"backup.backup.seed": lambda: os.kill(os.getpid(), signal.SIGTERM)})
    stages = bench.run()
    after = bench.acted[bench.acted.index("backup.backup.seed") + 1 :]
    assert all(name.endswith("undeploy") for name in after[:-1])
    assert after[-1] == "leak_check"
    assert stages["functional"].outcome == "unverified"
    assert "SIGTERM" in str(stages["backup"].reason)


def test_a_second_signal_in_a_removal_does_not_cut_it_short() -> None:
    bench = Bench({"install.install.undeploy": lambda: os.kill(os.getpid(), signal.SIGINT)})
    stages = bench.run()
    assert stages["install"].outcome == "passed"
    assert stages["upgrade"].outcome == "unverified"

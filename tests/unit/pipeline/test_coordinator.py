"""How a plan is carried out: in which order, side by side, and what is done whatever happens."""

import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_ci.errors import (
    CcCiError,
    ContaminationError,
    DeadlinePassed,
    InfrastructureError,
    Interrupted,
    StageFailed,
    Unverified,
)
from cc_ci.levers.arms import choose
from cc_ci.pipeline.coordinator import Coordinator
from cc_ci.pipeline.handed import Hands, Layers
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.outcomes import StageOutcome, StepOutcome
from cc_ci.pipeline.plan import Plan, Step
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.state import RunState
from cc_ci.pipeline.stops import Stops
from cc_ci.results.schema import TestResult
from cc_ci.stages.bench import Findings
from cc_ci.system.clock import ManualClock
from cc_ci.system.stopping import StopToken, current
from cc_ci.timing.trace import Trace

FULL = Known(previous_version="1", has_suite=True, backed_up=True)
PLAN = make_plan(FULL, choose())
KEEPING = make_plan(FULL, choose(), keep=True)
Trouble = BaseException | Callable[["Scripted"], None]


class Scripted:
    """A run in which each step takes a second, and chosen ones fail or do something else first."""

    def __init__(self, trouble: dict[str, Trouble] | None = None, *, plan: Plan = PLAN) -> None:
        self.plan = plan
        self.clock = ManualClock()
        self.trace = Trace(self.clock)
        self.stops = Stops(StopToken(), StopToken())
        self.acted: list[str] = []
        self.heard: list[StageOutcome] = []
        self.sure_at: list[int] = []
        self.red: list[tuple[str, int]] = []
        self.fails_to_hear: BaseException | None = None
        self.unexpected: Callable[[BaseException], str] = lambda error: f"bug: {error}"
        self._trouble = trouble or {}
        self._lock = threading.Lock()

    def act(self, hands: Hands) -> None:
        with self._lock:
            self.acted.append(hands.step.name)
        for name in set(hands.step.gives) - set(hands.given):
            hands.give(name, Layers(ids=frozenset()))
        self.clock.advance(1.0)
        trouble = self._trouble.get(hands.step.name)
        if isinstance(trouble, BaseException):
            raise trouble
        if trouble:
            trouble(self)
        self.clock.sleep(0)

    def stage_done(self, outcome: StageOutcome) -> None:
        self.heard.append(outcome)
        if self.fails_to_hear:
            raise self.fails_to_hear

    def first_red(self, outcome: StepOutcome) -> None:
        self.red.append((outcome.step.name, len(self.acted)))
        if self.fails_to_hear:
            raise self.fails_to_hear

    def verdict_is_sure(self) -> None:
        self.sure_at.append(len(self.acted))
        if self.fails_to_hear:
            raise self.fails_to_hear

    def carry_out(
        self,
        *,
        exit_first: bool = False,
        patience: float = 30.0,
        closing_deadline: float = 600.0,
        state: RunState | None = None,
    ) -> RunState:
        self.coordinator = Coordinator(
            self.plan,
            act=self.act,
            clock=self.clock,
            trace=self.trace,
            stops=self.stops,
            hears=self,
            unexpected=self.unexpected,
            state=state,
            exit_first=exit_first,
            patience=patience,
            closing_deadline=closing_deadline,
        )
        return self.coordinator.carry_out()

    @staticmethod
    def fails_to_tell(error: BaseException) -> str:
        raise RecursionError("as its trace is written") from error

    def stages(self) -> dict[str, StageOutcome]:
        return {one.stage: one for one in self.heard}

    def run(self) -> dict[str, StageOutcome]:
        self.carry_out()
        return self.stages()


def interrupt(run: Scripted) -> None:
    run.stops.run.stop(Interrupted("ended by SIGTERM"))


def names(plan: Plan) -> list[str]:
    return [step.name for step in plan.steps]


def test_all_steps_are_carried_out_in_order_when_nothing_fails() -> None:
    run = Scripted()
    stages = run.run()
    assert run.acted == names(PLAN)
    assert {one.outcome for stage, one in stages.items() if stage != "sso"} == {"passed"}
    assert stages["sso"].outcome == "skipped"
    assert run.sure_at == [len(PLAN.steps) - 3]
    assert sum(one.seconds for one in stages.values()) == len(PLAN.steps)


@given(st.permutations(PLAN.steps))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_plan_s_list_decides_nothing(steps: list[Step]) -> None:
    run = Scripted(plan=msgspec.structs.replace(PLAN, steps=tuple(steps)))
    run.run()
    assert run.acted == names(PLAN)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StageFailed("x"), "failed"),
        (InfrastructureError("x"), "errored"),
        (Unverified("x"), "unverified"),
        (ContaminationError("x"), "errored"),
        (ZeroDivisionError("x"), "errored"),
        (SystemExit("x"), "errored"),
        (MemoryError("x"), "errored"),
    ],
)
def test_an_error_becomes_the_outcome_of_whose_fault_it_is(error: BaseException, outcome: str) -> None:
    stages = Scripted({"install.install.check": error}).run()
    assert stages["install"].outcome == outcome
    said = "x" if isinstance(error, CcCiError) else "bug: x"
    assert (stages["install"].reason, stages["functional"].outcome) == (said, "passed")


def test_a_bug_that_can_t_be_told_costs_its_step_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    # what ends a thread is shown by Python itself
    monkeypatch.setattr(threading, "excepthook", lambda _args: ended.set())
    run = Scripted({"install.install.check": ValueError("x")})
    run.unexpected = Scripted.fails_to_tell
    stages = run.run()
    assert ended.wait(10)
    assert (stages["install"].outcome, stages["install"].reason) == ("errored", "its thread ended early")
    assert stages["teardown"].outcome == "passed"


def test_a_stage_that_was_decided_is_told_before_any_step_with_its_blame() -> None:
    known = Known(previous_version=None, has_suite=True, unbacked=("volume content: no label names it",))
    run = Scripted(plan=make_plan(known, choose()))
    run.run()
    told = [(one.stage, one.outcome, one.blame) for one in run.heard]
    assert told[:4] == [
        ("upgrade", "skipped", None),
        ("backup", "failed", "recipe"),
        ("restore", "failed", "recipe"),
        ("sso", "skipped", None),
    ]
    assert run.stages()["backup"].reason == "volume content: no label names it"


def test_a_step_works_in_a_thread_of_its_own_name_that_holds_up_no_exit_and_inside_its_chain() -> None:
    seen: list[tuple[str, bool, str]] = []

    def look(run: Scripted) -> None:
        thread, span = threading.current_thread(), run.trace.current()
        seen.append((thread.name, thread.daemon, span.name if span else ""))

    Scripted({"install.install.check": look, "upgrade.upgrade.seed": look}).run()
    assert seen == [("install.install.check", True, "install"), ("upgrade.upgrade.seed", True, "upgrade")]


def test_a_chain_s_span_lasts_from_its_first_step_to_its_last() -> None:
    run = Scripted()
    run.run()
    chains = [(span.name, span.kind, span.status, span.seconds) for span in run.trace.spans()]
    assert chains == [
        (chain, "chain", "done", float(len([one for one in PLAN.steps if one.chain == chain])))
        for chain in PLAN.chains
    ]


def test_what_is_done_now_and_what_is_left_can_be_asked_for() -> None:
    said: list[str] = []

    def ask(run: Scripted) -> None:
        said.append(run.coordinator.doing())

    run = Scripted({"install.install.undeploy": ask, "conclude_stops": ask})
    run.carry_out()
    said.append(run.coordinator.doing())
    closing = len([one for one in PLAN.steps if one.closing])
    assert said == [
        f"install.install.undeploy for 1 s; {closing} steps of the teardown to go",
        "conclude_stops for 1 s; 2 steps of the teardown to go",
        "between two steps; 0 steps of the teardown to go",
    ]


def test_a_provider_that_is_away_is_to_blame_for_what_could_not_be_shown() -> None:
    known = msgspec.structs.replace(FULL, provider="keycloak", has_sso_tests=True)
    run = Scripted({"provide": Unverified("keycloak: did not come up")}, plan=make_plan(known, choose()))
    stages = run.run()
    assert stages["install"].outcome == "passed"
    assert (stages["sso"].outcome, stages["sso"].reason) == ("unverified", "keycloak: did not come up")
    assert {stages[name].outcome for name in ("upgrade", "functional", "restore")} == {"unverified"}
    assert {stages[name].blame for name in ("sso", "upgrade", "functional")} == {"provider"}
    assert "withdraw" in run.acted


def test_what_was_begun_is_removed_after_a_failure() -> None:
    run = Scripted({"upgrade.upgrade.upgrade": StageFailed("service app: still the old image")})
    run.run()
    assert "upgrade.upgrade.verify_upgrade" not in run.acted
    assert "upgrade.upgrade.undeploy" in run.acted


def test_an_old_version_that_does_not_deploy_leaves_the_upgrade_unverified() -> None:
    stages = Scripted({"upgrade.upgrade.deploy": StageFailed("crash loop")}).run()
    assert stages["upgrade"].outcome == "unverified"


def test_a_failed_backup_leaves_the_restore_unverified() -> None:
    stages = Scripted({"backup.backup.backup": StageFailed("hook failed")}).run()
    assert stages["backup"].outcome == "failed"
    assert stages["restore"].outcome == "unverified"
    assert "backup.backup.backup" in str(stages["restore"].reason)


class TestStopping:
    def test_a_stopped_run_only_removes_what_is_there(self) -> None:
        run = Scripted({"backup.backup.seed": interrupt})
        stages = run.run()
        after = run.acted[run.acted.index("backup.backup.seed") + 1 :]
        assert after == [
            step.name for step in PLAN.steps[names(PLAN).index("backup.backup.seed") :] if step.closing
        ]
        assert stages["functional"].outcome == "unverified"
        assert (stages["backup"].outcome, stages["backup"].reason) == ("errored", "ended by SIGTERM")

    def test_a_stop_in_a_removal_does_not_cut_it_short(self) -> None:
        stages = Scripted({"install.install.undeploy": interrupt}).run()
        assert stages["install"].outcome == "passed"
        assert stages["upgrade"].outcome == "unverified"
        assert stages["teardown"].outcome == "passed"

    def test_a_deadline_is_an_error_of_ours(self) -> None:
        run = Scripted({"install.install.check": lambda run: run.stops.run.stop(DeadlinePassed("late"))})
        assert run.run()["install"].outcome == "errored"

    def test_ctrl_c_a_third_time_ends_the_teardown(self) -> None:
        def end(run: Scripted) -> None:
            interrupt(run)
            run.stops.teardown.stop(Interrupted("the teardown was ended"))

        run = Scripted({"install.install.check": end})
        stages = run.run()
        assert run.acted[-1] == "install.install.check"
        assert stages["install"].reason == "ended by SIGTERM"
        assert stages["teardown"].reason == "not run: the teardown was ended"

    def test_a_step_that_does_not_end_is_left_behind_and_what_it_began_is_removed(self) -> None:
        hung = threading.Event()
        run = Scripted({"install.install.deploy": lambda run: (interrupt(run), hung.wait(20))[0]})
        state = run.carry_out(patience=0.05)
        hung.set()
        assert "left behind" in str(state.ended["install.install.deploy"].reason)
        assert "install.install.undeploy" in run.acted
        assert state.ended["leak_check"].outcome == "passed"

    def test_a_removal_that_outlasts_its_own_deadline_ends_and_the_next_goes_on(self) -> None:
        run = Scripted({"install.install.undeploy": lambda _run: current().sleep(60)})
        state = run.carry_out(closing_deadline=0.5)
        assert state.ended["install.install.undeploy"].outcome == "errored"
        assert "was not done after 0.5 s" in str(state.ended["install.install.undeploy"].reason)
        assert state.ended["leak_check"].outcome == "passed"

    def test_exitfirst_ends_the_run_at_the_first_red_step(self) -> None:
        run = Scripted({"install.install.check": StageFailed("no answer")})
        run.carry_out(exit_first=True)
        assert run.acted[4:] == [step.name for step in PLAN.steps if step.closing]
        assert run.stages()["upgrade"].reason == "not run: --exitfirst: install failed"
        assert run.stages()["teardown"].outcome == "passed"

    def test_the_first_red_is_told_once_and_before_anything_else_is_done(self) -> None:
        run = Scripted(
            {"upgrade.upgrade.seed": Unverified("no"), "functional.functional.test": StageFailed("no answer")}
        )
        run.carry_out()
        red = "upgrade.upgrade.seed"
        assert run.red == [(red, run.acted.index(red) + 1)]
        # its stage is told when its last step is over
        assert len(run.acted) > run.red[0][1]

    def test_a_green_run_has_no_first_red(self) -> None:
        run = Scripted()
        run.carry_out()
        assert run.red == []

    def test_a_red_teardown_is_told_too_and_ends_nothing(self) -> None:
        run = Scripted({"install.install.undeploy": InfrastructureError("stuck")})
        run.carry_out(exit_first=True)
        assert [name for name, _ in run.red] == ["install.install.undeploy"]
        assert run.stages()["functional"].outcome == "passed"

    @pytest.mark.parametrize("error", [Unverified("x"), InfrastructureError("x")])
    def test_exitfirst_ends_the_run_whatever_the_red_is(self, error: BaseException) -> None:
        run = Scripted({"install.install.check": error})
        run.carry_out(exit_first=True)
        assert "upgrade.upgrade.prepare" not in run.acted

    def test_without_exitfirst_a_red_step_ends_nothing_but_its_stage(self) -> None:
        run = Scripted({"install.install.check": StageFailed("no answer")})
        run.carry_out()
        assert run.stages()["functional"].outcome == "passed"

    def test_a_removal_that_fails_is_no_first_red_to_exit_at(self) -> None:
        run = Scripted({"install.install.undeploy": InfrastructureError("x")})
        run.carry_out(exit_first=True)
        assert run.stages()["functional"].outcome == "passed"
        assert run.stops.run.reason is None

    def test_what_exitfirst_cuts_short_in_another_chain_was_not_shown(self) -> None:
        at_work = threading.Event()

        def wait(_run: Scripted) -> None:
            at_work.set()
            current().sleep(30)

        def fail(_run: Scripted) -> None:
            assert at_work.wait(10)
            raise StageFailed("no answer")

        state = Scripted({"a1": fail, "b1": wait}, plan=BESIDE).carry_out(exit_first=True)
        assert (state.ended["a1"].outcome, state.ended["b1"].outcome) == ("failed", "unverified")
        assert state.ended["b1"].reason == "--exitfirst: install failed"

    def test_what_is_left_behind_and_ends_later_changes_nothing(self) -> None:
        hung, ended = threading.Event(), threading.Event()

        def hang(run: Scripted) -> None:
            interrupt(run)
            hung.wait(20)

        def remove(run: Scripted) -> None:
            hung.set()
            # its end is heard in the time of this step
            for thread in threading.enumerate():
                if thread.name == "install.install.deploy":
                    thread.join(20)
            ended.set()

        run = Scripted({"install.install.deploy": hang, "install.install.undeploy": remove})
        state = run.carry_out(patience=0.05)
        assert ended.is_set()
        assert state.ended["install.install.deploy"].outcome == "errored"
        assert "left behind" in str(state.ended["install.install.deploy"].reason)

    def test_each_removal_has_a_deadline_of_its_own(self) -> None:
        """One began a while before the other: when it is late, the other is not."""
        at_work, ended = threading.Event(), threading.Event()

        def hang(_run: Scripted) -> None:
            at_work.set()
            try:
                current().sleep(20)
            finally:
                ended.set()

        def work(_run: Scripted) -> None:
            assert ended.wait(10)
            current().check()

        steps = tuple(
            msgspec.structs.replace(one, action="undeploy") if one.name in {"b1", "a2"} else one
            for one in BESIDE.steps
        )
        first = {"a1": lambda _run: (at_work.wait(10), None)[1], "b1": hang, "a2": work}
        run = Scripted(first, plan=msgspec.structs.replace(BESIDE, steps=steps))
        state = run.carry_out(closing_deadline=1.5)
        assert state.ended["b1"].reason == "teardown: b1 was not done after 1.5 s"
        assert state.ended["a2"].outcome == "passed"


class TestKeeping:
    def test_the_last_deployment_is_left_up_when_all_is_well(self) -> None:
        run = Scripted(plan=KEEPING)
        state = run.carry_out()
        assert state.kept == "functional"
        assert "functional.functional.undeploy" not in run.acted
        assert "leak_check" not in run.acted
        teardown = run.stages()["teardown"]
        assert (teardown.outcome, teardown.reason) == ("skipped", "--keep: an app was left up for a look")
        assert run.stages()["functional"].outcome == "passed"

    def test_the_first_that_failed_is_left_up_and_its_twin_is_not_deployed(self) -> None:
        run = Scripted({"backup.restore.verify_restore": StageFailed("data was lost")}, plan=KEEPING)
        state = run.carry_out()
        assert state.kept == "backup"
        assert "fresh.restore.prepare" not in run.acted
        assert "--keep left backup up" in str(state.ended["fresh.restore.prepare"].reason)
        assert "functional.functional.undeploy" in run.acted

    def test_of_what_was_never_begun_nothing_is_left_up_and_leaks_are_looked_for(self) -> None:
        run = Scripted({"pull": StageFailed("no such image")}, plan=KEEPING)
        state = run.carry_out()
        assert state.kept is None
        assert state.ended["leak_check"].outcome == "passed"

    def test_what_broke_before_it_was_begun_is_not_the_one_that_is_left_up(self) -> None:
        run = Scripted({"upgrade.upgrade.pull": StageFailed("no such image")}, plan=KEEPING)
        assert run.carry_out().kept == "functional"

    def test_nothing_is_left_up_of_a_run_that_was_stopped(self) -> None:
        run = Scripted({"functional.functional.test": interrupt}, plan=KEEPING)
        state = run.carry_out()
        assert state.kept is None
        assert run.acted[-2:] == ["functional.functional.undeploy", "leak_check"]


class TestWhoListens:
    @pytest.mark.parametrize(
        "error", [OSError(28, "No space left on device"), ValueError("bug"), SystemExit("end")]
    )
    def test_what_goes_wrong_where_a_result_is_written_skips_no_step(self, error: BaseException) -> None:
        run = Scripted()
        run.fails_to_hear = error
        state = run.carry_out()
        assert run.acted == names(PLAN)
        said = f"{type(error).__name__}: {error}"
        assert state.faults[0] == f"result of sso: {said}"
        assert f"verdict: {said}" in state.faults


def test_no_more_threads_are_no_reason_to_leave_an_app_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    run = Scripted()
    run.carry_out()
    assert run.acted == names(PLAN)


# several chains


def step(name: str, *, chain: str, **fields: object) -> Step:
    return msgspec.convert(
        {"name": name, "action": "check", "stage": "install", "chain": chain, **fields}, Step
    )


BESIDE = Plan(
    deployments=(),
    steps=(
        step("a1", chain="a"),
        step("a2", chain="a", needs=("a1",)),
        step("b1", chain="b"),
        step("b2", chain="b", needs=("b1",)),
        step("end", chain="closing", action="leak_check", after=("a2", "b2")),
    ),
)


def meeting(*, parties: int) -> Callable[[Scripted], None]:
    """A step that ends only when another is at work beside it."""
    barrier = threading.Barrier(parties)
    return lambda _run: (barrier.wait(timeout=10), None)[1]


def test_chains_go_side_by_side_where_the_plan_lets_them() -> None:
    both = meeting(parties=2)
    run = Scripted({"a1": both, "b1": both}, plan=BESIDE)
    assert run.carry_out().ended["end"].outcome == "passed"
    assert run.acted[-1] == "end"


def many(chains: int, each: int) -> Plan:
    """Chains of steps that each give a value, all side by side."""
    found = [
        step(
            f"{chain}.{number}",
            chain=f"chain {chain}",
            needs=(f"{chain}.{number - 1}",) if number else (),
            gives=(f"value {chain}.{number}",),
        )
        for chain in range(chains)
        for number in range(each)
    ]
    return Plan(deployments=(), steps=tuple(found))


class Busy(Scripted):
    """Each step finds and gives something; who is told of stages, and who writes what is known, is kept."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan=plan)
        self.threads: set[int] = set()

    def act(self, hands: Hands) -> None:
        name = hands.step.name
        hands.give(f"value {name}", Layers(ids=frozenset({name})))
        time.sleep(0)
        hands.findings.warn("found", name)
        hands.findings.tests.setdefault("install", []).append(TestResult(id=name, outcome="passed"))
        super().act(hands)

    def stage_done(self, outcome: StageOutcome) -> None:
        super().stage_done(outcome)
        self.threads.add(threading.get_ident())


class Owned(dict[str, StepOutcome]):
    """What became of steps, and which threads wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def __setitem__(self, name: str, outcome: StepOutcome) -> None:
        self.threads.add(threading.get_ident())
        super().__setitem__(name, outcome)


def test_of_steps_that_go_side_by_side_all_are_told() -> None:
    said: list[str] = []
    meet = threading.Barrier(2)

    def ask(run: Scripted) -> None:
        meet.wait(10)
        said.append(run.coordinator.doing())
        meet.wait(10)

    Scripted({"a1": ask, "b1": ask}, plan=BESIDE).carry_out()
    assert {line.replace(" for 1 s", " for 2 s") for line in said} == {
        "a1 for 2 s, b1 for 2 s; 1 steps of the teardown to go"
    }


def test_of_many_chains_side_by_side_nothing_is_lost_and_one_thread_keeps_it_all() -> None:
    plan = many(8, 20)
    run = Busy(plan)
    state, owned = RunState(plan=plan), Owned()
    state.ended = owned
    run.carry_out(state=state)
    assert {name: one.outcome for name, one in owned.items()} == dict.fromkeys(names(plan), "passed")
    assert state.values == {f"value {name}": Layers(ids=frozenset({name})) for name in names(plan)}
    assert sorted(test.id for test in state.findings.tests["install"]) == sorted(names(plan))
    assert sorted(warning.message for warning in state.findings.warnings) == sorted(names(plan))
    assert owned.threads == run.threads == {threading.get_ident()}


def test_of_a_step_that_is_left_behind_all_is_kept_that_it_gave_and_found() -> None:
    """A deployment that it began is removed only if its removal knows of it."""
    hung = threading.Event()
    run = Busy(many(1, 3))
    run._trouble = {"0.1": lambda run: (interrupt(run), hung.wait(20))[0]}
    state = run.carry_out(patience=0.05)
    hung.set()
    left = state.ended["0.1"]
    assert (left.outcome, left.started, left.seconds) == ("errored", 1.0, 1.0)
    assert left.reason == "ended by SIGTERM; it did not end within 0.05 s, and was left behind"
    assert set(state.values) == {"value 0.0", "value 0.1"}
    assert [test.id for test in state.findings.tests["install"]] == ["0.0", "0.1"]
    assert (state.ended["0.2"].outcome, state.ended["0.2"].started) == ("unverified", None)


def test_what_a_step_found_that_was_left_behind_and_goes_on_is_taken_as_it_is_by_then() -> None:
    """Its thread may find more while the coordinator adds up what there is."""
    theirs = Findings()

    class Growing(list[TestResult]):
        def __iter__(self) -> Iterator[TestResult]:
            theirs.tests.setdefault("upgrade", []).append(TestResult(id="later", outcome="passed"))
            return super().__iter__()

    theirs.tests["install"] = Growing([TestResult(id="by then", outcome="passed")])
    ours = Findings()
    ours.add(theirs)
    assert [test.id for test in ours.tests["install"]] == ["by then"]


def test_what_two_steps_take_and_the_node_has_once_keeps_them_apart() -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    def boot(_run: Scripted) -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        threading.Event().wait(0.02)
        with lock:
            at_work -= 1

    steps = tuple(
        msgspec.structs.replace(one, takes=("boot",)) if one.name in {"a1", "b1"} else one
        for one in BESIDE.steps
    )
    Scripted({"a1": boot, "b1": boot}, plan=msgspec.structs.replace(BESIDE, steps=steps)).carry_out()
    assert most == 1


def test_a_chain_that_waits_for_what_another_has_says_so() -> None:
    """Else the phases would not add up to the run."""
    takes = {"a1": ("boot",), "b2": ("boot",)}
    steps = tuple(msgspec.structs.replace(one, takes=takes.get(one.name, ())) for one in BESIDE.steps)
    plan = msgspec.structs.replace(BESIDE, steps=steps)
    state = RunState(plan=plan)

    def hold(run: Scripted) -> None:
        while "b1" not in state.ended:
            threading.Event().wait(0.001)
        run.clock.advance(5.0)

    run = Scripted({"a1": hold}, plan=plan)
    run.carry_out(state=state)
    chains = {span.id: span for span in run.trace.spans() if span.kind == "chain"}
    (wait,) = (span for span in run.trace.spans() if span.kind == "wait")
    assert (wait.name, wait.phase, wait.parent in chains) == ("wait for another chain", "queue", True)
    assert wait.seconds == pytest.approx(5.0, abs=1.1)
    none = Scripted()
    none.carry_out()
    assert not [span for span in none.trace.spans() if span.kind == "wait"]


def test_the_shield_of_one_chain_mutes_no_stop_for_another() -> None:
    """One chain is in its removal, which goes on; the other's wait hears the stop."""
    removing, stopped = threading.Event(), threading.Event()

    def remove(run: Scripted) -> None:
        removing.set()
        assert stopped.wait(10)
        current().check()

    def wait(run: Scripted) -> None:
        assert removing.wait(10)
        interrupt(run)
        stopped.set()
        current().sleep(30)

    steps = tuple(
        msgspec.structs.replace(one, action="undeploy") if one.name == "a1" else one for one in BESIDE.steps
    )
    run = Scripted({"a1": remove, "b1": wait}, plan=msgspec.structs.replace(BESIDE, steps=steps))
    state = run.carry_out()
    assert state.ended["a1"].outcome == "passed"
    assert (state.ended["b1"].outcome, state.ended["b1"].reason) == ("errored", "ended by SIGTERM")


@given(
    failing=st.dictionaries(
        st.sampled_from(names(PLAN)),
        st.sampled_from(
            [StageFailed("x"), InfrastructureError("x"), ValueError("x"), SystemExit(1), interrupt]
        ),
        max_size=6,
    ),
    recording=st.sampled_from(
        [None, OSError(28, "full"), RuntimeError("x"), SystemExit(1), Interrupted("x")]
    ),
    keep=st.booleans(),
    exit_first=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_whatever_fails_each_deployment_is_removed_or_kept_and_leaks_are_looked_for(
    failing: dict[str, Trouble], recording: BaseException | None, *, keep: bool, exit_first: bool
) -> None:
    run = Scripted(failing, plan=KEEPING if keep else PLAN)
    run.fails_to_hear = recording
    state = run.carry_out(exit_first=exit_first)
    assert set(state.ended) == set(names(run.plan))
    begun = {
        step.deployment for step in run.plan.steps if step.action == "prepare" and step.name in run.acted
    }
    removed = {
        step.deployment for step in run.plan.steps if step.action == "undeploy" and step.name in run.acted
    }
    assert begun - {state.kept} <= removed
    assert state.kept is None or state.kept not in removed
    assert ("leak_check" in run.acted) == (state.kept is None)

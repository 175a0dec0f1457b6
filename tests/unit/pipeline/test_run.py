"""A whole run in a fake Swarm: what it does in which order, what it tells, and what it leaves."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from cc_ci.engine.labels import DEPLOYMENT as DEPLOYMENT_LABEL
from cc_ci.errors import InfrastructureError, Interrupted
from cc_ci.isolation.census import take
from cc_ci.levers.arms import choose
from cc_ci.pipeline.dispatch import Dispatch
from cc_ci.pipeline.recording import Recording
from cc_ci.report.tables import verdict_line
from cc_ci.results.schema import RunResult
from cc_ci.results.store import load
from cc_ci.testkit.runs import NODE, Lab
from cc_ci.testkit.swarm import FakeSwarm
from cc_ci.timing.spans import Span

STEPS = """
install: pull
install: prepare (install)
install: deploy (install)
install: check (install)
install: undeploy (install)
upgrade: pull (upgrade)
upgrade: prepare (upgrade)
upgrade: deploy (upgrade)
upgrade: seed (upgrade)
upgrade: upgrade (upgrade)
upgrade: verify upgrade (upgrade)
upgrade: test (upgrade)
upgrade: undeploy (upgrade)
backup: prepare (backup)
backup: deploy (backup)
backup: seed (backup)
backup: backup (backup)
restore: overwrite (backup)
restore: restore (backup)
restore: redeploy (backup)
restore: verify restore (backup)
restore: undeploy (backup)
restore: prepare (fresh)
restore: deploy (fresh)
restore: restore (fresh)
restore: redeploy (fresh)
restore: verify restore (fresh)
restore: undeploy (fresh)
functional: prepare (functional)
functional: deploy (functional)
functional: test (functional)
functional: kill (functional)
teardown: undeploy (functional)
teardown: conclude stops
teardown: leak check
""".strip().splitlines()
DEPLOYMENT = [
    "docker stack deploy",
    "converge",
    "app: prepare",
    "app: create container",
    "app: boot until healthy",
    "app: before its health check's first look",
    "app: report to the manager",
    "poll_slack: converge",
    "hold: still converged",
    "whose things there are now",
    "ready",
    "ready: app",
    "hold: still ready",
]
"""What a stack goes through each time that it is handed to Swarm, in the order in which spans are begun."""


def steps(result: RunResult) -> list[Span]:
    return [span for span in result.spans if span.kind == "step"]


def inside(result: RunResult, step: str) -> list[Span]:
    """All spans below the step of that name."""
    (above,) = (span for span in steps(result) if span.name == step)
    ids, found = {above.id}, []
    for span in result.spans:
        if span.parent in ids:
            ids.add(span.id)
            found.append(span)
    return found


def programs(swarm: FakeSwarm) -> Iterator[str]:
    """What was run, each program by its own words, without how it is shut in."""
    for words in swarm.argv:
        if "deploy" in words:
            yield f"docker stack deploy --resolve-image {words[words.index('--resolve-image') + 1]}"
        elif words[:3] == ("docker", "stack", "rm"):
            yield "docker stack rm"
        else:
            yield from (f"restic {verb}" for verb in ("init", "backup", "restore") if verb in words)


def test_results_say_which_deployments_were_planned_and_why(lab: Lab) -> None:
    planned = {one.name: one for one in lab.run().result.deployments}
    assert set(planned) == {"install", "upgrade", "backup", "fresh", "functional"}
    assert planned["upgrade"].versions == ("old", "new")
    assert "upgraded in place" in planned["upgrade"].why


def test_a_green_run_does_all_steps_in_the_plan_s_order(lab: Lab) -> None:
    result = lab.run().result
    assert (result.verdict, result.exit_code) == ("green", 0), result.because
    assert [span.name for span in steps(result)] == STEPS
    assert [line for line in lab.told if line in STEPS] == STEPS
    assert {stage.name: stage.outcome for stage in result.stages} == {
        "install": "passed",
        "upgrade": "passed",
        "backup": "passed",
        "restore": "passed",
        "functional": "passed",
        "sso": "skipped",
        "teardown": "passed",
    }


def test_the_restore_on_a_fresh_deployment_is_told_apart(lab: Lab) -> None:
    result = lab.run().result
    fresh = [span.seconds for span in steps(result) if span.name.endswith("(fresh)")]
    assert result.fresh_restore_seconds == pytest.approx(sum(fresh))
    assert 0 < result.fresh_restore_seconds < result.total_seconds
    told = str(verdict_line(result))
    assert f"({result.fresh_restore_seconds:.1f} s of it for the restore on a fresh deployment)" in told


def test_peer_takes_one_deployment_through_all_stages_and_says_what_it_leaves_out(lab: Lab) -> None:
    result = lab.run(arm=choose("peer")).result
    assert (result.verdict, result.exit_code) == ("green", 0), result.because
    outcomes = {stage.name: stage.outcome for stage in result.stages}
    assert outcomes.pop("install") == outcomes.pop("sso") == "skipped"
    assert set(outcomes.values()) == {"passed"}
    up, down = "docker stack deploy --resolve-image always", "docker stack rm"
    restic = ("restic init", "restic backup", "restic backup", "restic restore", "restic restore")
    assert list(programs(lab.swarm)) == [up, up, *restic, down, up, down]
    assert result.fresh_restore_seconds is None
    said = [one.message for one in result.warnings if one.code == "not-tested"]
    assert said == [
        "peer: a fresh install of the new version is not tested",
        "peer: the restore on a fresh deployment is not tested",
    ]
    assert_nothing_left(lab)


def test_it_runs_these_programs(lab: Lab) -> None:
    lab.run()
    up, down = "docker stack deploy --resolve-image always", "docker stack rm"
    assert list(programs(lab.swarm)) == [
        *(up, down),
        *(up, up, down),
        *(up, "restic init", "restic backup", "restic backup"),
        *("restic restore", "restic restore", down, up, down),
        *(up, "restic restore", "restic restore", down, up, down),
        *(up, down),
    ]


def test_every_span_has_its_place_in_the_tree(lab: Lab) -> None:
    result = lab.run().result
    known = {span.id: span for span in result.spans}
    kinds = {span.kind for span in result.spans}
    assert {"run", "chain", "step", "wait", "sign", "test", "pull", "call"} == kinds
    for span in result.spans:
        above = known[span.parent] if span.parent else None
        if span.kind == "run":
            assert above is None
            continue
        assert above is not None, span.name
        assert above.start <= span.start <= (span.end or 0.0) <= (above.end or 0.0), span.name
        assert {"chain": "run", "step": "chain"}.get(span.kind, above.kind) == above.kind
    chains = [span.name for span in result.spans if span.kind == "chain"]
    assert chains == ["opening", "install", "upgrade", "backup", "fresh", "functional", "closing"]
    assert result.phases is not None
    assert sum(row.wall_seconds for row in result.phases.rows) + result.phases.unattributed_seconds == (
        pytest.approx(result.phases.total_seconds)
    )


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("install: deploy (install)", ["join the proxy to the deployment's network"], []),
        ("upgrade: upgrade (upgrade)", ["configure the new version"], []),
        ("restore: redeploy (fresh)", ["undeploy, volumes stay"], []),
    ],
)
def test_what_is_deployed_converges_and_serves_and_both_are_held(
    lab: Lab, step: str, before: list[str], after: list[str]
) -> None:
    lab.swarm.boot = 3.0
    result = lab.run(node=msgspec.structs.replace(NODE, proxy_container="proxy")).result
    found = inside(result, step)
    names = [span.name for span in found if span.name in {*before, *DEPLOYMENT, *after}]
    assert names == [*before, *DEPLOYMENT, *after]
    seconds = {span.name: span.seconds for span in found}
    assert seconds["hold: still converged"] == pytest.approx(5.0, abs=0.3)
    assert seconds["hold: still ready"] == pytest.approx(0.0, abs=0.3)
    assert seconds["app: boot until healthy"] == pytest.approx(2.8, abs=0.1)


def test_an_app_is_not_tested_before_it_serves(lab: Lab) -> None:
    lab.swarm.boot = 30.0
    result = lab.run().result
    assert result.verdict == "green"
    for step in ("install: deploy (install)", "functional: deploy (functional)"):
        (sign,) = (span for span in inside(result, step) if span.kind == "sign")
        assert sign.attributes["looks"] == 2  # one that says yes, and one that confirms it
    ready = [span for span in result.spans if span.action == "ready"]
    assert len(ready) == 9


def test_a_lost_marker_fails_the_upgrade(lab: Lab) -> None:
    """The old version's volume is empty after the upgrade."""

    def lose(_number: int) -> None:
        if "upgrade: upgrade (upgrade)" in lab.told and "deploy" in lab.swarm.argv[-1]:
            lab.swarm.data.clear()

    lab.swarm.at_call = lose
    result = lab.run(stage="upgrade").result
    (stage,) = (one for one in result.stages if one.name == "upgrade")
    assert (stage.outcome, result.exit_code) == ("failed", 1)
    assert "data was lost" in str(stage.reason)


def test_a_failed_step_is_remembered_by_keep(lab: Lab) -> None:
    lab.suites.outcomes["app"] = "failed"
    ran = lab.run(keep=True)
    assert ran.kept_domain is not None
    assert [span.deployment for span in steps(ran.result) if span.action == "undeploy"] == [
        *("install", "backup", "fresh", "functional")
    ]
    left = {item.labels[DEPLOYMENT_LABEL] for item in take(lab.swarm).items if item.kind == "service"}
    assert left == {"upgrade"}


def test_keep_leaves_up_what_is_there_and_not_what_never_was(lab: Lab) -> None:
    """The old version's image is gone, so that there is nothing to see of the upgrade."""
    del lab.swarm.in_registry["small:1"]
    ran = lab.run(keep=True)
    assert ran.kept_domain is not None
    left = {item.labels[DEPLOYMENT_LABEL] for item in take(lab.swarm).items if item.kind == "service"}
    assert left == {"functional"}


def test_keep_of_a_run_that_deployed_nothing_looks_for_leaks(lab: Lab) -> None:
    del lab.swarm.in_registry["small:2"]
    ran = lab.run(keep=True)
    assert ran.kept_domain is None
    assert ran.result.census.after == ran.result.census.before
    assert next(stage.outcome for stage in ran.result.stages if stage.name == "teardown") == "passed"


def test_an_interrupted_run_keeps_nothing(lab: Lab) -> None:
    run = lab.prepared(keep=True)
    stop_at(lab, run, "functional: test")
    ran = run()
    assert ran.kept_domain is None
    assert (ran.result.verdict, ran.result.exit_code) == ("interrupted", 130)
    assert_nothing_left(lab)


def stop_at(lab: Lab, run: object, line: str) -> None:
    """Interrupt the run as soon as it tells that line."""
    told = lab.tell

    def tell(said: str) -> None:
        told(said)
        if said.startswith(line):
            run._stops.run.stop(Interrupted("ended by SIGTERM"))  # type: ignore[attr-defined]

    lab.tell = tell


def assert_nothing_left(lab: Lab) -> None:
    assert [(item.kind, item.name) for item in take(lab.swarm).items] == []


def test_results_tell_the_arm_and_every_lever(lab: Lab) -> None:
    arm = choose("stock", ["readiness.hold=2"])
    result = lab.run(arm=arm, stage="install").result
    assert result.arm == arm.arm
    assert result.levers == dict(arm.values)
    holds = [span.seconds for span in result.spans if span.name == "hold: still ready"]
    assert holds == [pytest.approx(2.0, abs=0.1)]


def test_what_is_on_disk_is_valid_after_each_stage(lab: Lab) -> None:
    read: list[str] = []

    def tell(line: str) -> None:
        results = list((lab.store.root).glob("*/results.json"))
        if results and line == "backup: prepare (backup)":
            read.extend(stage.name for stage in load(results[0]).stages)

    lab.tell = tell
    lab.run()
    assert read == ["install", "upgrade", "sso"]


def test_one_thread_keeps_the_result_while_others_do_the_steps(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping, working = set[int](), set[int]()
    for name in ("update", "write", "stage_done", "verdict_is_sure", "finish"):
        monkeypatch.setattr(Recording, name, watched(getattr(Recording, name), keeping))
    monkeypatch.setattr(Dispatch, "__call__", watched(Dispatch.__call__, working))
    assert lab.run().result.verdict == "green"
    assert keeping == {threading.get_ident()}
    assert not working & keeping


def watched(real: Callable[..., object], threads: set[int]) -> Callable[..., object]:
    """The same function; the threads that call it are kept."""

    def call(*args: object, **options: object) -> object:
        threads.add(threading.get_ident())
        return real(*args, **options)

    return call


class FullDisk:
    """Writing anything below a run's results fails from some moment on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        for name in ("cc_ci.results.store.write_private", "cc_ci.stages.evidence.write_private"):
            monkeypatch.setattr(name, self._write(name))

    def _write(self, name: str) -> object:
        module, _, attribute = name.rpartition(".")
        real = getattr(__import__(module, fromlist=[attribute]), attribute)

        def write(*args: object, **options: object) -> object:
            if self.full:
                raise OSError(28, "No space left on device")
            return real(*args, **options)

        return write


@pytest.mark.parametrize("line", ["install: check", "backup: backup", "teardown: undeploy"])
def test_a_full_disk_leaves_no_app_and_is_told(lab: Lab, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk(monkeypatch)

    def tell(said: str) -> None:
        disk.full = disk.full or said.startswith(line)

    lab.tell = tell
    with pytest.raises(InfrastructureError, match="not written: No space left on device; the run was"):
        lab.run()
    assert_nothing_left(lab)


def test_a_disk_that_is_full_for_a_while_costs_the_run_its_verdict(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)

    def tell(said: str) -> None:
        disk.full = said.startswith(("install", "upgrade: prepare"))

    lab.tell = tell
    result = lab.run().result
    assert result.verdict == "errored"
    assert any("No space left" in reason for reason in result.because)
    assert load(lab.store.find().results) == result
    assert_nothing_left(lab)


def test_a_terminal_that_is_gone_ends_nothing(lab: Lab) -> None:
    def tell(_line: str) -> None:
        raise BrokenPipeError

    lab.tell = tell
    assert lab.run().result.verdict == "green"


def test_nothing_is_written_outside_of_where_it_belongs(lab: Lab, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    lab.run(stage="install")
    assert {path.name for path in tmp_path.iterdir()} - before <= {"state", "runtime", "runs"}
    assert list((tmp_path / "state" / "scratch").iterdir()) == []


def ids(result: RunResult) -> list[tuple[str, str]]:
    return [(stage.name, test.id) for stage in result.stages for test in stage.tests]


def test_tests_have_the_same_ids_whatever_they_are_shown_on(lab: Lab) -> None:
    """On other deployments, of another run: stage and id stay, and no id has a deployment's name in it."""
    stock = lab.run().result
    chains = lab.run(arm=choose("stock", ["plan.shape=chains3"])).result
    assert chains.verdict == "green"
    assert sorted(set(ids(chains))) == sorted(set(ids(stock)))
    places = {(stage.name, test.id, test.deployment) for stage in stock.stages for test in stage.tests}
    assert len(places) == len(ids(stock))
    assert {test.deployment for stage in chains.stages for test in stage.tests} == {
        "install",
        "upgrade",
        "fresh",
    }
    assert {test.deployment for stage in stock.stages for test in stage.tests} >= {"backup", "functional"}


def test_no_evidence_is_written_over_by_another_step(lab: Lab) -> None:
    """Two stages run their suites on one deployment; a redeploy takes away what had logs."""
    lab.swarm.log_texts = LogsByTime(lab)
    ran = lab.run(arm=choose("stock", ["plan.shape=chains3"]))
    evidence = ran.folder.evidence
    assert (evidence / "install" / "suite-functional" / "suite.log").exists()
    assert (evidence / "upgrade" / "suite-upgrade" / "suite.log").exists()
    before = (evidence / "install" / "before-redeploy" / "app.log").read_text()
    assert before < (evidence / "install" / "app.log").read_text()
    before = (evidence / "upgrade" / "before-upgrade" / "app.log").read_text()
    assert before < (evidence / "upgrade" / "app.log").read_text()


LARGE = msgspec.structs.replace(NODE, memory_bytes=8 << 30, cpus=2.0)


def test_in_two_chains_what_the_old_version_wrote_comes_back_and_what_was_there_goes(lab: Lab) -> None:
    result = lab.run(arm=choose("stock", ["plan.shape=chains2"])).result
    assert (result.verdict, result.exit_code) == ("green", 0), result.because
    shown = {
        test.id: test.deployment for stage in result.stages if stage.name == "restore" for test in stage.tests
    }
    assert shown["what the old version wrote is back"] == "install"
    assert shown["later data is gone"] == "install"
    stock = lab.run().result
    assert set(ids(result)) - set(ids(stock)) == {("restore", "what the old version wrote is back")}
    assert set(ids(stock)) <= set(ids(result))
    up, down = "docker stack deploy --resolve-image always", "docker stack rm"
    twice = ("restic restore", "restic restore")
    assert list(programs(lab.swarm))[:13] == [
        *(up, up, "restic init", "restic backup", "restic backup", down),
        *(up, *twice, down, up, down, up),
    ]
    assert_nothing_left(lab)


@pytest.mark.parametrize(("action", "data", "said"), [
    ("fill", "stays", "still there after the restore"),
    ("backup: seed", "kept", "data was lost"),
])  # fmt: skip
def test_in_two_chains_a_restore_that_loses_or_leaves_data_fails(
    lab: Lab, action: str, data: str, said: str
) -> None:
    """The restore leaves what was there, or brings back nothing of what was saved."""
    real = lab.swarm._restic

    def restore(words: tuple[str, ...], **options: Mapping[str, str]) -> object:
        if words[1] != "restore":
            return real(words, **options)
        before = {name: dict(kept) for name, kept in lab.swarm.data.items()}
        done = real(words, **options)
        if action == "fill":
            for name, kept in before.items():
                lab.swarm.data.setdefault(name, {}).update(kept)
        else:
            lab.swarm.data.update(before)
        return done

    lab.swarm._restic = restore  # type: ignore[method-assign, assignment]
    result = lab.run(arm=choose("stock", ["plan.shape=chains2"])).result
    (stage,) = (one for one in result.stages if one.name == "restore")
    assert (stage.outcome, result.exit_code) == ("failed", 1)
    assert f"cc-ci-{data}-" in str(stage.reason)
    assert said in str(stage.reason)
    assert_nothing_left(lab)


@pytest.mark.parametrize("shape", ["stages", "chains3", "chains2"])
def test_chains_side_by_side_show_the_same_and_leave_nothing(lab: Lab, shape: str) -> None:
    one = lab.run(arm=choose("stock", [f"plan.shape={shape}"])).result
    both = lab.run(arm=choose("stock", [f"plan.shape={shape}", "plan.parallel=yes"]), node=LARGE).result
    assert (both.verdict, both.exit_code) == ("green", 0), both.because
    assert sorted(ids(both)) == sorted(ids(one))
    assert_nothing_left(lab)
    assert both.phases is not None
    assert sum(row.wall_seconds for row in both.phases.rows) + both.phases.unattributed_seconds == (
        pytest.approx(both.phases.total_seconds)
    )
    chains = {span.id: span for span in both.spans if span.kind == "chain"}
    for span in steps(both):
        assert span.parent in chains
        assert chains[span.parent].start <= span.start <= (span.end or 0.0) <= (chains[span.parent].end or 0)


def test_a_fresh_deployment_that_boots_on_its_data_boots_once(lab: Lab) -> None:
    result = lab.run(arm=choose("stock", ["restore.before_boot=yes"])).result
    assert (result.verdict, result.exit_code) == ("green", 0), result.because
    assert [span.action for span in steps(result) if span.deployment == "fresh"] == [
        *("prepare", "restore", "deploy", "verify_restore", "undeploy")
    ]
    assert sorted(ids(result)) == sorted(ids(lab.run().result))
    assert_nothing_left(lab)


def test_of_chains_side_by_side_two_are_at_work_at_once(lab: Lab) -> None:
    arm = choose("stock", ["plan.shape=chains3", "plan.parallel=yes"])
    result = lab.run(arm=arm, node=LARGE).result
    install, upgrade = (next(s for s in result.spans if (s.kind, s.name) == ("chain", name))
                        for name in ("install", "upgrade"))  # fmt: skip
    assert max(install.start, upgrade.start) < min(install.end or 0.0, upgrade.end or 0.0)
    assert {one.code for one in result.warnings}.isdisjoint({"plan"})


def test_two_apps_of_one_domain_are_there_at_once_under_two_stack_names(lab: Lab) -> None:
    arm = choose("stock", ["plan.shape=chains2", "plan.parallel=yes"])
    together: set[str] = set()

    def tell(_said: str) -> None:
        stacks = {item.stack or "" for item in tuple(lab.swarm.items["service"].values())}
        if len(stacks) > len(together):
            together.update(stacks)

    lab.tell = tell
    result = lab.run(arm=arm, node=LARGE).result
    assert result.verdict == "green", result.because
    one, other = together
    assert len(one) == len(other)
    joined = {container: names for (_, container), names in lab.swarm.aliases.items()}
    assert joined.keys() == {"proxy-upgrade", "proxy-install"}
    assert joined["proxy-upgrade"] == joined["proxy-install"] != ()
    assert not [one.message for one in result.warnings if one.code == "plan"]
    assert_nothing_left(lab)


def test_an_app_whose_twin_is_not_made_is_tested_all_the_same(lab: Lab) -> None:
    """The old version can't be prepared: nothing is known of the upgrade, and the install is sound."""
    arm = choose("stock", ["plan.shape=chains2", "plan.parallel=yes"])
    once = iter([True])

    def fail(_number: int) -> None:
        if "upgrade: prepare (upgrade)" in lab.told and next(once, False):
            raise InfrastructureError("told to fail")

    lab.swarm.at_call = fail
    result = lab.run(arm=arm, node=LARGE).result
    outcomes = {stage.name: stage.outcome for stage in result.stages}
    assert outcomes["upgrade"] == "errored"
    assert (outcomes["install"], outcomes["functional"]) == ("passed", "unverified")
    assert (outcomes["backup"], outcomes["restore"]) == ("unverified", "unverified")
    assert_nothing_left(lab)


def test_a_run_whose_chains_do_not_fit_says_so(lab: Lab) -> None:
    arm = choose("stock", ["plan.shape=chains3", "plan.parallel=yes"])
    result = lab.run(arm=arm, stage="install").result
    assert not [one for one in result.warnings if one.code == "plan"]
    result = lab.run(arm=arm).result
    (said,) = (one.message for one in result.warnings if one.code == "plan")
    assert said == "plan.parallel: one chain after the other: the node tells no limit of its memory"


def test_two_chains_alive_are_both_removed_when_the_run_is_interrupted(lab: Lab) -> None:
    arm = choose("stock", ["plan.shape=chains3", "plan.parallel=yes"])
    run = lab.prepared(arm=arm, node=LARGE, keep=True)
    up: list[set[str]] = []

    def tell(said: str) -> None:
        alive = {item.stack or "" for item in lab.swarm.items["service"].values()}
        if len(alive) > 1 and not up:
            up.append(alive)
            run._stops.run.stop(Interrupted("ended by SIGTERM"))

    lab.tell = tell
    ran = run()
    assert up
    assert (ran.result.verdict, ran.kept_domain) == ("interrupted", None)
    assert_nothing_left(lab)


def test_keep_leaves_the_deployment_that_failed_while_another_chain_goes_on(lab: Lab) -> None:
    arm = choose("stock", ["plan.shape=chains3", "plan.parallel=yes"])
    lab.suites.outcomes["app"] = "failed"
    ran = lab.run(arm=arm, node=LARGE, keep=True)
    assert ran.kept_domain is not None
    left = {item.labels[DEPLOYMENT_LABEL] for item in take(lab.swarm).items if item.kind == "service"}
    assert len(left) == 1
    assert left <= {"install", "upgrade"}


class LogsByTime(dict[str, str]):
    """What a service says is the time at which it is asked."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self._clock = lab.swarm.clock

    def get(self, _service: str, _default: object = None) -> str:  # type: ignore[override]
        return f"{self._clock.monotonic():09.3f}\n"

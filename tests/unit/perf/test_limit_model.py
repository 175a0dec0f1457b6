"""The limit from a made-up bare run, worked by hand."""

import msgspec
import pytest
from example_result import example, part, span

from cc_ci.perf.analysis.limit_causes import causes
from cc_ci.perf.analysis.limit_model import Capacity, Terms, chains, floor, limit
from cc_ci.perf.analysis.limit_terms import terms_of
from cc_ci.perf.baselines.sets import Calls
from cc_ci.results.measured import Cell, Measured, compact
from cc_ci.timing.actions import JOIN_PROXY, MAKE_REPOSITORY, STOP_CONTAINERS, TEXT
from cc_ci.timing.parts import Use
from cc_ci.timing.resources import SpanResources, Usage

TWO = Capacity(cpus=2.0)
BARE = Cell(recipe="app", cache="cold", arm="bare")
STEPS = (
    ("install: pull", None, 9.0),
    ("sso: provide (keycloak)", "keycloak", 20.0),
    ("install: deploy (install)", "install", 10.0),
    ("functional: test (install)", "install", 6.0),
    ("sso: test (install)", "install", 4.0),
    ("backup: seed (install)", "install", 1.0),
    ("backup: backup (install)", "install", 3.0),
    ("restore: overwrite (install)", "install", 2.0),
    ("restore: restore (install)", "install", 2.5),
    ("restore: redeploy (install)", "install", 5.0),
    ("restore: verify restore (install)", "install", 0.5),
    ("upgrade: deploy (upgrade)", "upgrade", 9.0),
    ("upgrade: seed (upgrade)", "upgrade", 1.0),
    ("upgrade: upgrade (upgrade)", "upgrade", 12.0),
    ("upgrade: verify upgrade (upgrade)", "upgrade", 0.5),
    ("upgrade: test (upgrade)", "upgrade", 6.5),
    ("restore: deploy (fresh)", "fresh", 10.0),
    ("restore: restore (fresh)", "fresh", 2.5),
    ("restore: redeploy (fresh)", "fresh", 4.0),
    ("restore: verify restore (fresh)", "fresh", 0.5),
    ("sso: undeploy (install)", "install", 50.0),
)


def bare_run() -> Measured:
    spans, at, number = [], 0.0, 0
    for name, deployment, seconds in STEPS:
        number += 1
        stage = name.partition(":")[0]
        spans.append(
            span(id=number, name=name, start=at, end=at + seconds, stage=stage, deployment=deployment)
        )
        at += seconds
    inner = (
        ("install: deploy (install)", TEXT[JOIN_PROXY], 1.0),
        ("restore: redeploy (install)", TEXT[STOP_CONTAINERS], 0.5),
        ("upgrade: upgrade (upgrade)", TEXT[STOP_CONTAINERS], 2.0),
    )
    for step, name, seconds in inner:
        number += 1
        above = next(span for span in spans if span.name == step)
        spans.append(
            span(id=number, name=name, start=above.start, end=above.start + seconds, parent=above.id)
        )
    usage = SpanResources(
        stack=Usage(cpu_seconds=30.0, written_bytes=300), engine=Usage(cpu_seconds=10.0, written_bytes=100)
    )
    parts = (
        part(seconds=7.0, name="pull app:1", phase="images_pull"),
        part(seconds=2.0, name="remove the recipe's images", phase="images_pull"),
        part(seconds=20.0, name="app: boot", phase="provider_setup", use=Use(cpu=8.0)),
    )
    result = msgspec.structs.replace(example(), spans=tuple(spans), resources=(usage,), exit_code=0)
    return Measured(cell=BARE, place=1, result=result, parts=parts)


def test_terms_are_the_steps_of_the_bare_run() -> None:
    terms = terms_of(bare_run())
    assert terms == Terms(
        provider=20.0,
        boot_old=9.0,
        seed_old=1.0,
        stop_upgrade=2.0,
        boot_upgraded=10.0,
        act_upgraded=7.0,
        boot_new=9.0,
        act_functional=6.0,
        act_sso=4.0,
        seed_new=1.0,
        backup=3.0,
        overwrite=2.0,
        restore=2.5,
        stop_restored=0.5,
        boot_restored=4.5,
        act_restored=0.5,
        boot_fresh=10.0,
        restore_fresh=2.5,
        boot_fresh_restored=4.0,
        act_fresh=0.5,
        pulls=7.0,
        cpu_seconds=32.0,
        written_bytes=400,
    )


def test_the_longest_chain_binds() -> None:
    found = limit(terms_of(bare_run()), Capacity(cpus=2.0, disk_rate=100.0))
    assert found.chains == {
        "upgrade chain": 9 + 1 + 2 + 10 + 7,
        "install chain": 9 + 6 + 1 + 3 + 2 + 0.5 + 2.5 + 4.5 + 0.5,
        "fresh chain": 9 + 6 + 1 + 3 + 10 + 2.5 + 4 + 0.5,
    }
    assert (found.cpu, found.disk) == (16.0, 4.0)
    assert (found.binds, found.seconds) == ("fresh chain", 36.0 + 20.0 + 7.0)


def test_all_work_takes_the_cpus_at_least() -> None:
    busy = msgspec.structs.replace(terms_of(bare_run()), cpu_seconds=100.0)
    found = limit(busy, TWO)
    assert (found.binds, found.seconds, found.disk) == ("CPU", 50.0 + 27.0, None)


def test_a_recipe_without_backup_has_no_fresh_chain() -> None:
    found = limit(Terms(boot_new=5.0, act_functional=2.0), TWO)
    assert (found.chains["fresh chain"], found.binds, found.seconds) == (0.0, "install chain", 7.0)


def test_the_floor_adds_the_calls_that_each_chain_needs() -> None:
    calls = Calls(services=2, create=1.0, update=3.0, remove=4.0)
    terms = Terms(boot_new=5.0, boot_restored=2.0, boot_fresh=5.0, boot_fresh_restored=2.0)
    # made, made anew for the restore: twice made, once removed between, once at the end
    assert limit(terms, TWO).seconds == 12.0
    assert floor(terms, calls, TWO) == 12.0 + 1.0 + 1.0 + (4.0 + 1.0) + 4.0


def test_a_repository_is_made_ahead_and_not_in_the_limit() -> None:
    run = bare_run()
    assert run.result
    above = next(span for span in run.result.spans if span.name == "backup: backup (install)")
    made = msgspec.structs.replace(
        above, id=99, name="restic init", kind="call", action=MAKE_REPOSITORY, end=above.start + 2.8
    )
    ahead = msgspec.structs.replace(run.result, spans=(*run.result.spans, made))
    terms = terms_of(msgspec.structs.replace(run, result=ahead))
    assert terms.backup == pytest.approx(3.0 - 2.8)
    assert compact(ahead).spans[-1].action == MAKE_REPOSITORY, "a set keeps it"


def used(stack: float, suite: float = 0.0, *, span: int | None, resident: int = 0) -> SpanResources:
    """CPU seconds, and what was resident of the containers."""
    return SpanResources(
        span=span,
        stack=Usage(cpu_seconds=stack, written_bytes=10, mean_resident_bytes=resident),
        engine=Usage(cpu_seconds=1.0, written_bytes=0, mean_resident_bytes=100),
        suite=Usage(cpu_seconds=suite, written_bytes=0, mean_resident_bytes=0),
    )


def measured_by_step(resident: int = 600) -> Measured:
    """Each step used 1 s of the stack's CPU, 1 s of the engine's and half a second of the suite's."""
    run = bare_run()
    assert run.result
    steps = [span for span in run.result.spans if span.kind == "step"]
    by_step = [
        used(1.0, 0.5, span=one.id, resident=200 if one.action == "undeploy" else resident) for one in steps
    ]
    whole = used(100.0, 50.0, span=None, resident=resident)
    return msgspec.structs.replace(
        run, result=msgspec.structs.replace(run.result, resources=(whole, *by_step))
    )


def test_the_cpus_work_has_suite_browser_and_restic_in_it() -> None:
    counted = terms_of(measured_by_step())
    assert counted.cpu_seconds == 100 + 1 + 50 - 8.0
    found = limit(counted, TWO)
    assert (found.binds, found.cpu) == ("CPU", 143.0 / 2)


def test_what_has_to_be_resident_at_once_has_to_fit() -> None:
    terms = terms_of(measured_by_step(resident=600))
    # 200 stand all the time, the engine has 100; all steps of the chains but the removal hold 400 more
    chained = sum(seconds for _, of, seconds in STEPS if of in {"install", "upgrade", "fresh"})
    held = chained - STEPS[-1][2]
    assert (terms.standing_bytes, terms.resident_byte_seconds) == (300, pytest.approx(400 * held))
    roomy, tight = (limit(terms, Capacity(cpus=1000.0, memory_bytes=size)) for size in (1 << 30, 700))
    assert roomy.binds == "fresh chain"
    # one app fits beside what stands, and no second: the chains are as good as one after the other
    assert (tight.binds, tight.memory) == ("memory", pytest.approx(held))
    assert limit(terms, Capacity(cpus=1000.0, memory_bytes=300)).memory is None, "nothing fits at all"


def test_two_chains_restore_the_upgraded_apps_backup_over_the_installed_one() -> None:
    terms = terms_of(measured_by_step())
    found = limit(terms, Capacity(cpus=1000.0), shape="chains2")
    restored = 2.5 + 0.5 + 4.5 + 0.5
    assert found.chains == {
        "upgrade chain": pytest.approx(9 + 1 + 2 + 10 + 7 + 1 + 3 + restored),
        "install chain": pytest.approx(9 + 6 + 1 + restored),
    }
    # what they do without: the fresh deployment's four steps, and what is changed for a restore to undo
    spared = [name for name, of, _ in STEPS if of == "fresh" or "overwrite" in name]
    assert terms.spared["chains2"].cpu_seconds == 2.5 * len(spared)
    assert limit(terms, TWO, shape="chains2").cpu == (143.0 - 2.5 * len(spared)) / 2


def test_one_deployment_for_all_has_a_chain_of_its_own() -> None:
    terms = terms_of(measured_by_step())
    found = limit(terms, Capacity(cpus=1000.0), shape="upgraded")
    assert found.chains == {
        "upgrade chain": pytest.approx(9 + 1 + 2 + 10 + 6 + 1 + 3 + 2 + 2.5 + 0.5 + 4.5 + 0.5)
    }
    spared = [name for name, of, _ in STEPS if of == "fresh"]
    spared += ["install: deploy (install)", "sso: undeploy (install)", "upgrade: test (upgrade)"]
    assert terms.spared["upgraded"].cpu_seconds == 2.5 * len(spared)


def test_a_first_release_has_nothing_that_could_be_restored_over_it() -> None:
    first = msgspec.structs.replace(
        terms_of(measured_by_step()),
        boot_old=0.0,
        seed_old=0.0,
        stop_upgrade=0.0,
        boot_upgraded=0.0,
        act_upgraded=0.0,
    )
    assert limit(first, TWO, shape="chains2") == limit(first, TWO)
    assert chains(first, "chains2") == chains(first)


def test_of_older_runs_no_step_is_known_and_two_chains_have_no_limit_by_the_cpu() -> None:
    terms = terms_of(bare_run())
    assert (terms.spared, terms.standing_bytes, terms.resident_byte_seconds) == ({}, None, None)
    assert limit(terms, TWO, shape="chains2").cpu is None
    assert limit(terms, Capacity(cpus=2.0, memory_bytes=1)).memory is None


def test_the_floor_of_two_chains_has_their_calls() -> None:
    calls = Calls(services=2, create=1.0, update=3.0, remove=4.0)
    terms = Terms(boot_old=9.0, boot_upgraded=5.0, boot_new=5.0, boot_restored=2.0, boot_fresh=50.0)
    # X: made and updated; then Y is removed and made anew, and removed at the end
    assert floor(terms, calls, TWO, shape="chains2") == 9 + 1 + 5 + 3 + 2 + (4 + 1) + 4


def test_what_lies_between_is_told_by_cause_of_two_chains_too() -> None:
    terms = terms_of(measured_by_step())
    bound = limit(terms, Capacity(cpus=1000.0), shape="chains2")
    stock = Measured(cell=msgspec.structs.replace(BARE, arm="stock"), place=2, parts=())
    found = causes(stock, terms, bound, shape="chains2")
    assert sum(one.limit for one in found) == pytest.approx(bound.seconds)


def test_what_lies_between_is_told_by_cause() -> None:
    stock = Measured(
        cell=msgspec.structs.replace(BARE, arm="stock"),
        place=2,
        parts=(
            part(seconds=60.0, name="app: between two looks of its health check", phase="converge"),
            part(seconds=20.0, name="app: until its health check last said no", phase="converge"),
            part(seconds=15.0, name="hold: still converged", phase="converge"),
            part(seconds=12.0, name="remove the stack", phase="teardown"),
            part(seconds=9.0, name="suite", phase="test"),
            part(seconds=3.0, name="app: create container", phase="converge"),
            part(seconds=24.0, name="app: tries that ended", phase="converge"),
            part(seconds=1.0, name="save evidence", phase="overhead"),
        ),
    )
    terms = Terms(boot_new=8.0, act_functional=6.0)
    found = {one.name: (one.deployed, one.limit) for one in causes(stock, terms, limit(terms, TWO))}
    assert found["boots, and looks at them"] == (80.0, 8.0)
    assert found["stability after the condition"] == (15.0, 0.0)
    assert found["removal"] == (12.0, 0.0)
    assert found["starts that failed"] == (24.0, 0.0)
    assert found["test actions"] == (9.0, 6.0)
    assert found["Swarm's scheduling"] == (3.0, 0.0)
    assert sum(one for one, _ in found.values()) == pytest.approx(144.0)


def test_what_is_changed_for_a_restore_to_undo_is_a_seed_on_both_sides() -> None:
    undone = part(seconds=5.0, name="overwrite", stage="restore", phase="seed")
    stock = Measured(cell=msgspec.structs.replace(BARE, arm="stock"), place=2, parts=(undone,))
    terms = Terms(boot_new=8.0, seed_new=1.0, overwrite=3.0)
    (seeds,) = (one for one in causes(stock, terms, limit(terms, TWO)) if one.name == "seeds")
    assert (seeds.deployed, seeds.limit) == (5.0, 4.0)

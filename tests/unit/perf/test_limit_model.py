"""The limit from a made-up bare run, worked by hand."""

import msgspec
import pytest
from example_result import example, part, span

from cc_ci.perf.analysis.limit_causes import causes
from cc_ci.perf.analysis.limit_model import Terms, floor, limit, terms_of
from cc_ci.perf.baselines.sets import Calls
from cc_ci.results.measured import Cell, Measured
from cc_ci.timing.actions import JOIN_PROXY, STOP_CONTAINERS, TEXT
from cc_ci.timing.parts import Use
from cc_ci.timing.resources import SpanResources, Usage

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
    found = limit(terms_of(bare_run()), cpus=2.0, disk_rate=100.0)
    assert found.upgrade_chain == 9 + 1 + 2 + 10 + 7
    assert found.install_chain == 9 + 6 + 1 + 3 + 2 + 0.5 + 2.5 + 4.5 + 0.5
    assert found.fresh_chain == 9 + 6 + 1 + 3 + 10 + 2.5 + 4 + 0.5
    assert (found.cpu, found.disk) == (16.0, 4.0)
    assert (found.binds, found.seconds) == ("fresh chain", 36.0 + 20.0 + 7.0)


def test_all_work_takes_the_cpus_at_least() -> None:
    busy = msgspec.structs.replace(terms_of(bare_run()), cpu_seconds=100.0)
    found = limit(busy, cpus=2.0)
    assert (found.binds, found.seconds, found.disk) == ("CPU", 50.0 + 27.0, None)


def test_a_recipe_without_backup_has_no_fresh_chain() -> None:
    found = limit(Terms(boot_new=5.0, act_functional=2.0), cpus=2.0)
    assert (found.fresh_chain, found.binds, found.seconds) == (0.0, "install chain", 7.0)


def test_the_floor_adds_the_calls_that_each_chain_needs() -> None:
    calls = Calls(services=2, create=1.0, update=3.0, remove=4.0)
    terms = Terms(boot_new=5.0, boot_restored=2.0, boot_fresh=5.0, boot_fresh_restored=2.0)
    # made, made anew for the restore: twice made, once removed between, once at the end
    assert limit(terms, cpus=2.0).seconds == 12.0
    assert floor(terms, calls, cpus=2.0) == 12.0 + 1.0 + 1.0 + (4.0 + 1.0) + 4.0


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
    found = {one.name: (one.deployed, one.limit) for one in causes(stock, terms, limit(terms, cpus=2.0))}
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
    (seeds,) = (one for one in causes(stock, terms, limit(terms, cpus=2.0)) if one.name == "seeds")
    assert (seeds.deployed, seeds.limit) == (5.0, 4.0)

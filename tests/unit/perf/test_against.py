"""Sets of several arms on one engine, made of real runs: attribution, limits and budgets of each."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cc_ci.cli.arm_flags import arms_asked
from cc_ci.cli.attribute import attribute
from cc_ci.cli.perf import perf
from cc_ci.errors import UsageError
from cc_ci.levers.arms import choose
from cc_ci.perf.analysis.budgets import MARGIN, budget_for, budgets
from cc_ci.perf.analysis.pairs import findings
from cc_ci.perf.baselines import sets
from cc_ci.perf.baselines.measured_set import Set, read
from cc_ci.perf.documents.against import against_tables
from cc_ci.perf.documents.baseline import whole_runs
from cc_ci.perf.documents.perf_docs import documents
from cc_ci.results.engines import EngineUsed
from cc_ci.results.measured import Cell, Measured, write
from cc_ci.results.schema import RunResult
from cc_ci.timing.resources import SpanResources, Usage

ROOT = Path(__file__).parents[3]
REAL = ROOT / "baselines" / "2026-11-24-2cpu-6g-2"
RECIPES = ("custom-html", "matrix-synapse")
NEW = "docker-28.5.2+dfsg4-5_containerd-2.1.9"
pytestmark = pytest.mark.skipif(not REAL.exists(), reason="a tree without the baseline's data")


def real(recipe: str, arm: str, number: int) -> Measured:
    """One of the runs that count, with what each step used, as runs on plain containers have it by now."""
    runs = read(REAL).runs(Cell(recipe=recipe, cache="warm", arm="bare" if arm == "bare" else "stock"))
    return runs[number % len(runs)]


def with_steps(result: RunResult) -> RunResult:
    steps = [span for span in result.spans if span.kind == "step"]
    used = Usage(cpu_seconds=0.1, written_bytes=1, mean_resident_bytes=1 << 20)
    each = [SpanResources(span=one.id, stack=used, engine=used, suite=used) for one in steps]
    whole = [msgspec.structs.replace(one, suite=used) for one in result.resources]
    return msgspec.structs.replace(result, resources=(*whole, *each))


def as_arm(run: Measured, cell: Cell, place: int) -> Measured:
    """The run as one of another arm: peer's a third shorter, and without what it does not wait for."""
    assert run.result
    chosen, result = choose(cell.arm), run.result
    changed = msgspec.structs.replace(result, arm=chosen.arm, levers=dict(chosen.values))
    if cell.arm == "peer":
        changed = msgspec.structs.replace(changed, total_seconds=result.total_seconds * 2 / 3)
        run = msgspec.structs.replace(run, parts=tuple(one for one in run.parts if one.phase != "teardown"))
    if cell.limit:
        changed = with_steps(changed)
    return msgspec.structs.replace(run, cell=cell, place=place, attempt=1, result=changed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "2026-01-01-2cpu-6g"
    facts = sets.read_facts(REAL)
    asked = msgspec.structs.replace(
        facts.asked, recipes=RECIPES, cold=0, warm=2, arms=("stock", "peer"), beside="bare", engines=(NEW,)
    )
    facts = msgspec.structs.replace(facts, asked=asked, unreachable={}, added=(), pulls="side by side")
    sets.write_facts(facts, made)
    for place, cell in enumerate(facts.order, start=1):
        write(as_arm(real(cell.recipe, cell.arm, place), cell, place), made)
    return made


def rows(measured: Set, title: str) -> dict[str, tuple[str, ...]]:
    (found,) = (table for table in against_tables(measured) if table.title == title)
    return {row[0]: row[1:] for row in found.rows}


def test_each_phase_and_lever_is_told_against_stock(folder: Path) -> None:
    measured = read(folder)
    phases = rows(measured, "custom-html warm: phases by arm")
    stock, peer, less = (float(word) for word in phases["whole run"])
    assert peer == pytest.approx(stock * 2 / 3, rel=0.02)
    assert less == pytest.approx(peer - stock, abs=1.5)
    assert phases["teardown"][1] == "-"
    assert float(phases["teardown"][2]) == -float(phases["teardown"][0])
    assert phases["converge"][2] in {"+0.0", "-0.0"}
    levers = rows(measured, "matrix-synapse warm: the most that each lever could save, by arm")
    assert levers["removal"][1] == "-"
    assert float(levers["health.interval"][0]) > 60


def test_the_documents_have_every_arm_under_its_own_name(folder: Path) -> None:
    told = documents(folder)
    for title in (
        "## custom-html: phases by time on the critical path",
        "## custom-html peer: phases by time on the critical path",
        "## custom-html warm: phases by arm",
        "## custom-html warm peer (n = 2): the most that each lever could save",
    ):
        assert title in told["attribution.md"], title
    assert "## custom-html warm peer: the terms of the limit" in told["limit.md"]
    assert "| light | custom-html warm | chains2 | 2 |" in told["limit.md"]
    assert (
        "--against peer"
        in whole_runs(msgspec.structs.replace(read(folder), measured=read(folder).measured[:3])).rows[-1][-1]
    )


def test_a_set_of_one_arm_on_one_engine_has_nothing_to_hold_against() -> None:
    assert list(against_tables(read(REAL))) == []


def test_several_engines_are_held_against_the_first(tmp_path: Path) -> None:
    made = tmp_path / "set"
    facts, names = sets.read_facts(REAL), ("system", NEW)
    asked = msgspec.structs.replace(
        facts.asked, recipes=RECIPES[:1], cold=0, warm=1, beside=None, engines=names
    )
    used = {
        name: EngineUsed(engine=version) for name, version in zip(names, ("20.10", "28.5.2"), strict=True)
    }
    facts = msgspec.structs.replace(facts, asked=asked, unreachable={}, added=(), engines=used)
    sets.write_facts(facts, made)
    for place, cell in enumerate(facts.order, start=1):
        write(as_arm(real(cell.recipe, cell.arm, 0), cell, place), made)
    assert rows(read(made), "custom-html warm stock: phases by engine")["whole run"][2] == "+0.0"
    done = CliRunner().invoke(attribute, [str(made)])
    assert done.exit_code == 0, done.output
    assert "custom-html warm stock: phases by engine" in done.stdout


def test_budgets_are_a_fifth_above_the_floor_of_each_shape(folder: Path) -> None:
    found = findings(read(folder))
    made = {(one.recipe, one.shape): one for one in budgets(found)}
    assert set(made) == {(recipe, shape) for recipe in RECIPES for shape in ("chains3", "chains2")}
    for one in made.values():
        assert one.seconds - 1 < one.floor * MARGIN <= one.seconds
        assert one.limit < one.floor
        assert set(one.runs) == {"stock", "peer"}
    done = CliRunner().invoke(perf, ["budgets", "--set", str(folder), "--json"])
    told = msgspec.json.decode(done.stdout)["budgets"]
    assert [(one["recipe"], one["shape"], one["seconds"]) for one in told] == [
        (one.recipe, one.shape, one.seconds) for one in made.values()
    ]


def test_a_budget_is_in_whole_seconds_and_a_floats_rest_is_none() -> None:
    assert [budget_for(floor) for floor in (10.0, 10.01, 25.0, 100.0)] == [12.0, 13.0, 30.0, 120.0]


def test_an_older_set_has_budgets_of_three_chains_only() -> None:
    done = CliRunner().invoke(perf, ["budgets", "--set", str(REAL)])
    assert done.exit_code == 0, done.output
    assert "chains3" in done.stdout
    assert "no budgets of two chains" in done.stderr
    assert {one.shape for one in budgets(findings(read(REAL)))} == {"chains3"}


def test_a_run_of_one_deployment_is_held_against_the_limit_of_one(folder: Path) -> None:
    """Peer does less: a limit of three chains above its run would refute nothing."""
    for one in findings(read(folder)):
        assert {pair.shape for pair in one.pairs} == {"upgraded" if one.arm == "peer" else "chains3"}


def test_arms_are_named_once_and_each_may_be_measured_twice() -> None:
    assert arms_asked("stock", ("peer", "stock readiness.hold=1")) == (
        "stock",
        "peer",
        "stock readiness.hold=1",
    )
    assert arms_asked("stock", ("peer",), twice=True) == ("stock", "stock", "peer", "peer")
    with pytest.raises(UsageError, match="--against 'stock': it is measured already"):
        arms_asked("stock", ("stock readiness.hold=0",))
    with pytest.raises(UsageError, match="there is stock"):
        arms_asked("stock", ("nobody",))

"""Pairs of bare and stock runs: rho, its interval, and what is said where the model fails."""

from pathlib import Path

import msgspec
import pytest
from example_result import example, part, span

from cc_ci.errors import InfrastructureError
from cc_ci.perf.analysis.pairs import findings, require_sound
from cc_ci.perf.baselines import sets
from cc_ci.perf.baselines.measured_set import read
from cc_ci.perf.baselines.sets import Calls
from cc_ci.perf.documents.limit import limits
from cc_ci.results.measured import Canary, Cell, Measured, write

PAIRS = 6


def folder(root: Path, *, stock: float) -> Path:
    """A set of pairs: booting takes 10 s and some, and the stock run `stock` times as long."""
    made = root / "2026-01-01-2cpu-6g"
    asked = sets.Asked(
        recipes=("app",), cold=0, warm=PAIRS, cpus=2.0, memory_bytes=6 << 30, bandwidth="100mbit",
        arms=("bare", "stock"),
    )  # fmt: skip
    facts = sets.SetFacts(
        asked=asked,
        host=sets.Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30),
        began="2026-01-01",
        canaries=(Canary(cpu=1.0, untar=1.0),),
        calls={"app": (Calls(services=1, create=1.0, update=2.0, remove=3.0),)},
    )
    sets.write_facts(facts, made)
    assert [cell.arm for cell in facts.order[:4]] == ["bare", "stock", "stock", "bare"]
    for place, cell in enumerate(facts.order, start=1):
        write(_run(cell, place, seconds=(10.0 + place // 2) * (stock if cell.arm == "stock" else 1)), made)
    return made


def _run(cell: Cell, place: int, *, seconds: float) -> Measured:
    boot = span(
        id=1, name="install: deploy (install)", start=0.0, end=seconds, stage="install", deployment="install"
    )
    result = msgspec.structs.replace(
        example(), spans=(boot,), resources=(), exit_code=0, total_seconds=seconds, verdict="green"
    )
    return Measured(cell=cell, place=place, result=result)


def test_rho_is_of_pairs_and_has_an_interval(tmp_path: Path) -> None:
    (found,) = findings(read(folder(tmp_path, stock=4.0)))
    assert len(found.pairs) == PAIRS
    assert found.rho is not None
    assert found.rho.low is not None
    assert found.rho.low <= found.rho.estimate
    assert found.rho.estimate == pytest.approx(4.0, rel=0.1)
    require_sound([found])
    text = limits(read(tmp_path / "2026-01-01-2cpu-6g"))
    assert "| app warm | 6 |" in text
    assert "| in each pair |" in text


def test_a_limit_above_its_run_refutes_the_model(tmp_path: Path) -> None:
    found = findings(read(folder(tmp_path, stock=0.5)))
    assert found[0].rho is None
    assert len(found[0].refuted) == PAIRS
    with pytest.raises(
        InfrastructureError, match=r"001-app-warm-bare: install chain takes 10.0 s, .*`cc-ci show SET"
    ):
        require_sound(found)
    assert "not in 001-app-warm-bare" in limits(read(tmp_path / "2026-01-01-2cpu-6g"))


def test_a_cold_run_has_the_nearest_warm_bare_run_and_its_own_pulls(tmp_path: Path) -> None:
    made = tmp_path / "2026-01-01-2cpu-6g"
    asked = sets.Asked(
        recipes=("app",), cold=1, warm=2, cpus=2.0, memory_bytes=6 << 30, bandwidth="100mbit", beside="bare"
    )
    facts = sets.SetFacts(
        asked=asked,
        host=sets.Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30),
        began="2026-01-01",
        canaries=(Canary(cpu=1.0, untar=1.0),),
    )
    sets.write_facts(facts, made)
    for place, cell in enumerate(facts.order, start=1):
        run = _run(cell, place, seconds=10.0 * place)
        pulled = part(seconds=7.0, name="pull app:1", phase="images_pull")
        write(msgspec.structs.replace(run, parts=(pulled,) if cell.cache == "cold" else ()), made)
    cold, warm = findings(read(made))
    assert [(pair.bare.place, pair.deployed.place) for pair in warm.pairs] == [(2, 1), (3, 4)]
    assert [(pair.bare.place, pair.deployed.place) for pair in cold.pairs] == [(3, 5)]
    assert (cold.pairs[0].bound.seconds, warm.pairs[0].bound.seconds) == (30.0 + 7.0, 20.0)


def test_a_pair_is_of_one_boot_where_there_is_one(tmp_path: Path) -> None:
    made = folder(tmp_path, stock=4.0)
    for one in read(made).measured:
        write(msgspec.structs.replace(one, boot="first" if one.place <= PAIRS + 1 else "second"), made)
    (found,) = findings(read(made))
    assert len(found.pairs) == PAIRS
    (across,) = (pair for pair in found.pairs if pair.across)
    assert sorted((across.bare.place, across.deployed.place)) == [PAIRS + 1, PAIRS + 2]
    assert "| app warm | 6 (1 across boots) |" in limits(read(made))

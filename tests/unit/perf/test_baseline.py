"""Measuring a set: what is repeated, what is kept, and how it is taken up again."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.errors import UsageError
from cc_ci.perf.baselines import sets
from cc_ci.perf.measuring.baseline import ATTEMPTS, UNFINISHED, measure, remaining
from cc_ci.perf.measuring.campaign import require_one_code, to_take_up
from cc_ci.perf.measuring.expected import Past
from cc_ci.perf.measuring.foreign import CpuCounts
from cc_ci.results.engines import engine_of
from cc_ci.results.measured import Canary, Cell, Measured, compact, read_set
from cc_ci.results.schema import RunResult
from cc_ci.system.clock import ManualClock
from cc_ci.system.files import free_name
from cc_ci.system.units import EpochSeconds

USUAL = Canary(cpu=1.0, untar=1.0)
HOST = sets.Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30)
ASKED = sets.Asked(recipes=("app",), cold=1, warm=2, cpus=2.0, memory_bytes=6 << 30, bandwidth="100mbit")


class FakeBench:
    """Runs take `took` seconds and end with the next of `exits`, canaries are the next of `canaries`."""

    code = "c0de"
    boot = "b007"

    def __init__(self, exits: Sequence[int] = (), canaries: Sequence[Canary] = ()) -> None:
        self.clock = ManualClock()
        self.told: list[str] = []
        self._exits = list(exits)
        self._canaries = list(canaries)

    def prepare(self, cell: Cell) -> None:
        self.told.append(f"prepare {cell}")

    def canary(self) -> Canary:
        return self._canaries.pop(0) if self._canaries else USUAL

    def count(self) -> CpuCounts:
        return CpuCounts(machine=self.clock.monotonic(), accounted=self.clock.monotonic())

    def run(self, cell: Cell, *, name: str) -> RunResult:  # noqa: ARG002 - as the protocol has it
        self.told.append(f"run {name}")
        self.clock.advance(100)
        code = self._exits.pop(0) if self._exits else 0
        if code == 130:
            raise KeyboardInterrupt
        return msgspec.structs.replace(example(), exit_code=code, total_seconds=100.0, verdict="green")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    facts = sets.SetFacts(asked=ASKED, host=HOST, began="2026-01-01", canaries=(USUAL, USUAL))
    made = free_name(tmp_path, "set")
    sets.write_facts(facts, made)
    return made


def quiet(_line: str) -> None:
    """Say nothing."""


def test_each_run_follows_its_cells_preparation(folder: Path) -> None:
    bench = FakeBench()
    assert measure(folder, bench, say=quiet) == ()
    assert bench.told == [
        *("prepare app warm", "run 001-app-warm"),
        *("prepare app warm", "run 002-app-warm"),
        *("prepare app cold", "run 003-app-cold"),
    ]
    assert all(one.counts and (one.code, one.boot) == ("c0de", "b007") for one in read_set(folder))
    assert sorted(path.name for path in (folder / sets.TRACES).iterdir()) == [
        "app-cold.json",
        "app-warm.json",
    ]


def test_the_hours_are_said_before_anything_is_done(folder: Path) -> None:
    told: list[str] = []
    bench = FakeBench()
    hour = Past(
        recipe="app",
        cache="warm",
        arm="stock",
        engine=None,
        seconds=3600.0,
        started=EpochSeconds(0.0),
        of="baselines/before",
    )

    def say(line: str) -> None:
        told.append(line)
        if len(told) == 1:
            assert bench.told == []

    measure(folder, bench, say=say, past=[hour])
    assert told[0] == (
        "3 runs to do: about 3.0 h of runs alone; by baselines/before;"
        " baselines/before, in another cache state"
    )
    told.clear()
    measure(folder, bench, say=told.append, past=[hour])
    assert told == [], "of a set that is whole there is nothing to say"


def begun(root: Path, name: str) -> Path:
    """A set of this machine, of which one warm run of two is there."""
    facts = sets.SetFacts(asked=ASKED, host=sets.this_host(), began="2026-01-01", canaries=(USUAL, USUAL))
    sets.write_facts(facts, root / name)
    with pytest.raises(KeyboardInterrupt):
        measure(root / name, FakeBench(exits=[0, 130]), say=quiet)
    return root / name


def test_states_of_the_code_are_not_mixed_unasked(tmp_path: Path) -> None:
    folder = begun(tmp_path, "2026-01-01-set")
    require_one_code(folder, "c0de")
    with pytest.raises(UsageError, match=r"set: its runs are of code c0de, this is 0the7, .* --mix-code"):
        require_one_code(folder, "0the7")
    require_one_code(folder, "0the7", lacking=["app"])
    measure(folder, FakeBench(), say=quiet)
    require_one_code(folder, "0the7")


def test_the_newest_set_that_lacks_something_is_taken_up(tmp_path: Path) -> None:
    older, newer = begun(tmp_path, "2026-01-01-set"), begun(tmp_path, "2026-01-01-set-2")
    assert to_take_up(ASKED, tmp_path, {}) == newer
    assert to_take_up(ASKED, tmp_path, {"app": ("app:1",)}) is None
    measure(newer, FakeBench(), say=quiet)
    assert to_take_up(ASKED, tmp_path, {}) == older
    facts = sets.read_facts(newer)
    sets.write_facts(msgspec.structs.replace(facts, unreachable={"far": ("far:1",)}), newer)
    assert to_take_up(ASKED, tmp_path, {"far": ("far:1",)}) == older
    assert to_take_up(ASKED, tmp_path, {}) == newer


def test_code_that_changes_meanwhile_ends_it_and_is_no_sample(folder: Path) -> None:
    class Edited(FakeBench):
        def run(self, cell: Cell, *, name: str) -> RunResult:
            self.code = "ed17ed"
            return super().run(cell, name=name)

    with pytest.raises(UsageError, match="the code was 01d and is c0de"):
        measure(folder, Edited(), code="01d", say=quiet)
    assert read_set(folder) == ()
    with pytest.raises(UsageError, match="the code was c0de and is ed17ed"):
        measure(folder, Edited(), say=quiet)
    (one,) = read_set(folder)
    assert (one.code, one.void) == ("c0de", "the code changed meanwhile")


def test_a_recipe_whose_images_are_gone_keeps_no_other_from_being_measured(folder: Path) -> None:
    told: list[str] = []
    assert measure(folder, FakeBench(), say=told.append, lacking=["app"]) == (1, 2, 3)
    assert told[0] == "place 1: app warm: left out, no registry here has its images"
    assert read_set(folder) == ()


def test_a_void_run_is_kept_and_repeated(folder: Path) -> None:
    slow = Canary(cpu=1.6, untar=1.0)
    measure(folder, FakeBench(canaries=[USUAL, slow]), say=quiet)
    first, second = read_set(folder)[:2]
    assert (first.place, first.attempt, first.counts) == (1, 1, False)
    assert first.void == "canary after it: cpu took 1.60 s, usual 1.00 s"
    assert first.result is not None
    assert (second.place, second.attempt, second.counts) == (1, 2, True)


def test_a_run_that_is_not_green_is_kept_and_no_sample(folder: Path) -> None:
    said: list[str] = []
    missing = measure(folder, FakeBench(exits=[1] * ATTEMPTS), say=said.append)
    assert missing == (1,)
    assert sum(one.place == 1 for one in read_set(folder)) == ATTEMPTS
    assert any("so no sample" in line for line in said)
    # the next call gives it its turns again
    assert measure(folder, FakeBench(), say=quiet) == ()


def test_one_that_was_interrupted_is_named_and_taken_up(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        measure(folder, FakeBench(exits=[0, 130]), say=quiet)
    assert [one.void for one in read_set(folder)] == [None, UNFINISHED]
    bench = FakeBench()
    assert measure(folder, bench, say=quiet) == ()
    assert bench.told[1] == "run 002-app-warm-2"


def test_only_the_same_question_to_the_same_kind_of_machine_is_taken_up(folder: Path) -> None:
    other = msgspec.structs.replace(ASKED, warm=9)
    moved = msgspec.structs.replace(HOST, cpu_model="another")
    twin = msgspec.structs.replace(HOST, kernel="6-other-build", memory_bytes=HOST.memory_bytes + 4096)
    assert list(sets.alike(folder.parent, ASKED, HOST)) == [folder]
    assert list(sets.alike(folder.parent, ASKED, twin)) == [folder]
    assert not list(sets.alike(folder.parent, other, HOST))
    assert not list(sets.alike(folder.parent, ASKED, moved))
    assert sets.unfinished(folder)
    measure(folder, FakeBench(), say=quiet)
    assert not sets.unfinished(folder)
    assert free_name(folder.parent, "set") == folder.parent / "set-2"


def test_the_newest_set_is_the_last_by_number(tmp_path: Path, folder: Path) -> None:
    names = ["2026-01-02-2cpu-6g", "2026-01-01-2cpu-6g-10", "2026-01-01-2cpu-6g", "2026-01-01-2cpu-6g-9"]
    for name in names:
        sets.write_facts(sets.read_facts(folder), tmp_path / "sets" / name)
    found = [one.name for one in sets.in_order(tmp_path / "sets")]
    assert found == [names[2], names[3], names[1], names[0]]


def test_what_no_registry_has_is_not_in_the_order() -> None:
    asked = msgspec.structs.replace(ASKED, recipes=("app", "far"))
    facts = sets.SetFacts(
        asked=asked, host=HOST, began="2026-01-01", canaries=(USUAL,), unreachable={"far": ("far:1",)}
    )
    assert {cell.recipe for cell in facts.order} == {"app"}
    later = msgspec.structs.replace(facts, added=("far",))
    assert later.order[: len(facts.order)] == facts.order
    assert {cell.recipe for cell in later.order[len(facts.order) :]} == {"far"}
    assert (list(facts.lacking), list(later.lacking)) == (["far"], [])


def test_the_time_to_go_is_known_when_each_cell_ran_once() -> None:
    result = compact(msgspec.structs.replace(example(), exit_code=0, total_seconds=50.0))
    warm, cold = (Cell(recipe="app", cache=cache) for cache in ("warm", "cold"))
    done = [Measured(cell=warm, place=1, result=result)]
    assert remaining([warm, warm], done) == 100.0
    assert remaining([warm, cold], done) is None


def test_the_code_that_a_time_depends_on_has_a_hash(tmp_path: Path) -> None:
    for name in ("pipeline", "cli"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.py").write_text("1")
    before = sets.code_hash(tmp_path)
    (tmp_path / "cli" / "run.py").write_text("2")
    assert sets.code_hash(tmp_path) == before
    (tmp_path / "pipeline" / "run.py").write_text("2")
    assert sets.code_hash(tmp_path) != before


def test_a_set_is_taken_up_on_its_own_engine_alone(tmp_path: Path) -> None:
    folder = begun(tmp_path, "2026-01-01-set")
    here = engine_of(example().environment)
    sets.require_engines(folder, {"system": here})
    # its runs told; what older ones do not tell stands for anything
    sets.require_engines(folder, {"system": msgspec.structs.replace(here, runc=None)})
    upgraded = msgspec.structs.replace(here, runc="1.3.6")
    refused = r"set: its engine system was 20\.10\.24, .* runc 1\.1\.5, .*, here it is .* runc 1\.3\.6,"
    with pytest.raises(UsageError, match=refused):
        sets.require_engines(folder, {"system": upgraded})
    facts = msgspec.structs.replace(sets.read_facts(folder), engines={"system": upgraded})
    sets.write_facts(facts, folder)
    sets.require_engines(folder, {"system": upgraded})


def test_another_engine_is_another_question(tmp_path: Path) -> None:
    begun(tmp_path, "2026-01-01-set")
    assert to_take_up(msgspec.structs.replace(ASKED, engines=("docker-28.5.2",)), tmp_path, {}) is None

"""The hours that measuring will take are said before it begins, with what that rests on."""

from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.perf.baselines import sets
from cc_ci.perf.measuring.expected import Past, expected
from cc_ci.perf.measuring.past import HISTORY, past
from cc_ci.results.measured import Canary, Cell, Measured, compact, write
from cc_ci.results.store import RUNS_VARIABLE, Store
from cc_ci.system.units import EpochSeconds

NEW, OLD = "28.5.2", "20.10.24"
WARM = Cell(recipe="app", cache="warm")
ASKED = sets.Asked(recipes=("app",), cold=0, warm=2, cpus=2.0, memory_bytes=6 << 30, bandwidth="100mbit")


def ran(seconds: float, *, started: float = 0.0, of: str = "baselines/one", **over: object) -> Past:
    fields = {"recipe": "app", "cache": "warm", "arm": "stock", "engine": NEW, **over}
    return Past(seconds=seconds, started=EpochSeconds(started), of=of, **fields)  # type: ignore[arg-type]


def test_the_latest_source_of_the_same_cell_tells() -> None:
    known = [
        ran(360.0),
        ran(720.0, started=5.0, of="baselines/two"),
        ran(720.0, started=6.0, of="baselines/two"),
    ]
    told = expected([WARM] * 10, known, engines=[NEW] * 10)
    assert told.in_words(10) == "10 runs to do: about 2.0 h of runs alone; by baselines/two"


@pytest.mark.parametrize(
    ("over", "how"),
    [
        ({"engine": OLD}, ", on another engine"),
        ({"cache": "cold"}, ", in another cache state"),
        ({"cache": "cold", "engine": None}, ", on another engine and in another cache state"),
    ],
)
def test_what_is_only_like_it_is_told_as_that(over: dict[str, object], how: str) -> None:
    told = expected([WARM], [ran(3600.0, started=9.0, **over)], engines=[NEW])
    assert told.in_words(1) == f"1 runs to do: about 1.0 h of runs alone; by baselines/one{how}"
    nearer = expected([WARM], [ran(3600.0, started=9.0, **over), ran(1.0)], engines=[NEW])
    assert (nearer.seconds, nearer.rests_on) == (1.0, ("baselines/one",))


def test_a_cell_that_nobody_measured_is_named_and_no_time_is_made_up_for_it() -> None:
    peer = Cell(recipe="app", cache="warm", arm="peer")
    told = expected([WARM, peer], [ran(3600.0)], engines=[NEW, NEW])
    assert told.in_words(2) == (
        "2 runs to do: about 1.0 h of runs alone, and app warm peer, of which no time is known;"
        " by baselines/one"
    )
    assert "so the hours are not known" in expected([peer], [ran(1.0)], engines=[NEW]).in_words(1)


def a_set(root: Path, name: str, *, seconds: float, asked: sets.Asked = ASKED) -> None:
    host = sets.Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30)
    facts = sets.SetFacts(asked=asked, host=host, began="2026-01-01", canaries=(Canary(cpu=1.0, untar=1.0),))
    sets.write_facts(facts, root / name)
    green = msgspec.structs.replace(compact(example()), exit_code=0, total_seconds=seconds)
    write(Measured(cell=WARM, place=1, result=green), root / name)
    write(Measured(cell=WARM, place=2, result=green, void="canary"), root / name)


def test_sets_and_the_history_are_the_past_of_nodes_of_the_same_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNS_VARIABLE, str(tmp_path / "runs"))
    a_set(tmp_path / "sets", "2026-01-01-two", seconds=100.0)
    large = msgspec.structs.replace(ASKED, cpus=8.0)
    a_set(tmp_path / "sets", "2026-01-02-eight", seconds=10.0, asked=large)
    (tmp_path / "sets/2026-01-03-broken/runs").mkdir(parents=True)
    (tmp_path / "sets/2026-01-03-broken/baseline.json").write_text("{")
    green = msgspec.structs.replace(example("one"), exit_code=0, verdict="green", total_seconds=50.0)
    Store().write(green)
    Store().write(msgspec.structs.replace(green, run="red", exit_code=1))
    found = past(ASKED, [tmp_path / "sets", tmp_path / "nowhere"])
    assert [(one.of, one.seconds, one.engine) for one in found] == [
        ("sets/2026-01-01-two", 100.0, OLD),
        (HISTORY, 50.0, OLD),
    ]

"""Sets of measured runs: small, and whole in what counts."""

import json
from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.errors import UsageError
from cc_ci.levers.arms import choose
from cc_ci.results.measured import Cell, Measured, cells, compact, parts, read_set, write
from cc_ci.timing.resources import SpanResources

CELL = Cell(recipe="custom-html", cache="warm")


def measured(place: int, **over: object) -> Measured:
    green = msgspec.structs.replace(example(), exit_code=0)
    return Measured(**{"cell": CELL, "place": place, "result": compact(green), **over})


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    wrote = [measured(1, parts=parts(example())), measured(2, void="canary"), measured(2, attempt=2)]
    for one in wrote:
        write(one, tmp_path)
    assert [path.name for path in sorted((tmp_path / "runs").iterdir())] == [
        "001-custom-html-warm.json",
        "002-custom-html-warm-2.json",
        "002-custom-html-warm.json",
    ]
    assert list(read_set(tmp_path)) == wrote


def test_what_is_kept_is_small_and_adds_up() -> None:
    kept = compact(example())
    assert (len(kept.spans), kept.samples) == (3, ())
    assert all(span.parent is None for span in kept.spans)
    assert kept.phases is not None
    assert kept.phases.rows == example().phases.rows
    assert sum(part.seconds for part in parts(example())) == pytest.approx(kept.phases.total_seconds)


def test_of_a_run_on_plain_containers_it_is_kept_what_each_step_used() -> None:
    plain = msgspec.structs.replace(
        example(),
        levers={**example().levers, "deploy.driver": "bare"},
        resources=(SpanResources(), SpanResources(span=1), SpanResources(span=3)),
    )
    assert [one.span for one in compact(plain).resources] == [None, 1]
    deployed = msgspec.structs.replace(plain, levers={"deploy.driver": "stack"})
    assert [one.span for one in compact(deployed).resources] == [None]


def test_void_and_red_runs_are_kept_but_are_no_samples() -> None:
    red = measured(3, result=compact(msgspec.structs.replace(example(), exit_code=1)))
    found = dict(cells([measured(1), measured(2, void="canary"), red]))
    assert [one.place for one in found[CELL]] == [1]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "001-x-warm.json").write_text("{}")
    with pytest.raises(UsageError, match="001-x-warm"):
        read_set(tmp_path)


def test_a_set_from_before_arms_is_read_as_one_with_them(tmp_path: Path) -> None:
    write(measured(1), tmp_path)
    (path,) = (tmp_path / "runs").iterdir()
    raw = json.loads(path.read_text())
    raw["cell"] = {"recipe": "custom-html", "cache": "warm", "profile": "bare"}
    raw["result"] |= {"schema_version": 1, "profile": "bare", "levers": {"deploy_driver": "bare"}}
    del raw["result"]["arm"]
    for stage in raw["result"]["stages"]:
        for test in stage["tests"]:
            test["name"] = f"backup: {test.pop('id')}"
    path.write_text(json.dumps(raw))
    (read,) = read_set(tmp_path)
    assert (read.cell.arm, read.cell.limit, read.cell.words) == (
        "bare",
        True,
        ("custom-html", "warm", "bare"),
    )
    assert read.result is not None
    assert (read.result.arm.profile, read.result.levers) == ("bare", {"deploy.driver": "bare"})
    tests = [test for stage in read.result.stages for test in stage.tests]
    assert [test.id for test in tests] == [test.id for stage in example().stages for test in stage.tests]
    assert {test.deployment for test in tests} == {"backup"}


def test_runs_of_one_cell_with_other_lever_values_are_refused(tmp_path: Path) -> None:
    """The profile was changed between them: under one name they are two arms."""
    other = msgspec.structs.replace(example(), exit_code=0, arm=choose("stock", ["readiness.hold=2"]).arm)
    write(measured(1), tmp_path)
    write(measured(2, result=compact(other)), tmp_path)
    with pytest.raises(UsageError, match="two arms"):
        read_set(tmp_path)
    write(measured(2, result=compact(other), void="canary"), tmp_path)
    assert len(read_set(tmp_path)) == 2


def test_a_cell_of_another_arm_is_told_by_what_was_changed() -> None:
    cell = Cell(recipe="app", cache="warm", arm="stock health.interval=1")
    assert str(cell) == "app warm health.interval=1"
    assert cell != Cell(recipe="app", cache="warm")


def on_engine(place: int, engine: str, **over: object) -> Measured:
    green = msgspec.structs.replace(example(), exit_code=0)
    where = msgspec.structs.replace(green.environment, engine=engine)
    return measured(place, result=compact(msgspec.structs.replace(green, environment=where)), **over)


def test_runs_on_two_engines_are_no_set(tmp_path: Path) -> None:
    write(on_engine(1, "20.10.24"), tmp_path)
    write(on_engine(2, "28.5.2"), tmp_path)
    with pytest.raises(
        UsageError, match=r"runs on two engines, 20\.10\.24, .* or 28\.5\.2, .*; they are two sets"
    ):
        read_set(tmp_path)


def test_where_engines_are_held_against_each_other_each_is_a_cell(tmp_path: Path) -> None:
    name = "docker-28.5.2+dfsg4-5_containerd-2.1.9+ds1-5_runc-1.3.6+ds1-1"
    older, newer = (msgspec.structs.replace(CELL, engine=engine) for engine in ("system", name))
    write(on_engine(1, "20.10.24", cell=older), tmp_path)
    path = write(on_engine(2, "28.5.2", cell=newer), tmp_path)
    assert path.name == "002-custom-html-warm-28.5.2.json"
    assert [str(cell) for cell, _ in cells(read_set(tmp_path))] == [
        "custom-html warm 28.5.2", "custom-html warm system"
    ]  # fmt: skip


def test_a_void_run_on_another_engine_spoils_no_set(tmp_path: Path) -> None:
    write(on_engine(1, "20.10.24"), tmp_path)
    write(on_engine(2, "28.5.2", void="canary"), tmp_path)
    assert len(read_set(tmp_path)) == 2

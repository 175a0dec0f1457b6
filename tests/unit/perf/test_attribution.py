"""Where the time of made-up runs went."""

import msgspec
import pytest
from example_result import example, part, span

from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.savings import SAVINGS
from cc_ci.results.measured import Cell, Measured, compact
from cc_ci.results.schema import StageResult
from cc_ci.timing.actions import REMOVE_TO_REDEPLOY, UNTIL_ENDED, of_removal
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.parts import Part, Use

CELL = Cell(recipe="app", cache="warm")
LOOK = "app: between two looks of its health check"


def run(place: int, boot: float, *, use: Use | None = None) -> Measured:
    parts = (
        part(seconds=boot, name=LOOK, stage="install", phase="converge", waits_for="health of app", use=use),
        part(seconds=5.0, name="hold: still converged", stage="install", phase="converge", waits_for="calm"),
        part(
            seconds=10.0,
            name="docker stack deploy",
            stage="backup",
            phase="deploy",
            deployment="backup",
            waits_for="the client",
        ),
        part(seconds=3.0, name="log in", stage="functional", phase="test"),
    )
    stages = (StageResult(name="install", outcome="passed", seconds=boot),)
    result = msgspec.structs.replace(
        example(), exit_code=0, total_seconds=boot + 18.0, stages=stages, provider=None
    )
    return Measured(cell=CELL, place=place, result=compact(result), parts=parts)


RUNS = [run(1, 30.0), run(2, 60.0), run(3, 31.0)]


def test_every_raw_value_is_kept_beside_the_median() -> None:
    times = attribution.totals(RUNS)
    assert (times.values, times.median) == ((48.0, 78.0, 49.0), 49.0)
    assert times.interval is None


def test_phases_come_the_longest_first() -> None:
    rows = attribution.by_phase(RUNS)
    assert [(row.name, row.times.values) for row in rows] == [
        ("converge", (35.0, 65.0, 36.0)),
        ("deploy", (10.0, 10.0, 10.0)),
        ("test", (3.0, 3.0, 3.0)),
    ]
    assert [row.name for row in attribution.by_stage(RUNS)] == ["install"]


def test_levers_are_bounded_by_what_they_touch() -> None:
    bounds = {one.saving.name: one for one in attribution.saving_bounds(RUNS, None)}
    assert bounds["health.interval"].times.values == (30.0, 60.0, 31.0)
    assert bounds["readiness.events"].times.median == 5.0
    assert bounds["plan.shape"].times.median == 10.0
    assert "provider.warm" not in bounds


def test_starts_that_failed_for_lack_of_a_database_count_for_what_would_have_it_sooner() -> None:
    parts = tuple(
        part(seconds=seconds, name=f"app: {name}", stage="install", phase="converge")
        for name, seconds in (
            ("tries that ended", 24.0),
            ("wait out the restart's delay", 5.0),
            ("until its health check last said no", 30.0),
        )
    )
    one = msgspec.structs.replace(RUNS[0], parts=parts)
    bounds = {found.saving.name: found.times.median for found in attribution.saving_bounds([one], None)}
    assert bounds == {"health.interval": 29.0, "restart.delay": 29.0}


def test_the_what_if_is_of_the_traced_run() -> None:
    spans = (
        span(id=1, name="app: x", start=0, end=2, phase="converge", stage="install"),
        span(id=2, name=LOOK, start=2, end=32, phase="converge", stage="install"),
    )
    traced = msgspec.structs.replace(
        example(), spans=spans, total_seconds=32.0, phases=attribute(spans, end=32.0)
    )
    (first, *_) = attribution.saving_bounds(RUNS, traced)
    assert first.saving.name == "health.interval"
    assert first.traced == attribution.Traced(total=32.0, on_path=pytest.approx(30.0), what_if=30.0)
    assert first.seconds == 31.0


def test_a_chain_beside_it_takes_its_share_from_a_bound() -> None:
    bound = attribution.SavingBound(
        saving=SAVINGS[0],
        times=attribution.Times(values=(300.0,)),
        traced=attribution.Traced(total=600.0, on_path=200.0, what_if=150.0),
    )
    assert bound.seconds == 225.0
    assert list(attribution.largest([bound], total=450.0)) == ["health.interval (at most 3m 45s, 50%)"]


def touched(*parts: Part) -> set[str]:
    one = msgspec.structs.replace(RUNS[0], parts=parts)
    return {found.saving.name for found in attribution.saving_bounds([one], None)}


def test_a_removal_is_bounded_with_all_that_has_to_wait_for_it() -> None:
    networks = part(seconds=1.0, name="remove the proxy network", phase="teardown", deployment="install")
    assert touched(networks) == {"removal"}
    provider = msgspec.structs.replace(networks, deployment="keycloak")
    assert touched(provider) == {"removal", "provider.warm"}
    saved = msgspec.structs.replace(networks, deployment="backup", stage="restore")
    assert touched(saved) == {"removal", "plan.shape"}
    redeployed = msgspec.structs.replace(saved, action=REMOVE_TO_REDEPLOY)
    assert touched(redeployed) == {"removal"}
    stopped = msgspec.structs.replace(saved, action=of_removal(REMOVE_TO_REDEPLOY, UNTIL_ENDED))
    assert touched(stopped) == {"removal"}


def test_what_a_provider_takes_is_told_from_what_the_app_takes() -> None:
    gone = part(seconds=1.0, name="remove the stack", phase="teardown", deployment="install")
    provider = msgspec.structs.replace(gone, deployment="keycloak")
    assert attribution.named(gone) == "remove the stack"
    assert attribution.named(provider) == "remove the stack (provider)"


@pytest.mark.parametrize(
    ("use", "bound"),
    [
        (Use(cpu=1.0, cpu_pressure=20.0, io_pressure=9.0), "cpu"),
        (Use(cpu=1.0, cpu_pressure=2.0, io_pressure=9.0), "disk"),
        (Use(cpu=40.0, cpu_pressure=2.0, io_pressure=1.0), "cpu"),
        (Use(cpu=1.0), "waiting"),
    ],
)
def test_a_phase_is_bound_by_what_it_lacked(use: Use, bound: str) -> None:
    found = {one.phase: one for one in attribution.pressed([run(1, 30.0, use=use)], cpus=2.0)}
    assert found["converge"].bound == bound
    assert found["test"].bound == "unknown"


def test_the_opening_line_adds_up_in_words() -> None:
    told = "app warm, place 3: 49s = 36s converge + 10s deploy + 3s test"
    assert attribution.opening("app warm", RUNS) == told
    assert attribution.duration(485.4) == "8m 05s"

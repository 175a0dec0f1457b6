"""What made-up runs waited for, and what of it came late."""

from pathlib import Path

import msgspec
import pytest
from example_result import example, part

from cc_ci.perf.analysis.waits import Wait, waits
from cc_ci.perf.baselines.measured_set import newest, read
from cc_ci.results.measured import Cell, Measured, compact
from cc_ci.timing.parts import Part

BASELINES = Path(__file__).parents[3] / "baselines"
LOOK = "app: between two looks of its health check"


def run(*parts: Part) -> Measured:
    result = msgspec.structs.replace(example(), levers={"readiness.probe_interval": 1.0})
    return Measured(cell=Cell(recipe="app", cache="warm"), place=1, result=compact(result), parts=parts)


def wait(*parts: Part) -> Wait:
    (found,) = waits([run(*parts)])
    return found


def late(*parts: Part) -> tuple[float | None, bool]:
    found = wait(*parts)
    return found.after.median if found.after else None, found.at_most


@pytest.mark.parametrize(
    ("name", "waits_for", "after"),
    [
        (LOOK, "the health check of app to say yes", (30.0, True)),
        ("app: until its health check last said no", "the health check of app to say yes", (0.0, False)),
        ("hold: still converged", "the stack to stay converged", (30.0, False)),
        ("ready: app", "/ through the proxy", (2.0, True)),
        ("remove the stack", "tasks and networks of the stack to be gone", (0.0, False)),
        ("remove the stack: until app is told to stop", "the stop signal to app", (0.0, False)),
        ("remove the stack: until app has ended", "the end of app, told to stop", (0.0, False)),
        ("pull nginx:1", "the pull of nginx:1", (0.0, False)),
        ("converge", "all tasks to run and be healthy", (None, False)),
    ],
)
def test_a_wait_says_what_of_it_came_after_its_condition(
    name: str, waits_for: str, after: tuple[float | None, bool]
) -> None:
    assert late(part(seconds=30.0, name=name, waits_for=waits_for, times=2)) == after


def test_what_came_late_is_never_longer_than_the_wait() -> None:
    sign = part(seconds=0.4, name="ready: app", waits_for="/ through the proxy")
    assert late(sign) == (0.4, True)


def test_one_part_that_tells_nothing_leaves_the_whole_wait_unknown() -> None:
    known = part(seconds=2.0, name=LOOK, waits_for="db")
    unknown = part(seconds=2.0, name="db: boot", waits_for="db")
    assert late(known, unknown) == (None, True)


def test_starts_that_failed_are_waits_for_what_they_lacked() -> None:
    found = wait(
        *(
            part(seconds=12.0, name=f"app: {name}", phase="converge")
            for name in ("tries that ended", "wait out the restart's delay")
        )
    )
    assert (found.name, found.times.median) == ("what app needs, to be up", 24.0)
    assert late(part(seconds=24.0, name="app: tries that ended")) == (24.0, True)


def test_the_waits_of_measured_runs_are_known_by_the_names_they_have_there() -> None:
    """A span that is called otherwise one day would make its wait unknown in silence."""
    measured = read(newest(BASELINES))
    assert not [one.name for _, runs in measured.deployed for one in waits(runs) if one.after is None]

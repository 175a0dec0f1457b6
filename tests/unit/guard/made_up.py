"""Results as cc-ci's own schema writes them, for tests of the guard, which reads them by its own."""

from pathlib import Path

import msgspec

from cc_ci.levers.arms import choose
from cc_ci.results import schema
from cc_ci.timing.spans import Span
from cc_ci_guard.changes import Edit, Mutant
from cc_ci_guard.results import Result, read

READY = Span(
    id=2, name="ready: app", kind="sign", start=1, end=2, stage="install", attributes={"waits_for": "/"}
)
SEED = Span(id=3, name="seed", start=2, end=3, phase="seed", stage="upgrade")
DEPLOY = Span(
    id=1, name="deploy", kind="step", action="deploy", start=0, end=2, stage="install", deployment="install"
)


def made_test(name: str) -> schema.TestResult:
    return schema.TestResult(id=name, outcome="passed", assertions=2, deployment="functional")


def stage(
    name: schema.StageName, *tests: schema.TestResult, outcome: schema.Outcome = "passed", **more: object
) -> schema.StageResult:
    fields = {"name": name, "outcome": outcome, "tests": tests, **more}
    return msgspec.convert(msgspec.to_builtins(fields), schema.StageResult)


def run_result(
    *stages: schema.StageResult, spans: tuple[Span, ...] = (), exit_code: int = 0, run: str = "pocket-1"
) -> schema.RunResult:
    return schema.RunResult(
        run=run,
        cc_ci_version="0",
        state="finished",
        started_at=0.0,
        recipe=schema.RecipeUnderTest(name="pocket", suite_hash="a"),
        arm=choose("stock").arm,
        stages=stages,
        spans=spans,
        exit_code=exit_code,
    )


def written(result: schema.RunResult, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    path.write_bytes(msgspec.json.encode(result))
    return path


def as_read(result: schema.RunResult, folder: Path) -> Result:
    return read(written(result, folder))


MUTANT = Mutant(
    name="pocket-key",
    what="keys are folded",
    kind="data",
    stage="functional",
    check="test_notes.py::test_case",
    cause=("lower",),
    place="test_notes.py",
    edit=(Edit(version="both", file="notes.cgi", find="key=$QUERY_STRING", replace="key=x"),),
)

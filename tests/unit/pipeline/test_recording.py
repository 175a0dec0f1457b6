"""What is on disk of a run that is killed."""

from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.pipeline.outcomes import StageOutcome
from cc_ci.pipeline.recording import Recording
from cc_ci.report.blame import links
from cc_ci.results.schema import TestResult
from cc_ci.results.store import Store
from cc_ci.stages.bench import Findings
from cc_ci.system.clock import ManualClock
from cc_ci.timing.trace import Trace


def test_reasons_have_neither_secrets_nor_what_steers_a_terminal(tmp_path: Path) -> None:
    trace = Trace(ManualClock(), redact=lambda text: text.replace("hunter2", "[redacted]"))
    findings = Findings(tests={"install": [TestResult(id="a\x00", outcome="failed", reason="\x1b[1mno")]})
    recording = Recording(example(), store=Store(tmp_path), trace=trace, findings=findings)
    reason = "internal error: ValueError: \x1b[31mhun\x1b[0mter2"
    recording.stage_done(StageOutcome(stage="install", outcome="errored", reason=reason))
    (stage,) = recording.stages
    assert stage.reason == "internal error: ValueError: [redacted]"
    assert [(test.id, test.reason) for test in stage.tests] == [("a", "no")]


def test_a_run_that_is_killed_leaves_the_way_to_its_last_stage(tmp_path: Path) -> None:
    clock, store = ManualClock(), Store(tmp_path)
    trace = Trace(clock)
    begun = msgspec.structs.replace(example(), state="running", phases=None, spans=(), stages=())
    recording = Recording(begun, store=store, trace=trace, findings=Findings())
    with trace.span("converge", phase="converge", stage="install"):
        clock.advance(30.0)
    recording.stage_done(StageOutcome(stage="install", outcome="passed", seconds=30.0))
    left = store.load()
    assert left.state == "running"
    assert (links(left)[0].name, links(left)[0].seconds) == ("converge", pytest.approx(30.0))

import contextlib
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.system.clock import ManualClock
from cc_ci.system.threads import carried
from cc_ci.timing.trace import Trace


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=500.0)


@pytest.fixture
def trace(clock: ManualClock) -> Trace:
    return Trace(clock)


def test_spans_nest_and_hand_stage_and_deployment_down(clock: ManualClock, trace: Trace) -> None:
    with trace.span("install", phase=None, stage="install", deployment="new"):
        clock.advance(1)
        with trace.span("deploy", phase="deploy", services=2) as inner:
            clock.advance(2)
            inner.note(created=2)
        with trace.span("other", phase="ready", deployment="old"):
            pass
    install, deploy, other = trace.spans()
    assert (install.start, install.end, install.parent, other.parent) == (0.0, 3.0, None, install.id)
    assert (deploy.start, deploy.end, deploy.parent) == (1.0, 3.0, install.id)
    assert (deploy.stage, deploy.deployment, other.deployment) == ("install", "new", "old")
    assert deploy.attributes == {"services": 2, "created": 2}
    assert {span.status for span in trace.spans()} == {"done"}


def test_failure_is_recorded_and_passed_on(trace: Trace) -> None:
    with pytest.raises(ValueError, match="wrong"), trace.span("deploy", phase="deploy"):
        raise ValueError("wrong\nsecond line")
    assert (trace.spans()[0].status, trace.spans()[0].error) == ("failed", "ValueError: wrong")


def test_error_is_redacted(clock: ManualClock) -> None:
    trace = Trace(clock, redact=lambda text: text.replace("hunter22", "*"))
    with trace.span("login", phase="test") as span:
        span.fail("password hunter22 refused")
    assert trace.spans()[0].error == "password * refused"
    assert trace.spans()[0].status == "failed"


def test_open_spans_are_seen(clock: ManualClock, trace: Trace) -> None:
    with trace.span("deploy", phase="deploy"):
        clock.advance(1)
        assert (trace.spans()[0].status, trace.spans()[0].end) == ("open", None)
    assert trace.spans()[0].seconds == 1.0


def test_record_takes_monotonic_stamps_and_the_open_span_as_parent(clock: ManualClock, trace: Trace) -> None:
    with trace.span("converge", phase="converge", stage="install") as parent:
        clock.advance(5)
        app = trace.record("app", phase="converge", start=501.0, end=504.0)
        trace.record("health", phase="converge", start=502.0, end=501.5, parent=app)
    _, recorded, nested = trace.spans()
    assert (recorded.start, recorded.end, recorded.parent) == (1.0, 4.0, parent.id)
    assert (nested.start, nested.end, nested.parent, nested.stage) == (2.0, 2.0, app.id, "install")


def test_work_before_the_trace_counts_when_its_start_is_given() -> None:
    clock = ManualClock(start=10.0, epoch=1000.0)
    trace = Trace(clock, started=7.0)
    assert trace.elapsed() == 3.0
    assert trace.epoch == 997.0


def test_engine_stamps_become_monotonic_ones(clock: ManualClock, trace: Trace) -> None:
    engine_epoch = type(trace.epoch)(trace.epoch + 4.0)
    assert trace.monotonic_at(engine_epoch, ahead=0.5) == pytest.approx(clock.monotonic() + 3.5)


def test_threads_have_no_parent_unless_carried(trace: Trace) -> None:
    def work() -> None:
        with trace.span("pull", phase="images_pull"):
            pass

    with trace.span("chains", phase=None) as chains:
        for target in (work, carried(work)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    _, alone, brought = trace.spans()
    assert (alone.parent, brought.parent) == (None, chains.id)


def test_in_a_run_no_span_is_without_a_parent_in_any_thread(clock: ManualClock, trace: Trace) -> None:
    with trace.run() as run:
        chain = trace.begin(trace.span("install", phase=None, kind="chain"))

        def step() -> None:
            with trace.inside(chain), trace.span("deploy", phase=None, kind="step"):
                trace.record("app", phase="converge", start=500.0, end=500.0)

        def other() -> None:
            with trace.span("lease", phase="overhead"):
                pass

        for work in (step, other):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        chain.close()
    by_name = {span.name: span for span in trace.spans()}
    parents = {name: span.parent for name, span in by_name.items()}
    assert parents == {
        "run": None,
        "install": run.id,
        "deploy": by_name["install"].id,
        "app": by_name["deploy"].id,
        "lease": run.id,
    }
    assert [by_name[name].kind for name in ("run", "install", "deploy", "app")] == [
        "run", "chain", "step", "call"
    ]  # fmt: skip
    assert all(span.status == "done" for span in trace.spans())


@given(
    stamps=st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), max_size=6),
    closed=st.booleans(),
)
def test_what_is_recorded_lies_in_its_parent(stamps: list[tuple[float, float]], *, closed: bool) -> None:
    """An engine's stamps may be from before a step, and clocks may differ by a little."""
    clock = ManualClock(start=500.0)
    trace = Trace(clock)
    with trace.span("step", phase=None) as above:
        clock.advance(3)
        for start, end in () if closed else stamps:
            trace.record("stamped", phase="converge", start=500.0 + start, end=500.0 + end, parent=above)
    for start, end in stamps if closed else ():
        trace.record("stamped", phase="converge", start=500.0 + start, end=500.0 + end, parent=above)
    step, *recorded = trace.spans()
    for span in recorded:
        assert span.end is not None
        assert step.end is not None
        assert step.start <= span.start <= span.end <= step.end


class Yielding(ManualClock):
    """A clock that lets another thread go on whenever it is asked, as a busy machine may."""

    def monotonic(self) -> float:
        time.sleep(0)
        return super().monotonic()


def test_many_threads_lose_no_span_and_number_them_in_their_order() -> None:
    """Without the lock in `begin`, another thread's span gets between a number and its place in the list."""
    trace = Trace(Yielding())

    def work() -> None:
        for _ in range(50):
            with trace.span("outer", phase="test"), trace.span("inner", phase="test"):
                trace.spans()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = trace.spans()
    assert [span.id for span in spans] == list(range(1, 801))
    outer = {span.id for span in spans if span.name == "outer"}
    assert sorted(outer) == sorted(span.parent for span in spans if span.name == "inner" and span.parent)


def yielding(text: str) -> str:
    time.sleep(0)
    return text


def test_many_threads_see_each_span_as_it_was_at_one_moment() -> None:
    """Without the lock, one that is failing is seen as failed before it has its error."""
    trace = Trace(Yielding(), redact=yielding)

    def fail() -> None:
        for _ in range(100):
            with contextlib.suppress(ValueError), trace.span("fails", phase="test"):
                raise ValueError("no answer")

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for span in trace.spans():
            assert (span.error is not None) == (span.status == "failed")
            assert span.end is None or span.status == "failed"
    assert len(trace.spans()) == 400


def test_a_span_of_another_trace_is_no_parent(clock: ManualClock, trace: Trace) -> None:
    other = Trace(clock)
    with other.span("theirs", phase="test"), trace.span("ours", phase="test"):
        pass
    assert trace.spans()[0].parent is None


def test_poll_slack_is_named(trace: Trace) -> None:
    trace.poll_slack("converge", phase="converge", true_at=501.0, noticed_at=501.2)
    assert trace.spans()[0].name == "poll_slack: converge"

import threading

import pytest

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


def test_many_threads_lose_no_span(trace: Trace) -> None:
    def work() -> None:
        for _ in range(200):
            with trace.span("outer", phase="test"), trace.span("inner", phase="test"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = trace.spans()
    outer = {span.id for span in spans if span.name == "outer"}
    assert len({span.id for span in spans}) == 3200
    assert sorted(outer) == sorted(span.parent for span in spans if span.name == "inner" and span.parent)


def test_a_span_of_another_trace_is_no_parent(clock: ManualClock, trace: Trace) -> None:
    other = Trace(clock)
    with other.span("theirs", phase="test"), trace.span("ours", phase="test"):
        pass
    assert trace.spans()[0].parent is None


def test_poll_slack_is_named(trace: Trace) -> None:
    trace.poll_slack("converge", phase="converge", true_at=501.0, noticed_at=501.2)
    assert trace.spans()[0].name == "poll_slack: converge"

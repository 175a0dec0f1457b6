"""What steps find is added up, and what is timed on a bench is told."""

import dataclasses

import pytest

from cc_ci.results.schema import ImageTransfer, ServiceImage, TestResult
from cc_ci.stages.bench import Bench, Findings
from cc_ci.system.clock import ManualClock
from cc_ci.system.units import EpochSeconds

IMAGE = ServiceImage(version="1", service="app", reference="small:1")
TRANSFER = ImageTransfer(
    reference="small:1", digest="", layers=1, layers_present_before=0, layers_extracted=1, pulled_bytes=1
)


def test_what_two_steps_found_is_added_up() -> None:
    all_, one = Findings(), Findings()
    for test, uptime, proof in (("first", 1.0, True), ("second", 2.0, False)):
        one = Findings(
            tests={"install": [TestResult(id=test, outcome="passed")]},
            images=[IMAGE],
            transfers=[TRANSFER],
            uptimes=[uptime],
            cache_proofs=[proof],
        )
        one.warn("code", test)
        all_.add(one)
    assert [test.id for test in all_.tests["install"]] == ["first", "second"]
    assert (all_.images, all_.transfers) == ([IMAGE, IMAGE], [TRANSFER, TRANSFER])
    assert (all_.uptimes, all_.cache_proofs) == ([1.0, 2.0], [True, False])
    assert [one.message for one in all_.warnings] == ["first", "second"]


def test_what_was_warned_of_before_is_warned_of_once() -> None:
    found = Findings()
    for code, message in (("a", "x"), ("a", "x"), ("b", "x"), ("a", "y")):
        found.warn(code, message)
    assert [(one.code, one.message) for one in found.warnings] == [("a", "x"), ("b", "x"), ("a", "y")]


@pytest.mark.parametrize(
    ("proofs", "proved"), [([], None), ([True], True), ([True, False], None), ([False], None)]
)
def test_a_cache_is_proved_by_every_pull_or_not_at_all(proofs: list[bool], *, proved: bool | None) -> None:
    assert Findings(cache_proofs=proofs).cache_proved is proved


def test_what_is_waited_for_is_told_and_is_a_wait(bench: Bench) -> None:
    told: list[str] = []
    bench = dataclasses.replace(bench, tell=told.append)
    with bench.span("configure", "app_new"), bench.span("ready", "ready", waits_for="the app", action="look"):
        pass
    assert told == ["waiting for the app"]
    spans = [(span.name, span.phase, span.kind, span.action) for span in bench.trace.spans()]
    assert spans == [("configure", "app_new", "call", None), ("ready", "ready", "wait", "look")]
    assert bench.trace.spans()[1].attributes == {"waits_for": "the app"}


@pytest.mark.parametrize("waits_for", [None, "the pull"])
def test_a_span_is_of_the_kind_that_is_asked_for(bench: Bench, waits_for: str | None) -> None:
    with bench.span("pull", "images_pull", kind="pull", waits_for=waits_for):
        pass
    assert bench.trace.spans()[0].kind == "pull"


def test_what_the_engine_stamped_is_recorded_on_the_run_s_clock(bench: Bench, clock: ManualClock) -> None:
    ahead = dataclasses.replace(bench, engine_ahead=2.0)
    with bench.trace.span("converge", phase="converge") as above:
        clock.advance(10.0)
        now = clock.now()
        span = ahead.record(
            "app: boot", "converge", start=EpochSeconds(now - 3), end=EpochSeconds(now + 1),
            action="boot", kind="wait", service="app",
        )  # fmt: skip
    assert (span.start, span.end) == (5.0, 9.0)
    assert (span.parent, span.kind, span.action) == (above.id, "wait", "boot")
    assert span.attributes == {"service": "app"}

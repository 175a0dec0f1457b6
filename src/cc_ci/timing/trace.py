"""Spans of one run: nested, safe between threads, cheap; failures are recorded and passed on."""

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Literal, Self

import msgspec

from cc_ci.system.clock import Clock
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.timing.phases import Phase
from cc_ci.timing.span_names import POLL_SLACK

Attribute = str | int | float | bool | None


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One timed interval; `start` and `end` are seconds since the run's start, `end` is None while open.

    A span without a phase only groups others: time spent in nothing below it has its parent's phase.
    """

    id: int
    name: str
    start: Seconds
    end: Seconds | None = None
    parent: int | None = None
    phase: Phase | None = None
    stage: str | None = None
    deployment: str | None = None
    status: Literal["open", "done", "failed"] = "done"
    error: str | None = None
    attributes: dict[str, Attribute] = {}

    @property
    def seconds(self) -> Seconds:
        return 0.0 if self.end is None else self.end - self.start


class OpenSpan:
    """A span that is being timed: add attributes with `note`, mark it failed without raising with `fail`."""

    def __init__(
        self,
        trace: "Trace",
        name: str,
        *,
        phase: Phase | None,
        stage: str | None,
        deployment: str | None,
        attributes: dict[str, Attribute],
    ) -> None:
        self._trace = trace
        self.name = name
        self.phase = phase
        self.stage = stage
        self.deployment = deployment
        self.attributes = attributes
        self.id = -1
        self.parent: int | None = None
        self.start: Seconds = 0.0
        self.end: Seconds | None = None
        self.status: Literal["open", "done", "failed"] = "open"
        self.error: str | None = None

    def note(self, **attributes: Attribute) -> None:
        self.attributes.update(attributes)

    def fail(self, reason: str) -> None:
        self.status = "failed"
        self.error = self._trace.redact(reason)

    def belongs_to(self, trace: "Trace") -> bool:
        return self._trace is trace

    def under(self, parent: "OpenSpan | None") -> None:
        """Become `parent`'s child; its stage and deployment hold for children that name none."""
        if parent is None:
            return
        self.parent = parent.id
        self.stage = self.stage or parent.stage
        self.deployment = self.deployment or parent.deployment

    def __enter__(self) -> Self:
        self.under(self._trace.current())
        self._before = _current.set(self)
        self._trace.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end = self._trace.elapsed()
        if error is not None:
            self.fail(_one_line(error))
        elif self.status == "open":
            self.status = "done"
        _current.reset(self._before)

    def seen(self) -> Span:
        """What is known now, as a value."""
        return Span(
            id=self.id,
            name=self.name,
            start=self.start,
            end=self.end,
            parent=self.parent,
            phase=self.phase,
            stage=self.stage,
            deployment=self.deployment,
            status=self.status,
            error=self.error,
            attributes=dict(self.attributes),
        )


_current: ContextVar[OpenSpan | None] = ContextVar("cc_ci_span", default=None)


class Trace:
    """All spans of one run.

    `started` is the run's start on the clock's monotonic scale, by default now; spans hold seconds since it.
    `epoch` is the wall-clock stamp of that instant, read once: no later step of the wall clock moves a span.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        started: Seconds | None = None,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        now = clock.monotonic()
        self.started: Seconds = now if started is None else started
        self.epoch = EpochSeconds(clock.now() - (now - self.started))
        self.redact = redact
        self._clock = clock
        self._ids = itertools.count(1)
        self._spans: list[OpenSpan] = []

    def now(self) -> Seconds:
        """The monotonic stamp of this instant."""
        return self._clock.monotonic()

    def elapsed(self) -> Seconds:
        """Seconds since the run's start."""
        return self._clock.monotonic() - self.started

    def monotonic_at(self, epoch: EpochSeconds, *, ahead: Seconds = 0.0) -> Seconds:
        """The monotonic stamp of one by a wall clock (the engine's) that is `ahead` of the runner's."""
        return self.started + (epoch - ahead - self.epoch)

    def span(
        self,
        name: str,
        *,
        phase: Phase | None,
        stage: str | None = None,
        deployment: str | None = None,
        **attributes: Attribute,
    ) -> OpenSpan:
        """Time a `with` block; spans begun inside it, in this thread or a carried one, are its children."""
        return OpenSpan(self, name, phase=phase, stage=stage, deployment=deployment, attributes=attributes)

    def record(
        self,
        name: str,
        *,
        phase: Phase | None,
        start: Seconds,
        end: Seconds,
        parent: OpenSpan | None = None,
        stage: str | None = None,
        deployment: str | None = None,
        **attributes: Attribute,
    ) -> OpenSpan:
        """Add a span known afterwards, between two monotonic stamps; its parent is by default the open span.

        Hands it back, to be the `parent` of further ones. An `end` before `start` counts as `start`.
        """
        span = OpenSpan(self, name, phase=phase, stage=stage, deployment=deployment, attributes=attributes)
        span.under(parent or self.current())
        span.status = "done"
        span.end = max(start, end) - self.started
        self.begin(span, at=start - self.started)
        return span

    def poll_slack(self, what: str, *, phase: Phase, true_at: Seconds, noticed_at: Seconds) -> OpenSpan:
        """Record a wait for `what` that went on after it was true; monotonic stamps."""
        return self.record(f"{POLL_SLACK}: {what}", phase=phase, start=true_at, end=noticed_at)

    def current(self) -> OpenSpan | None:
        """The open span of this thread, if it is one of this trace."""
        span = _current.get()
        return span if span is not None and span.belongs_to(self) else None

    def begin(self, span: OpenSpan, *, at: Seconds | None = None) -> None:
        span.id = next(self._ids)
        span.start = self.elapsed() if at is None else at
        self._spans.append(span)

    def open(self) -> tuple[Span, ...]:
        """Those that are being timed now, the outer ones first."""
        return tuple(span.seen() for span in tuple(self._spans) if span.end is None)

    def spans(self) -> tuple[Span, ...]:
        """All spans in the order they were begun; open ones have no end, for partial results."""
        return tuple(span.seen() for span in tuple(self._spans))


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__

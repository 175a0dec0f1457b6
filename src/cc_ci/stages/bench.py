"""What a stage works with: the node, the tools, the versions under test, and what is deployed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.driver import Driver
from cc_ci.engine.labels import RunLabels
from cc_ci.engine.node import Node
from cc_ci.engine.overlay import Tuning
from cc_ci.isolation.holdings import Holdings
from cc_ci.isolation.kept_images import Pruned
from cc_ci.probes.answers import Requester
from cc_ci.probes.expectation import Expected
from cc_ci.providers.api import SignOn
from cc_ci.recipes.app import App
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import ImageTransfer, ServiceImage, StageName, TestResult, Warn, WentWrong
from cc_ci.suite.api import Suites
from cc_ci.suite.facts import Suite
from cc_ci.suite.front import front, is_web
from cc_ci.suite.protocol import AppFacts
from cc_ci.system.clock import Clock
from cc_ci.system.process import Runner
from cc_ci.system.redaction import Redactor
from cc_ci.system.showing import Sighting
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.timing.phases import Phase
from cc_ci.timing.spans import Attribute, SpanKind
from cc_ci.timing.trace import OpenSpan, Trace


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """The levers that stages obey."""

    resolve_image: str
    stability: Seconds
    stability_because: str
    probe_interval: Seconds
    slackening: float
    hold: Seconds
    tuning: Tuning
    events: bool = False
    """Go on at the engine's event: the time of stability runs beside the work."""
    own_signs: bool = True
    """Look for the signs that the suite names, and not for any sign of life."""
    side_by_side: bool = True
    """Look for all signs of an app at once."""
    prompt_removal: bool = False
    pulls: int = 1
    """Of images, beside each other."""


class NotesImages(Protocol):
    def __call__(self, images: Sequence[str], *, brought: Sequence[str]) -> None: ...


def _no_note(images: Sequence[str], *, brought: Sequence[str]) -> None:
    del images, brought


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a recipe and how it is deployed and tested: `label` is what people call it."""

    label: str
    recipe: Recipe
    commit: str | None = None
    suite: Suite | None = None
    variant: str | None = None
    sign_on: SignOn | None = None
    """What the app is told of its provider."""
    trusted: tuple[str, ...] = ()
    """Permissions that the operator gave the recipe."""


@dataclass(kw_only=True)
class Deployed:
    """One deployment, from its preparation to its removal; steps add what they learn.

    Owned by its chain: one step at a time has it in its hands.
    """

    name: str
    app: App
    stack: Stack
    candidate: Candidate
    proxy_network: str
    data_of: str
    """The deployment whose data it has: another's, once that one's backup was restored here."""
    address: str | None = None
    """Of its own proxy, to which its names lead where it is asked from; None: of the run's."""
    folder: Path
    secrets: dict[str, str]
    since: EpochSeconds
    made: set[str] = field(default_factory=set)
    """Swarm's names of the secrets that were made for it: a later version of the app may name others."""
    certified: tuple[str, ...] = ()
    running: Mapping[str, str] = field(default_factory=dict)
    """Image that each service runs, once it is up."""
    serves_since: EpochSeconds | None = None
    """The engine's time of its last first good sign; None while it comes up."""
    up_at: EpochSeconds | None = None
    """When all of its tasks were last seen to have come up."""
    hold: Seconds = 0.0
    """How long from then on it has to live, whatever is done with it."""
    ended: frozenset[str] = frozenset()
    """Containers that had ended by then."""
    logged: list[Sighting] = field(default_factory=list)
    """Secrets that a log of it showed."""
    shown: dict[str, Sighting] = field(default_factory=dict)
    """Secrets that its answers and pages showed, by name: the first place of each."""

    @property
    def domain(self) -> str:
        return self.app.domain

    @property
    def web(self) -> bool:
        """Whether it has to answer through the proxy."""
        return is_web(self.candidate.suite, self.app.recipe, self.stack)

    @property
    def expectation(self) -> Expected:
        """Its own sign that it serves."""
        return front(self.candidate.suite, self.stack, domain=self.domain)

    @property
    def facts(self) -> AppFacts:
        """What the suite may ask for; it gets the secrets that it declares."""
        hosts = tuple(host for host in self.certified if host != self.domain)
        return AppFacts(
            domain=self.domain,
            stack_name=self.stack.name,
            services=tuple(self.stack.services),
            secrets=self.secrets,
            env=self.app.env,
            version=self.candidate.label,
            variant=self.candidate.variant,
            further_hosts=hosts,
            sso=self.candidate.sign_on,
            data_of=self.data_of,
            address=self.address,
        )


@dataclass(kw_only=True)
class Findings:
    """What stages found out, for the results.

    Owned by one thread each: a step has its own, and the coordinator adds them up in others of its own.
    """

    tests: dict[StageName, list[TestResult]] = field(default_factory=dict)
    images: list[ServiceImage] = field(default_factory=list)
    transfers: list[ImageTransfer] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)
    uptimes: list[Seconds] = field(default_factory=list)
    """How long each deployment served, up to a redeploy or its removal."""
    wrong: dict[StageName, WentWrong] = field(default_factory=dict)
    """What was seen at the first failure of each stage."""
    cache_proofs: list[bool] = field(default_factory=list)
    """Of each pull, whether it showed the cache to be as asked for."""

    @property
    def cache_proved(self) -> bool | None:
        """True if every pull showed it; None where one did not, or nothing was asked for."""
        return (bool(self.cache_proofs) and all(self.cache_proofs)) or None

    def add(self, other: "Findings") -> None:
        """Take in what one step found, by now: the thread of one that was left behind may be at it still."""
        for stage, tests in tuple(other.tests.items()):
            self.tests.setdefault(stage, []).extend(tests)
        for stage, seen in tuple(other.wrong.items()):
            self.wrong.setdefault(stage, seen)
        self.images.extend(other.images)
        self.transfers.extend(other.transfers)
        for warning in tuple(other.warnings):
            self.warn(warning.code, warning.message)
        self.uptimes.extend(other.uptimes)
        self.cache_proofs.extend(other.cache_proofs)

    def warn(self, code: str, message: str) -> None:
        warning = Warn(code=code, message=message)
        if warning not in self.warnings:
            self.warnings.append(warning)


@dataclass(frozen=True, kw_only=True)
class Door:
    """The way to a deployment that has a proxy of its own: the node as it is seen there, and who asks."""

    node: Node
    requester: Requester


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything a stage may use. All but `findings`, which are the step's own, is shared between threads."""

    run: str
    recipe: str
    expires: EpochSeconds
    """When the run's deadline is over, on the engine's clock."""
    node: Node
    engine: Engine
    driver: Driver
    runner: Runner
    clock: Clock
    trace: Trace
    redact: Redactor
    requester: Requester
    suites: Suites
    waits: Waits
    engine_ahead: Seconds
    """How far the engine's clock leads the runner's; measured once per run."""
    tell: Callable[[str], None]
    scratch: Path
    evidence: Path
    findings: Findings
    begin: Callable[[Deployed], None]
    """Told of a deployment from the moment on at which there is something to remove."""
    holdings: Holdings
    others: Runner | None = None
    """Runs what is no part of cc-ci and doesn't count as its own CPU: restic and its like; None: `runner`."""
    make_room: Callable[[], Sequence[Pruned]] | None = None
    """Prunes images that no active recipe needs, where the disk is full; None: not in this arm."""
    note_images: NotesImages = _no_note
    """Told of the images that the run needs, before they are pulled, and which are not there."""
    doors: Mapping[str, Door] = field(default_factory=dict)
    """By deployment; all others are behind the run's own proxy."""

    def through(self, deployment: str | None) -> "Bench":
        """The bench for work on one deployment: behind its own proxy, if it has one."""
        door = self.doors.get(deployment) if deployment else None
        return self if door is None else replace(self, node=door.node, requester=door.requester)

    def own_address(self, deployment: str) -> str | None:
        door = self.doors.get(deployment)
        return door.node.address if door else None

    def labels(self, deployment: str) -> RunLabels:
        """Labels of what is made for one deployment of this run."""
        return RunLabels(run=self.run, recipe=self.recipe, deployment=deployment, expires=self.expires)

    def span(
        self,
        name: str,
        phase: Phase,
        *,
        waits_for: str | None = None,
        action: str | None = None,
        kind: SpanKind | None = None,
    ) -> AbstractContextManager[OpenSpan]:
        """Time what is done, or what is waited for, which is told."""
        if waits_for is None:
            return self.trace.span(name, phase=phase, kind=kind or "call", action=action)
        self.tell(f"waiting for {waits_for}")
        return self.trace.span(name, phase=phase, kind=kind or "wait", action=action, waits_for=waits_for)

    def record(
        self,
        name: str,
        phase: Phase,
        *,
        start: EpochSeconds,
        end: EpochSeconds,
        parent: OpenSpan | None = None,
        kind: SpanKind = "call",
        action: str | None = None,
        **attributes: Attribute,
    ) -> OpenSpan:
        """Add a span that is known afterwards, between two stamps of the engine."""
        begun, ended = (self.trace.monotonic_at(stamp, ahead=self.engine_ahead) for stamp in (start, end))
        return self.trace.record(
            name,
            phase=phase,
            start=begun,
            end=ended,
            parent=parent,
            kind=kind,
            action=action,
            stage=None,
            deployment=None,
            **attributes,
        )
